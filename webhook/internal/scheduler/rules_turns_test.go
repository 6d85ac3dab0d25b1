package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerTurns(t *testing.T) {
	t.Parallel()
	prove(t, []rule{
		{"over the scopes, one delivery each", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			a1, a2, b, c := lane("a", "a1"), lane("a", "a2"), lane("b", "b"), lane("c", "c")
			busy := r.job(lane("z", "z"))
			r.dispatch(busy)
			jobs := []*scheduler.Job{r.job(a1), r.job(a2), r.job(b), r.job(c)}
			r.dispatch(jobs...)
			r.sent()
			r.answer(busy, delivered)
			turnsOf(t, r, jobs, "a1-2", "b-4", "c-5", "a2-3")
		}},
		{"in a scope over its webhooks", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			x, y := lane("a", "x"), lane("a", "y")
			r.succeed(x, 4)
			r.succeed(y, 4)
			r.jobs = 0
			r.more(x, y)
			jobs := []*scheduler.Job{r.job(x), r.job(x), r.job(y), r.job(y)}
			r.claimed(jobs...)
			turnsOf(t, r, jobs, "x-1", "y-3", "x-2", "y-4")
		}},
		{"a webhook with two classes has no more turns than one with one", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			x, s, y := lane("a", "x"), scheduler.Lane{Scope: "a", WebhookID: "x", Class: "s"}, lane("a", "y")
			r.succeed(x, 4)
			r.succeed(y, 4)
			r.jobs = 0
			r.more(x, s, y)
			jobs := []*scheduler.Job{r.job(x), r.job(s), r.job(x), r.job(y), r.job(y)}
			r.claimed(jobs...)
			turnsOf(t, r, jobs, "x-1", "y-4", "xs-2", "y-5", "x-3")
		}},
		{"in a webhook over its classes", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			x, s := lane("a", "x"), scheduler.Lane{Scope: "a", WebhookID: "x", Class: "s"}
			r.succeed(x, 4)
			r.jobs = 0
			r.more(x, s)
			jobs := []*scheduler.Job{r.job(x), r.job(x), r.job(s), r.job(s)}
			r.claimed(jobs...)
			turnsOf(t, r, jobs, "x-1", "xs-3", "x-2", "xs-4")
		}},
		{"a lane that is blocked costs its scope no turn", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			full := func(j *scheduler.Job) { j.Limits = []scheduler.Limit{{Key: "k", Max: 1}} }
			first := r.job(lane("b", "first"), full)
			var lanes []scheduler.Lane
			var jobs []*scheduler.Job
			for i := range 3 {
				lanes = append(lanes, lane("a", fmt.Sprint("blocked", i)))
				jobs = append(jobs, r.job(lanes[i], full))
			}
			lanes = append(lanes, lane("a", "x"), lane("c", "y"), lane("d", "z"))
			for _, l := range lanes[3:] {
				jobs = append(jobs, r.job(l))
			}
			r.dispatch(first)
			r.wait(60 * time.Millisecond) // the request is slow and holds the key
			r.sent()
			busy := r.job(lane("e", "busy"))
			r.dispatch(busy)
			r.wantSent("the slot is taken", busy.ID)
			r.more(lanes...)
			r.step(scheduler.Leased{Jobs: jobs})
			r.answer(busy, delivered)
			r.wantSent("the first scope has an unblocked lane", jobs[3].ID)
		}},
		{"a turn visits none of 10,000 blocked lanes", func(t *testing.T) {
			const blocked = 10_000
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 64, 1024 })
			lanes := r.block(blocked)
			for range 3 {
				j := r.job(lane("z", "fast"))
				r.dispatch(j)
				r.answer(j, delivered)
			}
			if send, claim := r.s.Pending(); send+claim > 0 {
				t.Errorf("%d lanes have a place on the wheel to send, %d on the one to claim", send, claim)
			}
			take[scheduler.Claim](r)
			r.answer(r.inFlight[0], delivered)
			if got := r.claim("a slot of the key is free").Lanes; len(got) != 1 {
				t.Errorf("a free slot of a key unparks %d lanes, want 1", len(got))
			}
			n := 0
			for _, l := range lanes {
				if r.s.Parked(l) {
					n++
				}
			}
			if n != blocked-1 {
				t.Errorf("%d lanes are blocked still, want %d", n, blocked-1)
			}
		}},
	})
}

