package scheduler_test

import (
	"fmt"
	"testing"
	"time"

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
		{"other answers do not change it", func(t *testing.T) { grows(t, 4, rejected, 4) }},
		{"bounds the requests in flight of all classes", func(t *testing.T) {
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
	// hang adds n hanging webhooks of a scope, as far as the share allows.
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
		{"a request that was answered wants no timer", func(t *testing.T) {
			r := newRig(t, nil)
			first, second := r.job(lane("a", "first")), r.job(lane("a", "second"))
			r.dispatch(first)
			begin := r.now
			r.now = r.now.Add(10 * time.Millisecond)
			r.dispatch(second)
			if at := r.s.Wake(); !at.Equal(begin.Add(50 * time.Millisecond)) {
				t.Errorf("the timer is for %v after the first request, want 50 ms", at.Sub(begin))
			}
			r.answer(first, delivered)
			r.settled(nil)
			if at := r.s.Wake(); !at.Equal(begin.Add(60 * time.Millisecond)) {
				t.Errorf("after its answer the timer is for %v after the first request, want the 60 ms of the second", at.Sub(begin))
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
		{"a job that was not sent does not prove the endpoint prompt", func(t *testing.T) {
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
		{"at least one for a scope without unproven requests", func(t *testing.T) {
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
		{"an answer unparks a lane of the scope with the fewest", func(t *testing.T) {
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
		{"a webhook that becomes prompt needs no share", func(t *testing.T) {
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
