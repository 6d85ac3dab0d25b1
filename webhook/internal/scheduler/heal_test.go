package scheduler_test

import (
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// heal ends all faults, adds new events for a while, and then waits until all deliveries
// have ended. New deliveries must not overtake those from before for ever.
func (m *sim) heal() {
	m.away, m.faults, m.slow, m.big = false, 0, 0, false
	for _, h := range m.store.hooks {
		h.mode = prompt
	}
	m.runUntil(m.now.Add(2*timeout), nil) // late answers may switch a webhook off
	for _, h := range m.store.hooks {
		if h.sealed || !h.active {
			h.sealed = false
			m.edit(h, true, func() { h.active = true })
		}
	}
	if m.paused {
		m.paused = false
		m.step(scheduler.Paused{})
	}
	m.runUntil(m.now.Add(20*time.Second), func() bool { return !m.stopping || !m.running })
	m.start()
	old := map[*row]bool{}
	for _, r := range m.store.rows {
		old[r] = true
	}
	bound := m.now.Add(m.c.Lease + m.c.MaxPause + m.c.Breaker.MaxOpen + 2*m.c.Poll + 30*time.Second)
	apart := 30 * time.Millisecond
	for m.err == nil && m.now.Before(bound) && m.left(old) {
		if m.store.left() < 20 {
			m.dispatch(m.store.hooks[m.rng.IntN(len(m.store.hooks))])
		}
		m.runUntil(m.now.Add(apart/2+m.ms(int(apart.Milliseconds()))), nil)
		apart = min(apart*6/5, 3*time.Second)
	}
	m.mustHaveEnded(old, "while new events go on")
	all := map[*row]bool{}
	for _, r := range m.store.rows {
		all[r] = true
	}
	end := m.now.Add(m.c.Lease + 2*m.c.Poll + 30*time.Second)
	m.runUntil(end, func() bool { return !m.left(all) })
	m.mustHaveEnded(all, "at the end")
	idle := func() bool {
		c := m.s.Counts()
		return c.InFlight+c.Waiting+c.Unwritten == 0
	}
	m.runUntil(m.now.Add(10*time.Second), nil)
	if m.runUntil(m.now.Add(time.Second), idle); !idle() {
		m.fail("something is left: %+v", m.s.Counts())
	}
}

func (t *store) left() int { return len(t.rows) }

func (m *sim) left(of map[*row]bool) bool {
	for r := range of {
		if !r.ended && r.committed {
			return true
		}
	}
	return false
}

func (m *sim) mustHaveEnded(rows map[*row]bool, when string) {
	for _, r := range m.store.rows {
		if rows[r] && !r.ended && r.committed {
			more, waits := m.s.More(r.lane)
			m.fail("%s, %s of %v has not ended: held %v by us %v until %v, due %v, now %v; lane more %v waits %v parked %v",
				when, r.id, r.lane, r.held, r.ours, r.until.Sub(epoch), r.due.Sub(epoch), m.storeNow().Sub(epoch), more, waits, m.s.Parked(r.lane))
			return
		}
	}
}
