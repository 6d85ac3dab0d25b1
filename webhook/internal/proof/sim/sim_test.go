package sim

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedFlag = flag.Uint64("sim.seed", 0, "tell the story of this seed only")
	runsFlag = flag.Int("sim.runs", 0, "how many stories to tell; 0: 100, or 20 with -short")
	fromFlag = flag.Uint64("sim.from", 1, "the first seed")
)

// TestSimulation runs stories and checks the rules of check.go.
func TestSimulation(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		runs := *runsFlag
		if runs == 0 {
			if runs = 100; testing.Short() {
				runs = 20
			}
		}
		seeds = nil
		for i := range uint64(runs) {
			seeds = append(seeds, *fromFlag+i)
		}
	}
	began := time.Now()
	var next atomic.Int64
	var mu sync.Mutex
	var total Outcome
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(seeds) || t.Failed() {
					return
				}
				story := NewStory(seeds[i])
				o := tell(t, story)
				mu.Lock()
				total.Accepted += o.Accepted
				total.Delivered += o.Delivered
				total.Requests += o.Requests
				total.HandedOff += o.HandedOff
				total.Lost += o.Lost
				total.Again += o.Again
				total.Sealed += o.Sealed
				total.Late += o.Late
				mu.Unlock()
				if len(o.Violations) > 0 {
					report(t, story, o)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d stories: %d deliveries accepted, %d delivered, %d requests, in %v",
		len(seeds), total.Accepted, total.Delivered, total.Requests, time.Since(began).Round(time.Millisecond))
	t.Logf("%d hand-offs, %d answers lost, %d told again, %d sealed, %d committed late", total.HandedOff, total.Lost, total.Again, total.Sealed, total.Late)
	if total.Delivered == 0 {
		t.Error("nothing was delivered in any story")
	}
	if len(seeds) >= 20 && min(total.HandedOff, total.Lost, total.Again, total.Sealed, total.Late) == 0 {
		t.Error("the stories did not come by everything that they are about")
	}
}

// tell runs a story in its own bubble.
func tell(t *testing.T, s Story) (o Outcome) {
	t.Helper()
	var done sync.WaitGroup
	done.Go(func() { synctest.Test(t, func(*testing.T) { o = Tell(s) }) })
	done.Wait()
	return o
}

// report prints the violations and the shortest story that still has them.
func report(t *testing.T, s Story, o Outcome) {
	t.Helper()
	t.Errorf("seed %d breaks a rule (go test ./webhook/internal/proof/sim -sim.seed %d):\n  %s", s.Seed, s.Seed, strings.Join(o.Violations, "\n  "))
	short := shrink(s, func(s Story) bool { return len(tell(t, s).Violations) > 0 })
	t.Logf("shrunk from %d to %d steps:\n%v", len(s.Steps), len(short.Steps), short)
}

// shrink leaves out steps as long as the story still breaks a rule, halves first.
func shrink(s Story, breaks func(Story) bool) Story {
	tries := 200
	for size := len(s.Steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(s.Steps) && tries > 0; tries-- {
			shorter := s
			shorter.Steps = slices.Delete(slices.Clone(s.Steps), at, at+size)
			if breaks(shorter) {
				s = shorter
			} else {
				at += size
			}
		}
	}
	return s
}

// Rule: a seed makes the same story every time, and different seeds different ones.
func TestStories(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(50) {
		story := fmt.Sprint(NewStory(seed))
		if again := fmt.Sprint(NewStory(seed)); again != story {
			t.Errorf("seed %d tells two stories", seed)
		}
		seen[story] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d stories of 50 seeds", len(seen))
	}
}

// Rule: shrinking keeps what breaks a rule and leaves out the rest.
func TestShrink(t *testing.T) {
	t.Parallel()
	s := NewStory(7)
	bad := s.Steps[len(s.Steps)/3]
	got := shrink(s, func(s Story) bool { return slices.Contains(s.Steps, bad) })
	if len(got.Steps) != 1 || got.Steps[0] != bad {
		t.Errorf("shrunk to %d steps:\n%v", len(got.Steps), got)
	}
}