// turnsOf ends requests as they start and compares their order.
func turnsOf(t *testing.T, r *rig, jobs []*scheduler.Job, want ...string) {
	t.Helper()
	var got []string
	for range jobs {
		ids := r.sent()
		for _, j := range jobs {
			if len(ids) == 1 && j.ID == ids[0] {
				got = append(got, ids[0])
				r.answer(j, delivered)
				r.settled(nil)
				r.wait(20 * time.Millisecond)
				r.settled(nil)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

// block fills a key and parks n lanes at it. Each had a job here, which was released.
func (r *rig) block(n int) (lanes []scheduler.Lane) {
	r.t.Helper()
	full := func(j *scheduler.Job) { j.Limits = []scheduler.Limit{{Key: "k", Max: 1}} }
	r.dispatch(r.job(lane("b", "first"), full))
	for i := 0; i < n; i += 100 {
		var jobs []*scheduler.Job
		for k := range 100 {
			l := lane(fmt.Sprint("s", i/100), fmt.Sprint("w", i+k))
			lanes = append(lanes, l)
			jobs = append(jobs, r.job(l, full))
		}
		r.step(scheduler.Leased{Jobs: jobs})
	}
	r.wait(300 * time.Millisecond)
	r.settled(nil)
	for _, l := range lanes {
		if !r.s.Parked(l) {
			r.t.Fatalf("%v is not blocked", l)
		}
	}
	return lanes
}

func TestSchedulerSlots(t *testing.T) {
	t.Parallel()
	prove(t, []rule{
		{"Capacity counts active requests", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 6 {
				r.dispatch(r.job(lane(fmt.Sprint(i), fmt.Sprint(i))))
			}
			r.wantSent("four slots", "0-1", "1-2", "2-3", "3-4")
		}},
		{"a slot is held for SlowAfter only", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 6 {
				r.dispatch(r.job(lane(fmt.Sprint(i), fmt.Sprint(i))))
			}
			r.sent()
			r.wait(49 * time.Millisecond)
			r.wantSent("before SlowAfter")
			r.wait(time.Millisecond)
			r.wantSent("the first four are slow", "4-5", "5-6")
			if c := r.s.Counts(); c.Active != 2 || c.InFlight != 6 {
				t.Errorf("active %d, in flight %d, want 2 and 6", c.Active, c.InFlight)
			}
		}},
		{"an answer frees the slot", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			j, k := r.job(lane("a", "a")), r.job(lane("b", "b"))
			r.dispatch(j, k)
			r.sent()
			r.answer(j, delivered)
			r.wantSent("the slot is free", k.ID)
		}},
		{"MaxInFlight is never exceeded", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.MaxInFlight = 16 })
			var jobs []*scheduler.Job
			for i := range 20 {
				l := lane(fmt.Sprint(i), fmt.Sprint(i))
				r.more(l)
				jobs = append(jobs, r.job(l))
				take[scheduler.Claim](r)
				r.step(scheduler.Leased{Jobs: jobs[i:]})
				r.wait(60 * time.Millisecond)
			}
			if c := r.s.Counts(); c.InFlight != 16 {
				t.Fatalf("%d in flight, want 16", c.InFlight)
			}
			r.sent()
			r.answer(jobs[0], delivered)
			if got := r.sent(); len(got) > 1 || r.s.Counts().InFlight > 16 {
				t.Errorf("one answer starts %d requests", len(got))
			}
		}},
		{"tests count within MaxInFlight", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 1, 4 })
			if !r.test("t") {
				t.Fatal("a test is not allowed")
			}
			for i := range 4 {
				r.more(lane(fmt.Sprint(i), fmt.Sprint(i)))
				take[scheduler.Claim](r)
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(lane(fmt.Sprint(i), fmt.Sprint(i)))}})
				r.wait(60 * time.Millisecond)
			}
			if c := r.s.Counts(); c.InFlight != 3 {
				t.Fatalf("%d in flight beside a test, want 3", c.InFlight)
			}
			if r.test("u") {
				t.Error("a test begins although everything is taken")
			}
		}},
	})
}

func (r *rig) test(scope string) (ok bool) {
	r.step(scheduler.TestStarted{Scope: scope, Allowed: &ok})
	return ok
}

func TestSchedulerTests(t *testing.T) {
	t.Parallel()
	prove(t, []rule{
		{"two at a time for a scope", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 64, 1024 })
			got := []bool{r.test("a"), r.test("a"), r.test("a"), r.test("b")}
			r.step(scheduler.TestEnded{Scope: "a", WebhookID: "x"})
			got = append(got, r.test("a"), r.test("a"))
			if diff := cmp.Diff([]bool{true, true, false, true, true, false}, got); diff != "" {
				t.Errorf("tests (-want +got):\n%s", diff)
			}
		}},
		{"max(1, Capacity/4) in all", func(t *testing.T) {
			for capacity, want := range map[int]int{1: 1, 4: 1, 8: 2, 64: 16} {
				r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = capacity, 4*capacity })
				n := 0
				for i := range 100 {
					if r.test(fmt.Sprint(i)) {
						n++
					}
				}
				if n != want {
					t.Errorf("Capacity %d allows %d tests, want %d", capacity, n, want)
				}
			}
		}},
		{"without Run, and while sending is paused", func(t *testing.T) {
			r := idleRig(t, nil)
			r.step(scheduler.Paused{On: true})
			if !r.test("a") {
				t.Error("a test needs Run")
			}
		}},
		{"past a pause that the endpoint asked for, a full window and the breaker", func(t *testing.T) {
			for what, hold := range map[string]func(*rig){
				"pause": func(r *rig) {
					r.attempt(scheduler.Result{Counts: true, Code: "503", Start: r.now, End: r.now, Patience: time.Minute})
				},
				"window":  func(r *rig) { r.dispatch(r.job(lane("a", "a"))) },
				"breaker": func(r *rig) { r.attempt(failed) },
			} {
				r := newRig(t, func(c *scheduler.Config) { c.PerLane, c.Breaker.Failures = 1, 1 })
				hold(r)
				r.sent()
				r.dispatchAny(r.job(lane("a", "a")))
				r.wantSent("the webhook is held back by its " + what)
				if !r.test("a") {
					t.Errorf("a test waits for the %s", what)
				}
			}
		}},
		{"no active slot", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 1, 8 })
			r.test("a")
			r.dispatch(r.job(lane("b", "b")))
			r.wantSent("the slot is free", "b-1")
		}},
		{"a delivered one closes the breaker", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures = 1 })
			j := r.job(lane("a", "a"))
			r.dispatch(j)
			r.answer(j, failed)
			r.test("a")
			r.step(scheduler.TestEnded{Scope: "a", WebhookID: "a", Delivered: true})
			if h, bad := r.s.HealthOf("a", "a"); bad {
				t.Errorf("the breaker is still open: %+v", h)
			}
		}},
	})
}
