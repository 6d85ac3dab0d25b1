package scheduler_test

import (
	"maps"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// fairness counts the turns that a scope gets while another one has an unblocked lane on the
// wheel and gets none. A turn round the wheel gives each scope one, so two requests are the bound. A
// scope that is blocked when its turn to claim comes may be back within the same step, so a
// few claims are.
type fairness struct {
	was, is  [2]map[string]int // unblocked lanes of scopes on the wheels, before the step and after
	overlook [2]map[string]map[string]int
}

var mostOverlooked = [2]int{2, 4}

func newFairness() (f fairness) {
	for w := range 2 {
		f.was[w], f.is[w], f.overlook[w] = map[string]int{}, map[string]int{}, map[string]map[string]int{}
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
	turns := [2]map[string]int{{}, {}}
	for _, c := range m.todo {
		switch c := c.(type) {
		case scheduler.Send:
			turns[0][c.Job.Lane.Scope]++
		case scheduler.Read:
			turns[0][c.Scope]++
		case scheduler.Claim:
			for _, l := range c.Lanes {
				if !c.Repeat {
					turns[1][l.Lane.Scope] = 1
				}
			}
		}
	}
	for w := range 2 {
		clear(f.is[w])
		m.s.OnWheel(w == 1, f.is[w])
		maps.DeleteFunc(f.is[w], func(_ string, n int) bool { return n == 0 })
		for name := range f.overlook[w] {
			if f.is[w][name] == 0 {
				delete(f.overlook[w], name)
			}
		}
		for name := range f.is[w] {
			if turns[w][name] > 0 || f.was[w][name] == 0 {
				delete(f.overlook[w], name) // it had a turn, or has just come
				continue
			}
			for other, k := range turns[w] {
				if f.overlook[w][name] == nil {
					f.overlook[w][name] = map[string]int{}
				}
				if f.overlook[w][name][other] += k; f.overlook[w][name][other] > mostOverlooked[w] {
					m.fail("scope %s had %d turns on wheel %d while %s waited for one", other, f.overlook[w][name][other], w, name)
				}
			}
		}
	}
}
