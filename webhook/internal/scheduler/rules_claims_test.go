package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func most(c scheduler.Claim) (n int) {
	for _, l := range c.Lanes {
		n += l.Most
	}
	return n
}

// failingClaims lets n claims fail, with a call of between after each, and returns the waits before them in
// milliseconds.
func (r *rig) failingClaims(n int, between func()) (waits []int) {
	r.t.Helper()
	for range n {
		from := r.now
		for len(take[scheduler.Claim](r)) == 0 {
			r.wait(time.Millisecond)
			if r.now.Sub(from) > time.Minute {
				r.t.Fatal("no claim for a minute")
			}
		}
		waits = append(waits, int(r.now.Sub(from).Milliseconds()))
		r.step(scheduler.Leased{Failed: true})
		r.now = r.now.Add(time.Microsecond)
		between()
	}
	return waits
}

func TestSchedulerClaims(t *testing.T) {
	t.Parallel()
	a, b := lane("a", "a"), lane("b", "b")
	prove(t, []rule{
		{"asks for the free slots", func(t *testing.T) {
			r := newRig(t, nil)
			var lanes []scheduler.Lane
			for i := range 10 {
				lanes = append(lanes, slot(i))
			}
			r.more(lanes...)
			if got := most(r.claim("slots are free")); got != 4 {
				t.Errorf("the claim asks for %d, want Capacity", got)
			}
		}},
		{"and as many as started in the last 50 ms", func(t *testing.T) {
			r := newRig(t, nil)
			r.succeed(a, 4)
			jobs := []*scheduler.Job{r.job(a), r.job(a), r.job(a), r.job(a)}
			r.more(a)
			r.claimed(jobs...)
			if c := r.claim("four have started"); most(c) != 4 {
				t.Errorf("the claim asks for %d, want 4, the number of recent starts", most(c))
			}
		}},
		{"no claims ahead for a hanging endpoint", func(t *testing.T) {
			r := newRig(t, nil)
			r.succeed(a, 4)
			r.more(a)
			r.claimed(r.job(a), r.job(a), r.job(a), r.job(a))
			r.claim("they may be fast")
			r.wait(60 * time.Millisecond)
			r.step(scheduler.Leased{Partial: true})
			r.wait(10 * time.Second)
			none[scheduler.Claim](r, "all of its window hangs")
		}},
		{"in turn order", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 2 })
			r.more(lane("a", "1"), lane("a", "2"), lane("b", "3"), lane("c", "4"))
			want := []scheduler.LaneClaim{{Lane: lane("a", "1"), Most: 1}, {Lane: lane("b", "3"), Most: 1}}
			if diff := cmp.Diff(want, r.claim("slots are free").Lanes); diff != "" {
				t.Errorf("lanes (-want +got):\n%s", diff)
			}
			r.step(scheduler.Leased{})
			want = []scheduler.LaneClaim{{Lane: lane("c", "4"), Most: 1}, {Lane: lane("a", "2"), Most: 1}}
			if diff := cmp.Diff(want, r.claim("slots are free").Lanes); diff != "" {
				t.Errorf("lanes of the next (-want +got):\n%s", diff)
			}
		}},
		{"one at a time", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			r.more(b)
			r.wait(time.Second)
			none[scheduler.Claim](r, "one is under way")
			r.step(scheduler.Leased{})
			r.claim("the first has ended")
		}},
		{"a lane that returned less than asked has no more", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claimed()
			none[scheduler.Claim](r, "there was nothing")
			if !r.offer(r.job(a)) {
				t.Error("the lane is believed to have more")
			}
		}},
		{"not where MaxBytes left deliveries out", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			r.step(scheduler.Leased{Short: []scheduler.Lane{a}})
			r.claim("the lane was short")
		}},
		{"not after a partial answer", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			r.step(scheduler.Leased{Partial: true})
			r.wait(time.Second)
			r.claim("a part had no say")
		}},
		{"not where a look named the lane meanwhile", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			r.more(a)
			r.step(scheduler.Leased{})
			r.claim("the epoch moved")
		}},
		{"a failed claim is repeated unchanged", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			first := r.claim("something is due")
			r.more(b)
			r.step(scheduler.Leased{Failed: true})
			r.wait(49 * time.Millisecond)
			none[scheduler.Claim](r, "the Store is left alone for a while")
			r.wait(time.Millisecond)
			first.Repeat = true
			if diff := cmp.Diff(first, r.claim("its leases must not be lost")); diff != "" {
				t.Errorf("the claim (-want +got):\n%s", diff)
			}
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(a)}})
			r.wantSent("the leases were there", "a-1")
		}},
		{"with growing intervals, up to 5 s", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			want := []int{0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000}
			if diff := cmp.Diff(want, r.failingClaims(len(want), func() {})); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		}},
		{"with short ones while the Store answers other calls, for two seconds", func(t *testing.T) {
			for name, answer := range map[string]scheduler.Event{"look": scheduler.Listed{}, "write": scheduler.Settled{}, "Enqueue": scheduler.Enqueued{}} {
				r := newRig(t, nil)
				r.more(a)
				want := append(append([]int{0}, slices.Repeat([]int{50}, 40)...), 100, 200, 400)
				if diff := cmp.Diff(want, r.failingClaims(len(want), func() { r.step(answer) })); diff != "" {
					t.Errorf("%s: waits (-want +got):\n%s", name, diff)
				}
			}
		}},
		{"given up where its leases would be too short", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			r.step(scheduler.Leased{Failed: true})
			r.step(scheduler.Leased{GivenUp: true})
			r.wait(time.Second)
			if c := r.claim("a new one"); c.Repeat {
				t.Error("the claim was repeated after it had been given up")
			}
		}},
		{"bodies within the rest of 256 MiB", func(t *testing.T) {
			r := newRig(t, nil)
			r.dispatch(r.job(b, func(j *scheduler.Job) { j.Size = scheduler.MaxBytes - 10<<20 }))
			r.more(a)
			if c := r.claim("something is due"); c.MaxBytes != 10<<20 {
				t.Errorf("MaxBytes is %d, want 10 MiB", c.MaxBytes)
			}
		}},
	})
}
