package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerWindow(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	grows := func(t *testing.T, from int, result scheduler.Result, want int) {
		t.Helper()
		r := newRig(t, func(c *scheduler.Config) { c.PerLane, c.Breaker.Failures = 8, -1 })
		if from > 1 {
			r.succeed(a, from)
		}
		j := r.job(a)
		r.dispatch(j)
		r.answer(j, result)
		if got := r.s.Window("a", "a"); got != want {
			t.Errorf("the window is %d, want %d", got, want)
		}
	}
	prove(t, []rule{
		{"1 at first", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			if c := r.claim("something is due"); c.Lanes[0].Most != 1 {
				t.Errorf("the claim asks for %d, want 1", c.Lanes[0].Most)
			}
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(a), r.job(a)}})
			r.wantSent("one probe", "a-1")
		}},
		{"doubled by each success up to PerLane", func(t *testing.T) {
			grows(t, 1, delivered, 2)
			grows(t, 2, delivered, 4)
			grows(t, 4, delivered, 8)
			grows(t, 8, delivered, 8)
		}},
		{"halved by overload, never below 1", func(t *testing.T) {
			grows(t, 8, failed, 4)
			grows(t, 1, failed, 1)
		}},
		{"other answers leave it", func(t *testing.T) { grows(t, 4, rejected, 4) }},
		{"bounds what is in flight of all classes", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 16 })
			b := scheduler.Lane{Scope: "a", WebhookID: "a", Class: "b"}
			r.succeed(a, 4)
			r.jobs = 0
			r.more(a, b)
			r.claimed(r.job(a), r.job(a), r.job(a), r.job(b), r.job(b), r.job(b))
			r.wantSent("window 4", "a-1", "ab-4", "a-2", "ab-5")
		}},
	})
}

func TestSchedulerShare(t *testing.T) {
	t.Parallel()
	// hang makes n webhooks of a scope hang, as far as the share allows.
	hang := func(r *rig, scope string, n int) {
		for i := range n {
			l := lane(scope, fmt.Sprint(scope, i))
			r.more(l)
			if c := take[scheduler.Claim](r); len(c) > 0 {
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(l, func(j *scheduler.Job) { j.Until = j.Until.Add(time.Hour) })}})
			}
			r.wait(60 * time.Millisecond)
		}
	}
	prove(t, []rule{
		{"unproven until a request has ended within SlowAfter", func(t *testing.T) {
			r := newRig(t, nil)
			a := lane("a", "a")
			j := r.job(a)
			r.dispatch(j)
			if r.s.Unproven() != 1 {
				t.Error("the first request is not unproven")
			}
			r.answer(j, delivered)
			r.dispatch(r.job(a))
			if r.s.Unproven() != 0 {
				t.Error("a request to a prompt webhook is unproven")
			}
		}},
		{"unproven while a request is slow", func(t *testing.T) {
			r := newRig(t, nil)
			a := lane("a", "a")
			r.succeed(a, 4)
			r.dispatch(r.job(a))
			r.wait(60 * time.Millisecond)
			r.dispatch(r.job(a))
			if r.s.Unproven() != 2 {
				t.Errorf("%d unproven, want the slow one and the new one", r.s.Unproven())
			}
		}},
		{"a request that was not made proves nothing", func(t *testing.T) {
			r := newRig(t, nil)
			a := lane("a", "a")
			j := r.job(a)
			r.dispatch(j)
			r.step(scheduler.NotSent{Job: j})
			r.settled(nil)
			r.claimed(r.job(a))
			if r.s.Unproven() != 1 {
				t.Error("the webhook counts as prompt")
			}
		}},
		{"max(1, MaxInFlight - 2 x Capacity - all unproven)", func(t *testing.T) {
			r := newRig(t, nil) // 32 - 8
			hang(r, "a", 30)
			if n := r.s.Unproven(); n != 12 || r.s.Share() != 12 {
				t.Errorf("%d unproven of a share of %d, want 12 of 12", n, r.s.Share())
			}
			hang(r, "b", 30)
			if n := r.s.Unproven(); n != 18 || r.s.Share() != 6 {
				t.Errorf("%d unproven and a share of %d, want 18 and 6", n, r.s.Share())
			}
		}},
		{"never below one for a scope that has none", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 8 {
				hang(r, fmt.Sprint("s", i), 3)
			}
			before := r.s.Unproven()
			hang(r, "new", 2)
			if got := r.s.Unproven() - before; got != 1 {
				t.Errorf("a new scope starts %d, want 1", got)
			}
		}},
		{"prompt webhooks need none", func(t *testing.T) {
			r := newRig(t, nil)
			r.succeed(lane("a", "prompt"), 4)
			hang(r, "a", 30)
			r.sent()
			j := r.job(lane("a", "prompt"))
			r.dispatch(j)
			r.wantSent("the share of its scope is used up", j.ID)
		}},
		{"an answer lets the scope with the fewest go", func(t *testing.T) {
			r := newRig(t, nil)
			hang(r, "a", 30)
			first := r.inFlight[0]
			hang(r, "b", 30)
			take[scheduler.Claim](r)
			r.answer(first, scheduler.Result{})
			c := r.claim("a share has room")
			if len(c.Lanes) != 1 || c.Lanes[0].Lane.Scope != "b" {
				t.Errorf("claimed %v, want a lane of b", c.Lanes)
			}
		}},
		{"a webhook that proves prompt waits for no share", func(t *testing.T) {
			r := newRig(t, nil)
			x, y := lane("a", "x"), scheduler.Lane{Scope: "a", WebhookID: "x", Class: "y"}
			r.succeed(x, 4)
			one, two := r.job(x), r.job(x)
			r.dispatch(one)
			r.wait(30 * time.Millisecond)
			r.dispatch(two)
			hang(r, "a", 30) // one becomes slow: the webhook is unproven
			_ = two
			r.more(y)
			r.wait(time.Millisecond)
			if !r.s.Parked(y) {
				t.Fatal("the lane does not wait")
			}
			take[scheduler.Claim](r)
			r.answer(one, delivered)
			r.answer(two, delivered)
			fast := r.job(x)
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{fast}})
			for i := range r.inFlight {
				if r.inFlight[i].InFlight() && r.inFlight[i].Lane == x {
					r.answer(r.inFlight[i], delivered)
				}
			}
			if r.s.Parked(y) {
				t.Error("a lane of a prompt webhook waits for a share")
			}
		}},
	})
}

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
		{"Max bounds what is in flight with the key", func(t *testing.T) {
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
		{"a token costs one turn, however many lanes wait for it", func(t *testing.T) {
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
				t.Errorf("%d lanes were let go by two tokens", n)
			}
		}},
		{"a rate that changes makes the bucket no fuller", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 6 {
				l := lane(fmt.Sprint(i), fmt.Sprint(i))
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(l, limit(scheduler.Limit{Key: "k", Rate: 1 + float64(i%2), Burst: 1}))}})
			}
			if got := r.sent(); len(got) != 1 {
				t.Errorf("%d requests at once, want 1", len(got))
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
		{"no claim for a lane whose key is full", func(t *testing.T) {
			r := newRig(t, nil)
			jobs := three(r, scheduler.Limit{Key: "k", Max: 1})
			r.sent()
			take[scheduler.Claim](r)
			r.wait(300 * time.Millisecond) // the others go back
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
