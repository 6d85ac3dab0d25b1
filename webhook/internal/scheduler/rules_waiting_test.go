package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerWaiting(t *testing.T) {
	t.Parallel()
	one1 := func(c *scheduler.Config) { c.Capacity, c.SlowAfter = 1, 400*time.Millisecond }
	prove(t, []rule{
		{"at most 8 x Capacity wait", func(t *testing.T) {
			r := newRig(t, nil)
			full := func(j *scheduler.Job) { j.Limits = []scheduler.Limit{{Key: "k", Max: 1}} }
			for i := range 70 {
				l := slot(i)
				r.more(l)
				if c := take[scheduler.Claim](r); len(c) > 0 {
					var jobs []*scheduler.Job
					for _, a := range c[0].Lanes {
						for range a.Most {
							jobs = append(jobs, r.job(a.Lane, full))
						}
					}
					r.step(scheduler.Leased{Jobs: jobs})
				}
			}
			if n := r.s.Counts().Waiting; n != 32 {
				t.Errorf("%d wait, want 32", n)
			}
		}},
		{"a job that waits 250 ms is released uncounted with its former Due", func(t *testing.T) {
			r := newRig(t, one1)
			r.lease(slot(0))
			due := epoch.Add(-time.Hour)
			j := r.job(slot(1), func(j *scheduler.Job) { j.Due = due })
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
			r.wait(249 * time.Millisecond)
			none[scheduler.Settle](r, "it may have a turn yet")
			r.wait(time.Millisecond)
			w := one[scheduler.Settle](r, "others may have it")
			if diff := cmp.Diff([]string{j.ID + " given back"}, outcomesOf(w)); diff != "" || !j.Due.Equal(due) {
				t.Errorf("outcome (-want +got):\n%sdue %v", diff, j.Due)
			}
		}},
		{"and its lane has more in the Store", func(t *testing.T) {
			r := newRig(t, one1)
			r.lease(slot(0))
			r.lease(slot(1))
			r.wait(250 * time.Millisecond)
			r.settled(nil)
			if more, _ := r.s.More(slot(1)); !more {
				t.Error("the lane is not known to have more")
			}
		}},
		{"its lane has no claims ahead before its next turn", func(t *testing.T) {
			for _, starved := range []bool{false, true} {
				r := newRig(t, func(c *scheduler.Config) { c.PerLane, c.SlowAfter = 2, 400*time.Millisecond })
				y, x := lane("a", "a"), scheduler.Lane{Scope: "a", WebhookID: "a", Class: "x"}
				r.succeed(y, 2)
				k := r.job(lane("k", "k"), withKey)
				r.dispatch(k)
				if starved { // for want of a key
					r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(x, withKey)}})
				}
				r.wait(250 * time.Millisecond)
				r.settled(nil)
				r.dispatch(r.job(y), r.job(y))
				r.answer(k, delivered)
				if !starved {
					r.more(x)
				}
				if got := len(take[scheduler.Claim](r)); got != map[bool]int{false: 1, true: 0}[starved] {
					t.Errorf("starved %v: %d claims", starved, got)
				}
			}
		}},
		{"when 8 x Capacity wait and other lanes need the room, after SlowAfter", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.SlowAfter = 50 * time.Millisecond })
			full := func(j *scheduler.Job) { j.Limits = []scheduler.Limit{{Key: "k", Max: 1}} }
			for i := range 33 {
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(slot(i), full)}})
			}
			r.more(lane("new", "new"))
			none[scheduler.Claim](r, "32 wait")
			r.wait(50 * time.Millisecond)
			r.settled(nil)
			if c := r.claim("a place is free"); c.Lanes[0].Lane != lane("new", "new") {
				t.Errorf("claimed %v", c.Lanes)
			}
		}},
		{"a job whose lease is too short for its request is released", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(slot(0), func(j *scheduler.Job) { j.Until = epoch.Add(9 * time.Second) })
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
			r.wantSent("its lease could end during the request")
			one[scheduler.Settle](r, "it goes back")
		}},
		{"with the largest clock error", func(t *testing.T) {
			for uncertain, want := range map[time.Duration]int{50 * time.Millisecond: 1, 51 * time.Millisecond: 0} {
				r := newRig(t, nil)
				r.step(scheduler.ClockRead{Store: r.now, Process: r.now, Uncertain: uncertain})
				j := r.job(slot(0), func(j *scheduler.Job) { j.Until = epoch.Add(10*time.Second + 50*time.Millisecond) })
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
				if got := len(r.sent()); got != want {
					t.Errorf("uncertain by %v: %d requests, want %d", uncertain, got, want)
				}
			}
		}},
		{"while the Store accepts no outcomes the job stays", func(t *testing.T) {
			r := newRig(t, one1)
			r.lease(slot(1))
			j := r.inFlight[0]
			r.answer(j, delivered)
			w := one[scheduler.Settle](r, "it has an outcome")
			r.lease(slot(2))
			r.lease(slot(3))
			r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
			for range 3 {
				r.wait(200 * time.Millisecond)
				for _, w := range take[scheduler.Settle](r) {
					r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
				}
			}
			if n := r.s.Counts().Unwritten; n != 1 {
				t.Errorf("%d outcomes are unwritten, want 1", n)
			}
		}},
		{"active lanes are not starved by lanes that return repeatedly", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			sent := map[string]int{}
			for i := range 8 {
				r.more(slot(i))
			}
			for range 2000 {
				for _, c := range take[scheduler.Claim](r) {
					var jobs []*scheduler.Job
					for _, a := range c.Lanes {
						for range a.Most {
							jobs = append(jobs, r.job(a.Lane))
						}
					}
					r.step(scheduler.Leased{Jobs: jobs})
				}
				r.settled(nil)
				for _, c := range take[scheduler.Send](r) {
					sent[c.Job.Lane.Scope]++
				}
				r.wait(45 * time.Millisecond)
				for _, j := range r.inFlight {
					if j.InFlight() {
						r.answer(j, delivered)
					}
				}
				r.inFlight = nil
			}
			for i := range 8 {
				if n := sent[fmt.Sprint("s", i)]; n < 200 {
					t.Errorf("scope %d had %d of 2,000 turns, want about 250", i, n)
				}
			}
		}},
	})
}
