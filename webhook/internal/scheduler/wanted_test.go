package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// TestSchedulerWanted tests cases in which an earlier engine, or a draft of this one, failed.
func TestSchedulerWanted(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	prove(t, []rule{
		{"another tenant's first event while one tenant fills its share", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 64, 1024 })
			for i := range 1000 { // each request hangs
				l := lane("hangs", fmt.Sprint(i))
				r.dispatchAny(r.job(l))
				for _, c := range take[scheduler.Claim](r) {
					var jobs []*scheduler.Job
					for _, l := range c.Lanes {
						jobs = append(jobs, r.job(l.Lane))
					}
					r.step(scheduler.Leased{Jobs: jobs})
				}
				r.settled(nil)
				r.wait(2 * time.Millisecond)
			}
			r.sent()
			if n := r.s.Counts().InFlight; n < 400 {
				t.Fatalf("%d hang, want the share", n)
			}
			j := r.job(lane("new", "new"))
			r.dispatch(j)
			if got := r.sent(); len(got) == 0 || got[len(got)-1] != j.ID {
				t.Errorf("sent %v, want the new tenant's event at once", got)
			}
		}},
		{"a foreign row while every claim is full", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.Notifier = 1, true })
			l := lane("busy", "busy")
			r.succeed(l, 4)
			r.more(l)
			foreign := lane("foreign", "foreign")
			r.step(scheduler.Woken{Foreign: true})
			listed, sent := false, time.Duration(-1)
			from := r.now
			for range 100 {
				for _, c := range take[scheduler.Claim](r) { // as many as the claim allows
					var jobs []*scheduler.Job
					for _, a := range c.Lanes {
						for range a.Most {
							jobs = append(jobs, r.job(a.Lane))
						}
					}
					r.step(scheduler.Leased{Jobs: jobs})
				}
				if len(take[scheduler.Look](r)) > 0 && !listed {
					listed = true
					r.step(scheduler.Listed{Lanes: []scheduler.Lane{foreign}})
				}
				for _, c := range take[scheduler.Send](r) {
					if c.Job.Lane == foreign && sent < 0 {
						sent = r.now.Sub(from)
					}
				}
				r.settled(nil)
				r.wait(10 * time.Millisecond)
				for _, j := range r.inFlight {
					if j.InFlight() {
						r.answer(j, delivered)
					}
				}
				r.inFlight = nil
			}
			if sent < 0 || sent > 150*time.Millisecond {
				t.Errorf("sent after %v, want at most 150 ms", sent)
			}
		}},
		{"a row stored free during a claim that misses it", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			j := r.job(a)
			if r.offer(j) {
				t.Fatal("handed off beside a claim")
			}
			r.stored(j)
			r.step(scheduler.Leased{}) // the claim read the Store before the row was committed
			if c := r.claim("the row is there"); c.Lanes[0].Lane != a {
				t.Errorf("claimed %v", c.Lanes)
			}
		}},
		{"a webhook deactivated between look and claim", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("a look has named the lane")
			r.step(scheduler.Leased{}) // an inactive webhook has no claimable deliveries
			r.wait(10 * time.Millisecond)
			none[scheduler.Claim](r, "it has nothing")
			r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now})
			one[scheduler.LookAt](r, "it was switched on again")
			r.step(scheduler.Found{Lanes: []scheduler.Lane{a}})
			r.claimed(r.job(a, func(j *scheduler.Job) { j.Read = r.now.Add(time.Millisecond) }))
			r.wantSent("it is active", "a-1")
		}},
		{"a webhook deactivated between claim and request", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			r.lease(slot(0))
			j := r.job(a)
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
			r.now = r.now.Add(time.Millisecond)
			r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now})
			r.sent()
			r.answer(r.inFlight[0], delivered)
			r.wantSent("it was read before")
			r.step(scheduler.Reread{Scope: "a", WebhookID: "a", Began: r.now, Verdict: scheduler.Unusable})
			r.wantSent("it is inactive")
			if c := r.s.Counts(); c.Waiting != 0 {
				t.Errorf("%d wait", c.Waiting)
			}
		}},
		{"a sealed webhook at Dispatch", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(a, func(j *scheduler.Job) { j.ClaimFirst = true })
			if r.offer(j) {
				t.Fatal("handed off unread")
			}
			r.stored(j)
			r.claim("it is stored like any other")
			r.step(scheduler.Leased{Sealed: []*scheduler.Job{r.job(a)}})
			r.settled(nil)
			r.wait(59 * time.Second)
			none[scheduler.Claim](r, "the webhook is held for a minute")
			r.wait(2 * time.Second)
			r.claimed(r.job(a))
			if got := r.sent(); len(got) != 1 {
				t.Errorf("sent %v when the key is free again", got)
			}
		}},
		{"no hand-off overtakes for ever", func(t *testing.T) {
			r := newRig(t, nil)
			r.succeed(a, 4)
			r.more(a) // an older delivery waits in the Store
			r.claim("something old is due")
			for i := range 50 { // events continue, but the claim is not answered
				j := r.job(a)
				if r.offer(j) {
					t.Fatalf("event %d overtakes", i)
				}
				r.stored(j)
				r.wait(time.Millisecond)
			}
		}},
		{"a lane that was woken for a claim lets the next one send in the same step", func(t *testing.T) {
			r := newRig(t, nil)
			x, y := lane("x", "x"), lane("y", "y")
			first := r.job(lane("b", "b"), withKey)
			r.dispatch(first)
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(x, withKey)}})
			r.wait(300 * time.Millisecond) // the job is released; its lane waits at the key
			r.settled(nil)
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(y, withKey)}})
			r.step(scheduler.Edited{Scope: "x", WebhookID: "x", At: r.now})
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(x, func(j *scheduler.Job) { j.Read = r.now })}})
			r.sent()
			r.answer(first, delivered) // x is unparked, and its webhook must be read first
			if got := r.sent(); len(got) != 1 {
				t.Errorf("sent %v, want y's job", got)
			}
		}},
	})
}
