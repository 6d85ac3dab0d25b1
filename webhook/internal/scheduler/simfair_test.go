package scheduler_test

import "github.com/postrider/postrider/webhook/internal/scheduler"

// fairness counts the turns of a scope while another one has an unblocked lane on the wheel and
// gets none. A round of the wheel gives each scope one turn, so the bound is two requests. A lane
// that is blocked at its turn to claim may be back on the wheel within the same step, so the bound
// of claims is a few more.
type fairness struct {
	was, is  [2]map[scheduler.Lane]bool // unblocked lanes on the wheels, before the step and after
	waits    map[string]bool
	turns    map[string]int
	overlook [2]map[[2]string]int // by the waiting scope and the one that gets a turn
}

var mostOverlooked = [2]int{2, 4}

func newFairness() (f fairness) {
	f.waits, f.turns = map[string]bool{}, map[string]int{}
	for w := range 2 {
		f.was[w], f.is[w], f.overlook[w] = map[scheduler.Lane]bool{}, map[scheduler.Lane]bool{}, map[[2]string]int{}
	}
	return f
}

func (f *fairness) before(s *scheduler.Scheduler) {
	for w := range 2 {
		clear(f.was[w])
		s.OnWheel(w == 1, f.was[w])
	}
}

func (f *fairness) after(m *sim) {
	for w := range 2 {
		clear(f.turns)
		for _, c := range m.todo {
			switch c := c.(type) {
			case scheduler.Send:
				if w == 0 {
					f.turns[c.Job.Lane.Scope]++
				}
			case scheduler.Read:
				if w == 0 {
					f.turns[c.Scope]++
				}
			case scheduler.Claim:
				for _, l := range c.Lanes {
					if w == 1 && !c.Repeat {
						f.turns[l.Lane.Scope] = 1
					}
				}
			}
		}
		clear(f.is[w])
		m.s.OnWheel(w == 1, f.is[w])
		clear(f.waits)
		for l := range f.is[w] {
			if f.was[w][l] && f.turns[l.Scope] == 0 {
				f.waits[l.Scope] = true
			}
		}
		for pair := range f.overlook[w] {
			if !f.waits[pair[0]] {
				delete(f.overlook[w], pair)
			}
		}
		for name := range f.waits {
			for other, n := range f.turns {
				pair := [2]string{name, other}
				if f.overlook[w][pair] += n; f.overlook[w][pair] > mostOverlooked[w] {
					m.fail("scope %s had %d turns on wheel %d while %s waited for one", other, f.overlook[w][pair], w, name)
				}
			}
		}
	}
}
