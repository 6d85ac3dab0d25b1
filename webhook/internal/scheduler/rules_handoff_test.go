package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerHandOff(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	// Each case breaks one condition of a hand-off.
	cases := []struct {
		name   string
		config func(*scheduler.Config)
		before func(r *rig)
		change func(*scheduler.Job)
		want   bool
	}{
		{name: "all conditions hold", want: true},
		{name: "not after Stopping", before: func(r *rig) { r.step(scheduler.Stopping{}) }},
		{name: "not while paused", before: func(r *rig) { r.step(scheduler.Paused{On: true}) }},
		{name: "not when the webhook is unreadable", change: func(j *scheduler.Job) { j.ClaimFirst = true }},
		{name: "not when it has a key", change: func(j *scheduler.Job) { j.Keyed = true }},
		{name: "webhook read 250 ms ago", change: func(j *scheduler.Job) { j.Read = epoch.Add(-250 * time.Millisecond) }, want: true},
		{name: "not when the webhook was read over 250 ms ago", change: func(j *scheduler.Job) { j.Read = epoch.Add(-251 * time.Millisecond) }},
		{name: "not when the webhook was read before an edit", before: func(r *rig) {
			r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now})
		}, change: func(j *scheduler.Job) { j.Read = epoch.Add(-time.Millisecond) }},
		{name: "health read less than 30 s ago", config: healthStore, before: func(r *rig) { r.now = r.now.Add(29 * time.Second) }, want: true},
		{name: "not when health was read 30 s ago", config: healthStore, before: func(r *rig) { r.now = r.now.Add(31 * time.Second) }},
		{name: "not when something of the lane waits here", config: func(c *scheduler.Config) { c.Capacity = 1 }, before: func(r *rig) {
			r.succeed(a, 4)
			r.dispatch(r.job(lane("b", "b")), r.job(a))
		}},
		{name: "not when something of the lane waits in the Store", before: func(r *rig) { r.more(a) }},
		{name: "not when that cannot be claimed now", before: func(r *rig) {
			r.more(lane("b", "b"))
			r.claim("there is more")
			r.more(a)
		}},
		{name: "not when the lane is in a claim", before: func(r *rig) {
			r.more(a)
			r.claim("there is more")
		}},
		{name: "a retry that is due later is no bar", before: func(r *rig) {
			j := r.job(a)
			r.dispatch(j)
			r.answer(j, scheduler.Result{Counts: true, Retry: r.s.Store(r.now).Add(time.Hour)})
			r.settled(nil)
		}, want: true},
		{name: "not when a retry is due", before: func(r *rig) {
			j := r.job(a)
			r.dispatch(j)
			r.answer(j, scheduler.Result{Counts: true, Retry: r.s.Store(r.now).Add(time.Second)})
			r.settled(nil)
			r.wait(time.Second)
		}},
		{name: "not beyond the window", before: func(r *rig) { r.dispatch(r.job(a)) }},
		{name: "not beyond a promise for the window", before: func(r *rig) { r.offer(r.job(a)) }},
		{name: "not when a key is full", before: func(r *rig) { r.dispatch(r.job(lane("b", "b"), withKey)) }, change: withKey},
		{name: "not beyond a promise for a key", before: func(r *rig) { r.offer(r.job(lane("b", "b"), withKey)) }, change: withKey},
		{name: "not ahead of the webhook's rate", config: func(c *scheduler.Config) { c.Rate, c.Burst = 1, 1 }, before: func(r *rig) {
			j := r.job(a)
			r.dispatch(j)
			r.answer(j, delivered)
		}},
		{name: "not while the breaker is open", config: func(c *scheduler.Config) { c.Breaker.Failures = 1 }, before: func(r *rig) {
			j := r.job(a)
			r.dispatch(j)
			r.answer(j, failed)
		}},
		{name: "not when 8 x Capacity wait", config: func(c *scheduler.Config) { c.Capacity = 1 }, before: func(r *rig) { r.waiting(8) }},
		{name: "not when a claim may bring as many", config: func(c *scheduler.Config) { c.Capacity = 1 }, before: func(r *rig) {
			for i := range 8 {
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(slot(i), withKey)}})
			}
			r.wait(60 * time.Millisecond) // one is slow, seven wait for its key
			r.more(lane("y", "y"))
			r.claim("a slot is free")
		}},
		{name: "not when 4 x Capacity are unwritten", config: func(c *scheduler.Config) { c.Capacity = 1 }, before: func(r *rig) { r.unwritten(4) }},
		{name: "not while outcomes cannot be written", before: func(r *rig) {
			r.unwritten(1)
			for range 2 {
				r.step(scheduler.Settled{Jobs: take[scheduler.Settle](r)[0].Jobs, Failed: true})
				r.wait(50 * time.Millisecond)
			}
		}},
		{name: "not beyond 256 MiB of bodies", before: func(r *rig) {
			r.dispatch(r.job(lane("b", "b"), func(j *scheduler.Job) { j.Size = scheduler.MaxBytes - 512 }))
		}},
		{name: "not when MaxInFlight is reached", config: func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 1, 4 }, before: func(r *rig) {
			for i := range 4 {
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(lane(fmt.Sprint(i), fmt.Sprint(i)))}})
				r.wait(60 * time.Millisecond)
			}
		}},
		{name: "not beyond the scope's share", config: func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 4, 9 }, before: func(r *rig) {
			r.dispatch(r.job(lane("a", "b")))
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.config)
			if c.before != nil {
				c.before(r)
			}
			j := r.job(a)
			if j.Until = j.Until.Add(time.Hour); c.change != nil {
				c.change(j)
			}
			if got := r.offer(j); got != c.want {
				t.Errorf("handed off is %v, want %v", got, c.want)
			}
		})
	}
	t.Run("not before Run", func(t *testing.T) {
		t.Parallel()
		if r := idleRig(t, nil); r.offer(r.job(a)) {
			t.Error("handed off without Run")
		}
	})
	t.Run("not before the last page of the first look", func(t *testing.T) {
		t.Parallel()
		r := idleRig(t, nil)
		r.step(scheduler.Started{})
		got := []bool{r.offer(r.job(lane("a", "1")))}
		r.step(scheduler.Listed{Cursor: "x"})
		got = append(got, r.offer(r.job(lane("a", "2"))))
		r.step(scheduler.Listed{})
		got = append(got, r.offer(r.job(lane("a", "3"))))
		if diff := cmp.Diff([]bool{false, false, true}, got); diff != "" {
			t.Errorf("handed off (-want +got):\n%s", diff)
		}
	})
	t.Run("not when a pause has cut the first look short", func(t *testing.T) {
		t.Parallel()
		r := idleRig(t, nil)
		r.step(scheduler.Started{})
		r.step(scheduler.Paused{On: true})
		r.step(scheduler.Listed{Cursor: "x"})
		r.step(scheduler.Paused{})
		if r.offer(r.job(a)) {
			t.Error("handed off before a full look")
		}
	})
}

func healthStore(c *scheduler.Config) { c.HealthStore = true }
func withKey(j *scheduler.Job)        { j.Limits = []scheduler.Limit{{Key: "k", Max: 1}} }
func slot(i int) scheduler.Lane       { return lane(fmt.Sprint("s", i), fmt.Sprint("w", i)) }
func (r *rig) lease(l scheduler.Lane) { r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(l)}}) }

// waiting fills the slots and adds n waiting jobs.
func (r *rig) waiting(n int) {
	r.t.Helper()
	for i := range n + 1 {
		r.lease(slot(i))
	}
	if got := r.s.Counts().Waiting; got != n {
		r.t.Fatalf("%d wait, want %d", got, n)
	}
}

// unwritten adds n outcomes that wait during a write without an answer.
func (r *rig) unwritten(n int) {
	r.t.Helper()
	for i := range n {
		j := r.job(slot(i))
		r.dispatch(j)
		r.answer(j, delivered)
	}
	if got := r.s.Counts().Unwritten; got != n {
		r.t.Fatalf("%d are unwritten, want %d", got, n)
	}
}
