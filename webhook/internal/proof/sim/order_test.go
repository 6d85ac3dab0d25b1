package sim

import "testing"

// TestOrderedSimulation runs stories of three hosts whose webhooks keep orders or coalesce.
func TestOrderedSimulation(t *testing.T) {
	t.Parallel()
	runs := uint64(40)
	if testing.Short() {
		runs = 10
	}
	judged, delivered := 0, 0
	for seed := range runs {
		s := NewStory(1000 + seed)
		for seed := 1000 + seed; s.Hosts != 3 || s.Calm; seed += runs {
			s = NewStory(seed)
		}
		s.Ordered = true
		o := tell(t, s)
		judged += o.InOrder
		delivered += o.Delivered
		if len(o.Violations) > 0 {
			report(t, s, o)
			return
		}
	}
	t.Logf("%d stories: %d delivered, %d first requests in order", runs, delivered, judged)
	if judged == 0 || delivered == 0 {
		t.Error("no request of a key was judged, or nothing was delivered")
	}
}
