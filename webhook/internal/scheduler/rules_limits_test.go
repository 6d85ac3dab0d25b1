package scheduler_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerLimits(t *testing.T) {
	t.Parallel()
	limit := func(l scheduler.Limit) func(*scheduler.Job) {
		return func(j *scheduler.Job) { j.Limits = []scheduler.Limit{l} }
	}
	lanes := []scheduler.Lane{lane("a", "a"), lane("b", "b"), lane("c", "c")}
	three := func(r *rig, l scheduler.Limit) (jobs []*scheduler.Job) {
		r.more(lanes...)
		for _, l2 := range lanes {
			jobs = append(jobs, r.job(l2, limit(l)))
		}
		r.claimed(jobs...)
		return jobs
	}
	prove(t, []rule{
		{"Max bounds the requests in flight with the key", func(t *testing.T) {
			r := newRig(t, nil)
			jobs := three(r, scheduler.Limit{Key: "k", Max: 2})
			r.wantSent("two of three", "a-1", "b-2")
			r.answer(jobs[1], delivered)
			r.wantSent("a slot of the key is free", "c-3")
		}},
		{"a key that is named twice counts once", func(t *testing.T) {
			r := newRig(t, nil)
			twice := func(j *scheduler.Job) { j.Limits = []scheduler.Limit{{Key: "k", Max: 1}, {Key: "k", Max: 1}} }
			j := r.job(lanes[0], twice)
			r.dispatch(j)
			r.answer(j, delivered)
			k := r.job(lanes[1], twice)
			r.dispatch(k)
			r.wantSent("the slot came back", j.ID, k.ID)
		}},
		{"a slot that its lane cannot use is passed on", func(t *testing.T) {
			r := newRig(t, nil)
			jobs := three(r, scheduler.Limit{Key: "k", Max: 1})
			r.sent()
			r.step(scheduler.HealthRead{All: []scheduler.Health{{Scope: "b", WebhookID: "b", Failures: 1, PausedUntil: epoch.Add(time.Minute)}}})
			r.answer(jobs[0], delivered)
			r.wantSent("b is paused", "c-3")
		}},
		{"Rate and Burst of a key, first come first served", func(t *testing.T) {
			r := newRig(t, nil)
			three(r, scheduler.Limit{Key: "k", Rate: 10, Burst: 1})
			r.wantSent("one token", "a-1")
			r.wait(99 * time.Millisecond)
			r.wantSent("no token yet")
			r.wait(time.Millisecond)
			r.wantSent("the second token", "b-2")
			r.wait(100 * time.Millisecond)
			r.wantSent("the third token", "c-3")
		}},
		{"a token costs one turn, for any number of waiting lanes", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 64 })
			for i := range 100 {
				l := lane(fmt.Sprint(i), fmt.Sprint(i))
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(l, limit(scheduler.Limit{Key: "k", Rate: 10, Burst: 1}))}})
			}
			r.sent()
			r.wait(150 * time.Millisecond)
			n := 0
			for i := range 100 {
				if !r.s.Parked(lane(fmt.Sprint(i), fmt.Sprint(i))) {
					n++
				}
			}
			if n != 2 {
				t.Errorf("two tokens unparked %d lanes", n)
			}
		}},
		{"a changed rate adds no tokens", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 6 {
				l := lane(fmt.Sprint(i), fmt.Sprint(i))
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(l, limit(scheduler.Limit{Key: "k", Rate: 1 + float64(i%2), Burst: 1}))}})
			}
			if got := r.sent(); len(got) != 1 {
				t.Errorf("%d requests at once, want 1", len(got))
			}
		}},
		{"numbers of a hook that no clock can count", func(t *testing.T) {
			for _, c := range []struct {
				limit scheduler.Limit
				want  int
			}{
				{scheduler.Limit{Key: "k", Rate: 1e-12}, 1},
				{scheduler.Limit{Key: "k", Rate: math.SmallestNonzeroFloat64, Burst: 1}, 1},
				{scheduler.Limit{Key: "k", Rate: 1, Burst: math.MaxInt}, 4},
				{scheduler.Limit{Key: "k", Rate: 1e-12, Burst: math.MaxInt}, 2}, // two within ten years
				{scheduler.Limit{Key: "k", Rate: math.MaxFloat64}, 4},
				{scheduler.Limit{Key: "k", Rate: math.Inf(1)}, 4},
				{scheduler.Limit{Key: "k", Rate: math.NaN()}, 4},
				{scheduler.Limit{Key: "k", Rate: -1, Burst: -1}, 4},
			} {
				r := newRig(t, nil)
				for i := range 4 {
					r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(lane(fmt.Sprint(i), fmt.Sprint(i)), limit(c.limit))}})
				}
				if got := r.sent(); len(got) != c.want {
					t.Errorf("%+v: %d requests of 4 at once, want %d", c.limit, len(got), c.want)
				}
			}
		}},
		{"Rate and Burst of a webhook", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Rate, c.Burst = 10, 2 })
			a := lane("a", "a")
			for i := range 3 {
				j := r.job(a)
				if r.offer(j) != (i < 2) {
					t.Fatalf("job %d: handed off is %v", i, j.Held())
				}
				r.stored(j)
				if j.Held() || j.InFlight() {
					r.answer(j, delivered)
				}
			}
			none[scheduler.Claim](r, "there is no token")
			r.wait(100 * time.Millisecond)
			if c := r.claim("a token is there"); c.Lanes[0].Most != 1 {
				t.Errorf("the claim asks for %d, want 1", c.Lanes[0].Most)
			}
		}},
		{"a webhook with a used rate is not dropped", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Rate, c.Burst = 1, 1 })
			j := r.job(lanes[0])
			r.dispatch(j)
			r.answer(j, delivered)
			r.settled(nil)
			r.wait(100 * time.Millisecond)
			r.s.Keep(1)
			r.more(lanes[1])
			if r.offer(r.job(lanes[0])) {
				t.Error("a second request within a second")
			}
		}},
		{"no claim for a lane whose key is full", func(t *testing.T) {
			r := newRig(t, nil)
			jobs := three(r, scheduler.Limit{Key: "k", Max: 1})
			r.sent()
			take[scheduler.Claim](r)
			r.wait(300 * time.Millisecond) // the other jobs are released
			r.settled(nil)
			none[scheduler.Claim](r, "the key is full")
			r.answer(jobs[0], delivered)
			c := r.claim("the key is free")
			if diff := cmp.Diff([]scheduler.LaneClaim{{Lane: lanes[1], Most: 1}}, c.Lanes); diff != "" {
				t.Errorf("claimed (-want +got):\n%s", diff)
			}
		}},
	})
}
