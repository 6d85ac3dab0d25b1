package scheduler_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func (m *sim) hook(id string) *hook {
	return m.store.hookByID[id]
}

func (m *sim) addHook(scope, id string, classes []string, limits []scheduler.Limit) *hook {
	h := &hook{scope: scope, id: id, classes: classes, active: true, usable: map[int]bool{0: true}, limits: limits}
	m.store.hooks = append(m.store.hooks, h)
	m.store.hookByID[id] = h
	return h
}

func (m *sim) ms(most int) time.Duration { return time.Duration(m.rng.IntN(most)) * time.Millisecond }

func (m *sim) newRow(h *hook) *row {
	m.lastRow++
	r := &row{id: fmt.Sprintf("d%d", m.lastRow), hook: h, due: m.claimNow(), committed: true, size: 1 << 10}
	if m.big && m.rng.IntN(2) == 0 {
		r.size = 1 << (20 + m.rng.IntN(6)) // up to 32 MiB
	}
	if m.c.KeyOrder {
		r.key = pick(m.rng, "", "a", "b")
	}
	class := h.classes[m.rng.IntN(len(h.classes))]
	r.lane = scheduler.Lane{Scope: h.scope, WebhookID: h.id, Class: class}
	return r
}

// dispatch stores an event for some webhooks, as Dispatch does.
func (m *sim) dispatch(hooks ...*hook) {
	var rows []*row
	for _, h := range hooks {
		rows = append(rows, m.newRow(h))
	}
	m.offer(rows, m.rng.IntN(10) == 0)
}

// offer is the part of Dispatch that may be repeated for the same event.
func (m *sim) offer(rows []*row, again bool) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return !r.hook.active || r.hook.gone })
	if len(rows) == 0 {
		return
	}
	m.leases += 2048
	lease, until := m.leases, m.leaseEnd(timeout+10*time.Second)
	read := m.now.Add(-m.ms(m.readAge))
	var jobs []*scheduler.Job
	known := map[string]bool{}
	for _, r := range rows {
		j := m.job(r, read)
		j.Lease, j.Until, j.ClaimFirst = lease, until, r.hook.sealed
		jobs = append(jobs, j)
		more, waits := m.s.More(r.lane)
		known[r.id] = more || waits && len(rows) == 1
	}
	m.step(scheduler.Offered{Jobs: jobs})
	held := make([]bool, len(jobs))
	for i, j := range jobs {
		held[i] = j.Held()
		switch {
		case !held[i]:
		case !m.running, m.paused, m.stopping, j.ClaimFirst, j.Keyed, known[j.ID], m.now.Sub(j.Read) > 250*time.Millisecond, !j.Read.After(m.edited[j.Lane.WebhookID]):
			m.fail("%s is handed off", j.ID)
		}
	}
	added := make([]bool, len(jobs))
	unknown := m.rng.IntN(3) == 0
	m.call(func() {
		for i, r := range rows {
			n := *r
			if n.lease = 0; held[i] {
				n.held, n.ours, n.lease, n.until = true, true, lease, until
			}
			added[i] = m.store.add(&n)
		}
	}, func(failed bool) {
		e := scheduler.Enqueued{Jobs: jobs, Added: added}
		if failed {
			e.Stored = scheduler.StoredUnknown
			if m.store.byID[jobs[0].ID] == nil && !unknown {
				e.Stored = scheduler.NotStored
			}
			clear(added)
		}
		m.step(e)
		for i, j := range jobs {
			if !failed && added[i] && !held[i] {
				m.markKnown(m.store.byID[j.ID])
			}
		}
		if failed && again {
			m.after(m.ms(500), func() { m.offer(rows, false) })
		}
	})
}

// dispatchTx stores an event in a transaction that commits later, or never.
func (m *sim) dispatchTx(h *hook) {
	r := m.newRow(h)
	r.committed = false
	m.step(scheduler.Expected{IDs: []string{r.id}, Lanes: []scheduler.Lane{r.lane}})
	if m.rng.IntN(5) > 0 {
		wake := m.rng.IntN(2) == 0
		m.after(m.ms(6000), func() {
			m.store.add(r)
			if r.committed = true; wake {
				m.step(scheduler.Woken{})
			}
		})
	}
}

// foreign adds a row of another host, which may commit late.
func (m *sim) foreign(h *hook) {
	r := m.newRow(h)
	late := time.Duration(0)
	if m.rng.IntN(4) == 0 {
		late = m.ms(6000)
	}
	tell := m.rng.IntN(2) == 0
	m.after(late, func() {
		if m.store.add(r); tell && m.c.Notifier {
			m.after(m.delay(), func() { m.step(scheduler.Woken{Foreign: true}) })
		}
	})
}

// otherHost lets another host lease a row and end it, release it, or crash.
func (m *sim) otherHost() {
	for _, r := range m.store.rows {
		if !m.store.claimable(r, m.storeNow()) || r.dueAt().After(m.storeNow()) || m.rng.IntN(2) == 0 {
			continue
		}
		m.store.forgetKey(r)
		r.held, r.ours, r.lease, r.until = true, false, r.lease+1, m.storeNow().Add(m.c.Lease)
		lease := r.lease
		what := m.rng.IntN(4)
		m.after(m.ms(3000), func() {
			switch {
			case r.ended || !r.held || r.ours || r.lease != lease:
			case what == 0: // the host crashes
			case what == 1:
				r.held = false
			default:
				m.store.end(r)
			}
		})
		return
	}
}

