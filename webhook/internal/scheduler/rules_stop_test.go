package scheduler_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerStop(t *testing.T) {
	t.Parallel()
	prove(t, []rule{
		{"pause: waiting jobs are released at once, requests in flight end", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			r.waiting(3)
			r.sent()
			r.step(scheduler.Paused{On: true})
			if w := one[scheduler.Settle](r, "three wait"); len(w.Jobs) < 1 {
				t.Error("no job is released")
			}
			if c := r.s.Counts(); c.Waiting != 0 || c.InFlight != 1 || c.Unwritten != 3 {
				t.Errorf("waiting %d, in flight %d, unwritten %d", c.Waiting, c.InFlight, c.Unwritten)
			}
			r.answer(r.inFlight[0], delivered)
			r.wantSent("paused")
		}},
		{"pause: also jobs that wait for a read", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(slot(0), func(j *scheduler.Job) { j.Read = r.now.Add(-time.Second) })
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
			one[scheduler.Read](r, "its read is old")
			r.wait(time.Second) // the job waits for the answer, longer than for a turn
			none[scheduler.Settle](r, "the read is under way")
			r.step(scheduler.Paused{On: true})
			one[scheduler.Settle](r, "it goes back")
			r.step(scheduler.Reread{Scope: "s0", WebhookID: "w0", Began: r.now})
			if c := r.s.Counts(); c.Waiting != 0 {
				t.Errorf("%d wait", c.Waiting)
			}
		}},
		{"pause: the deliveries of a claim are released, no claim follows", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(slot(0))
			r.claim("something is due")
			r.step(scheduler.Paused{On: true})
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(slot(0))}})
			r.settled(nil)
			r.wait(time.Minute)
			r.wantSent("paused")
			none[scheduler.Claim](r, "paused")
			r.step(scheduler.Paused{})
			r.claim("it goes on")
		}},
		{"pause: a lost claim is repeated, and its deliveries are released", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(slot(0))
			r.claim("something is due")
			r.step(scheduler.Paused{On: true})
			r.step(scheduler.Leased{Failed: true})
			r.wait(100 * time.Millisecond)
			if c := r.claim("its leases must not be lost"); !c.Repeat {
				t.Error("a new claim while paused")
			}
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(slot(0))}})
			r.wantSent("paused")
			one[scheduler.Settle](r, "it goes back")
			r.settled(nil)
			r.wait(time.Minute)
			none[scheduler.Claim](r, "paused")
		}},
		{"stop: no claims, requests or hand-offs; quiet when all outcomes are stored", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			r.waiting(2)
			r.sent()
			r.step(scheduler.Stopping{})
			r.more(slot(7))
			none[scheduler.Claim](r, "stopping")
			r.wantSent("stopping")
			r.settled(nil)
			if r.s.Quiet() {
				t.Error("quiet with a request in flight")
			}
			r.answer(r.inFlight[0], delivered)
			r.settled(nil)
			if !r.s.Quiet() {
				t.Errorf("not quiet: %+v", r.s.Counts())
			}
		}},
		{"stop: an interrupted request is released uncounted", func(t *testing.T) {
			r := newRig(t, nil)
			r.lease(slot(0))
			r.step(scheduler.Stopping{})
			r.step(scheduler.NotSent{Job: r.inFlight[0]})
			if diff := cmp.Diff([]string{"w0-1 given back"}, outcomesOf(one[scheduler.Settle](r, "cut off"))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		}},
		{"abandon: outcomes that are not stored are dropped, also those of a failing write", func(t *testing.T) {
			for _, fails := range []bool{false, true} {
				r := newRig(t, nil)
				r.done(0)
				w := one[scheduler.Settle](r, "it is alone")
				r.done(1)
				r.step(scheduler.Stopping{})
				r.step(scheduler.Abandon{})
				one[scheduler.Dropped](r, "it was not stored")
				r.step(scheduler.Settled{Jobs: w.Jobs, Failed: fails})
				if got := len(take[scheduler.Dropped](r)); (got == 1) != fails {
					t.Errorf("failed %v: %d dropped", fails, got)
				}
				r.settled(nil)
				if !r.s.Quiet() {
					t.Errorf("failed %v: not quiet: %+v", fails, r.s.Counts())
				}
			}
		}},
		{"start again: a full look precedes hand-offs", func(t *testing.T) {
			r := newRig(t, nil)
			r.step(scheduler.Stopping{})
			r.s.Ended()
			r.step(scheduler.Started{})
			if l := one[scheduler.Look](r, "the start"); !l.Since.IsZero() || r.offer(r.job(slot(0))) {
				t.Error("the state from before the stop is still used")
			}
		}},
	})
}
