package scheduler_test

import (
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func (m *sim) carryOut(c scheduler.Command) {
	switch c := c.(type) {
	case scheduler.Send:
		m.send(c.Job)
	case scheduler.Claim:
		m.claims(c)
	case scheduler.Look:
		m.look(c)
	case scheduler.LookAt:
		h := m.hook(c.WebhookID)
		var e scheduler.Found
		m.call(func() { e.Lanes, _, _ = m.store.due(m.claimNow(), time.Time{}, "", h) }, func(failed bool) {
			e.Failed = failed
			m.step(e)
			m.markLanesKnown(e.Lanes)
		})
	case scheduler.Settle:
		m.settle(c)
	case scheduler.Sweep:
		m.call(m.sweep, func(failed bool) { m.step(scheduler.Swept{Failed: failed}) })
	case scheduler.Read:
		m.read(c)
	case scheduler.Notify:
		m.call(func() {}, func(bool) { m.step(scheduler.Notified{}) })
	case scheduler.ReadHealth:
		var e scheduler.HealthRead
		m.call(func() {
			for _, h := range m.store.hooks {
				if r, ok := m.store.health[h.id]; ok {
					e.All = append(e.All, r)
				}
			}
		}, func(failed bool) {
			e.Failed = failed
			m.step(e)
		})
	case scheduler.SaveHealth:
		m.saveHealth(c)
	case scheduler.SwitchOff:
		h := m.hook(c.Job.Lane.WebhookID)
		m.call(func() { m.change(h, func() { h.active = false }) }, func(failed bool) {
			if failed {
				m.step(scheduler.SwitchOffFailed{Scope: h.scope, WebhookID: h.id})
				return
			}
			m.sendEdited(h, false, false)
		})
	case scheduler.Dropped:
		delete(m.heldUp, c.Job)
	}
}

// call makes a call to the Store. It takes effect after a delay, or never, and is answered after
// another delay, or its answer is lost.
func (m *sim) call(do func(), answer func(failed bool)) {
	gen, lost := m.gen, m.rng.Float64()
	m.after(m.delay(), func() {
		done := !m.away && lost >= m.faults
		if done {
			do()
		}
		if done && lost < 2*m.faults {
			done = false // the answer is lost
		}
		m.after(m.delay(), func() {
			if gen == m.gen {
				answer(!done)
			}
		})
	})
}

func (m *sim) delay() time.Duration {
	if m.rng.Float64() < m.slow {
		return time.Duration(m.rng.IntN(1500)) * time.Millisecond
	}
	return time.Duration(50+m.rng.IntN(2000)) * time.Microsecond
}

// claimNow and leaseEnd return the times that an engine passes to the Store.
func (m *sim) claimNow() time.Time { return m.s.Store(m.now).Add(-m.s.Uncertain()) }
func (m *sim) leaseEnd(d time.Duration) time.Time {
	return m.s.Store(m.now).Add(m.s.Uncertain() + d)
}
func (m *sim) storeNow() time.Time { return m.now.Add(m.offset) }

const timeout = 4 * time.Second

func (m *sim) claims(c scheduler.Claim) {
	for j := range m.heldUp {
		if j.Outcome == scheduler.Written && j.Result.Delivered && !j.Until.After(m.claimNow()) {
			m.fail("a claim is made before the success of %s is stored, whose lease has ended", j.ID)
		}
	}
	if c.Repeat {
		if !slices.Equal(c.Lanes, m.claim.lanes) || c.MaxBytes != m.claim.maxBytes {
			m.fail("a claim is repeated with other arguments")
		}
		if m.claim.until.Sub(m.s.Store(m.now)) < timeout {
			m.after(0, func() { m.step(scheduler.Leased{GivenUp: true}) })
			return
		}
	} else {
		m.leases += 2048
		m.claim = claimCall{m.claimNow(), m.leaseEnd(m.c.Lease), m.leases, c.Lanes, c.MaxBytes}
	}
	call, began := m.claim, m.now
	var e scheduler.Leased
	m.call(func() {
		var rows []*row
		rows, e.Short = m.store.take(call)
		for _, r := range rows {
			j := m.job(r, began)
			j.Lease, j.Until = r.lease, r.until
			e.Takes = append(e.Takes, takesOf(r.hook)...)
			switch {
			case r.hook.gone:
				j.Outcome = scheduler.Written
				e.Ended = append(e.Ended, j)
			case r.hook.sealed:
				e.Sealed = append(e.Sealed, j)
			case r.key != "" && r.hook.take == scheduler.TakeHeads && !call.heads(r.lane):
				e.Mistaken = append(e.Mistaken, j)
			default:
				e.Jobs = append(e.Jobs, j)
			}
		}
	}, func(failed bool) {
		if failed {
			e = scheduler.Leased{Failed: true}
		} else if e.Partial = m.faults > 0 && m.rng.IntN(20) == 0; e.Partial {
			e.Short = nil
		}
		m.step(e)
		for _, j := range e.Mistaken {
			if !j.Landed() || j.Outcome != scheduler.GivenBack {
				m.fail("%s, which was claimed in another way than its order needs, is not given back", j.ID)
			}
		}
	})
}

func (m *sim) job(r *row, read time.Time) *scheduler.Job {
	return &scheduler.Job{
		ID: r.id, Lane: r.lane, Due: r.due, Size: r.size, Timeout: timeout, Limits: r.hook.limits,
		Read: read, Hook: r.hook.version, Keyed: r.key != "",
	}
}

func (m *sim) look(c scheduler.Look) {
	var e scheduler.Listed
	began := m.now
	m.call(func() {
		var next time.Time
		e.Lanes, e.Cursor, next = m.store.due(m.claimNow(), c.Since, c.Cursor, nil)
		e.Next = next
	}, func(failed bool) {
		e.Failed, e.Took = failed, m.now.Sub(began)
		m.step(e)
		m.markLanesKnown(e.Lanes)
	})
}

func (m *sim) settle(c scheduler.Settle) {
	ids := map[string]bool{}
	for _, j := range c.Jobs {
		if ids[j.ID] {
			m.fail("delivery %s is in a write twice", j.ID)
		}
		ids[j.ID] = true
	}
	m.within("outcomes in a write", len(c.Jobs), 500)
	var lost map[string]bool
	m.call(func() { lost = m.store.settle(c.Jobs) }, func(failed bool) {
		for _, j := range c.Jobs {
			if failed {
				m.heldUp[j] = true
			} else {
				delete(m.heldUp, j)
			}
		}
		m.step(scheduler.Settled{Jobs: c.Jobs, Lost: lost, Failed: failed})
		for _, j := range c.Jobs {
			if !failed && !lost[j.ID] && j.Outcome == scheduler.GivenBack {
				m.markKnown(m.store.byID[j.ID])
			}
			if r := m.store.byID[j.ID]; r != nil && r.ended && !failed && !lost[j.ID] {
				m.markKnown(m.store.next(r))
			}
		}
	})
}

func (m *sim) sweep() {
	for _, r := range slices.Clone(m.store.rows) {
		if r.committed && r.hook.gone && (!r.held || !r.until.After(m.storeNow())) {
			m.store.end(r)
		}
	}
}

func (m *sim) read(c scheduler.Read) {
	h := m.hook(c.WebhookID)
	e := scheduler.Reread{Scope: c.Scope, WebhookID: c.WebhookID, Began: m.now}
	m.call(func() {
		e.Hook = h.version
		switch {
		case h.gone:
			e.Verdict = scheduler.WebhookGone
		case !h.active, h.sealed:
			e.Verdict = scheduler.Unusable
		}
	}, func(failed bool) {
		if failed {
			e.Verdict = scheduler.Unusable
		}
		m.step(e)
	})
}

func (m *sim) saveHealth(c scheduler.SaveHealth) {
	e := scheduler.HealthSaved{Stored: c.New}
	m.call(func() {
		id := c.New.WebhookID
		is, ok := m.store.health[id]
		if !ok {
			is = scheduler.Health{Scope: c.New.Scope, WebhookID: id}
		}
		if !is.Equal(c.Old) {
			e.Stored, e.Conflict = is, true
			return
		}
		if m.store.health[id] = c.New; c.New.Equal(scheduler.Health{Scope: c.New.Scope, WebhookID: id}) {
			delete(m.store.health, id)
		}
	}, func(failed bool) {
		e.Failed = failed
		m.step(e)
	})
}