// markKnown records that the process knows of a claimable row. From then on the Scheduler must know
// that the row's lane has more, or claim the lane, until the row is leased. Outside of Run the process
// need not remember anything, because Run begins with a full look.
func (m *sim) markKnown(r *row) {
	if r != nil && m.running && !r.ended && !r.held && m.store.claimable(r, m.claimNow()) && !r.due.After(m.claimNow()) {
		r.known = true
	}
}

func (m *sim) markLanesKnown(lanes []scheduler.Lane) {
	for _, l := range lanes {
		for _, r := range m.store.inLane[l] {
			m.markKnown(r)
		}
	}
}

// forget removes this mark from rows, because a claim may miss them.
func (m *sim) forget(rows func(*row) bool) {
	for _, r := range m.store.rows {
		if rows(r) {
			r.known = false
		}
	}
}

// change makes an edit in the Store. Without an event it is another host's edit.
func (m *sim) change(h *hook, edit func()) {
	edit()
	m.forget(func(r *row) bool { return r.hook == h })
	h.version++
	h.usable[h.version] = h.active && !h.gone
}

// edit makes an edit of this process; the event follows after the call has returned.
func (m *sim) edit(h *hook, fresh bool, edit func()) {
	gen := m.gen
	m.change(h, edit)
	gone := h.gone
	m.after(m.delay(), func() {
		if gen == m.gen {
			m.sendEdited(h, fresh, gone)
		}
	})
}

func (m *sim) sendEdited(h *hook, fresh, gone bool) {
	m.edited[h.id] = m.now
	m.step(scheduler.Edited{Scope: h.scope, WebhookID: h.id, At: m.now, Fresh: fresh, Gone: gone, Takes: takesOf(h)})
}

// reorder lets a webhook keep an order, or keep none any more.
func (h *hook) reorder() {
	h.take, h.orders = scheduler.TakeHeads-h.take, h.orders+1
}

func takesOf(h *hook) []scheduler.HookTake {
	return []scheduler.HookTake{{Scope: h.scope, WebhookID: h.id, Take: h.take}}
}

func (m *sim) start() {
	if !m.running {
		m.running, m.stopping = true, false
		m.run++
		m.step(scheduler.Started{})
	}
}

// stop ends Run with Stopping and, after a while, Abandon.
func (m *sim) stop() {
	if !m.running || m.stopping {
		return
	}
	m.stopping = true
	gen, run := m.gen, m.run
	m.step(scheduler.Stopping{})
	m.awaitQuiet(gen, run, m.now.Add(6*time.Second), false)
}

func (m *sim) awaitQuiet(gen, run int, until time.Time, abandoned bool) {
	switch {
	case gen != m.gen || run != m.run || m.err != nil:
	case m.s.Quiet():
		m.s.Ended()
		m.running = false
	case m.now.Before(until):
		m.after(20*time.Millisecond, func() { m.awaitQuiet(gen, run, until, abandoned) })
	case abandoned:
		m.fail("Run does not end: %+v", m.s.Counts())
	default:
		m.step(scheduler.Abandon{})
		for _, j := range m.inOrder() {
			m.cutOff(gen, j)
		}
		m.step(scheduler.Abandon{})
		m.awaitQuiet(gen, run, m.now.Add(10*time.Second), true)
	}
}

// inOrder returns the jobs in flight in a reproducible order.
func (m *sim) inOrder() (jobs []*scheduler.Job) {
	for _, j := range m.live {
		if m.flying[j.ID] == j {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// crash begins a new process without stopping the old one.
func (m *sim) crash() {
	m.gen++
	m.run++
	m.s = scheduler.New(m.c)
	m.live, m.offers, m.doubtful, m.testing = nil, nil, 0, 0
	clear(m.flying)
	clear(m.heldUp)
	clear(m.edited)
	m.running, m.paused, m.stopping = false, false, false
	m.fair = newFairness()
	m.forget(func(*row) bool { return true })
	m.readClock()
	m.start()
}

func (m *sim) readClock() {
	m.forget(func(*row) bool { return true })
	u := m.ms(100)
	off := time.Duration(0)
	if u > 0 {
		off = time.Duration(m.rng.Int64N(int64(2*u))) - u
	}
	m.step(scheduler.ClockRead{Store: m.storeNow().Add(off), Process: m.now, Uncertain: u})
}

func (m *sim) test(h *hook) {
	var ok bool
	m.step(scheduler.TestStarted{Scope: h.scope, Allowed: &ok})
	if !ok {
		return
	}
	m.testing++
	gen, fine := m.gen, m.rng.IntN(2) == 0
	m.after(m.ms(400), func() {
		if gen == m.gen {
			m.testing--
			m.step(scheduler.TestEnded{Scope: h.scope, WebhookID: h.id, Delivered: fine})
		}
	})
}
