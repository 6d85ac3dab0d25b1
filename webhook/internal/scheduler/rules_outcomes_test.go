package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// done ends a request to a new lane.
func (r *rig) done(i int) *scheduler.Job {
	r.t.Helper()
	j := r.job(slot(i))
	r.dispatch(j)
	r.answer(j, delivered)
	return j
}

func TestSchedulerOutcomes(t *testing.T) {
	t.Parallel()
	big := func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 64, 1024 }
	prove(t, []rule{
		{"a single outcome does not wait", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.done(0)
			if w := one[scheduler.Settle](r, "it is alone"); len(w.Jobs) != 1 || w.Jobs[0] != j {
				t.Errorf("the write has %d outcomes", len(w.Jobs))
			}
		}},
		{"during a write the next group gathers", func(t *testing.T) {
			r := newRig(t, big)
			r.done(0)
			first := one[scheduler.Settle](r, "it is alone")
			for i := range 3 {
				r.done(i + 1)
			}
			r.wait(time.Second)
			none[scheduler.Settle](r, "one is under way")
			r.step(scheduler.Settled{Jobs: first.Jobs})
			if w := one[scheduler.Settle](r, "the first is written"); len(w.Jobs) != 3 {
				t.Errorf("the group has %d outcomes, want 3", len(w.Jobs))
			}
		}},
		{"groups begin 20 ms apart", func(t *testing.T) {
			r := newRig(t, big)
			r.done(0)
			r.settled(nil)
			r.done(1)
			r.wait(19 * time.Millisecond)
			none[scheduler.Settle](r, "the last write has just begun")
			r.wait(time.Millisecond)
			one[scheduler.Settle](r, "20 ms are over")
		}},
		{"unless 2 x Capacity are gathered", func(t *testing.T) {
			r := newRig(t, big)
			r.done(0)
			r.settled(nil)
			for i := range 127 {
				r.done(i + 1)
			}
			none[scheduler.Settle](r, "127 are gathered")
			r.done(128)
			if w := one[scheduler.Settle](r, "128 are gathered"); len(w.Jobs) != 128 {
				t.Errorf("the group has %d outcomes, want 128", len(w.Jobs))
			}
		}},
		{"at most 500 in a call", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 600, 2400 })
			r.done(0)
			first := one[scheduler.Settle](r, "it is alone")
			for i := range 700 {
				r.done(i + 1)
			}
			r.step(scheduler.Settled{Jobs: first.Jobs})
			if w := one[scheduler.Settle](r, "700 are gathered"); len(w.Jobs) != 500 {
				t.Errorf("the group has %d outcomes, want 500", len(w.Jobs))
			}
		}},
		{"at 4 x Capacity unwritten no request starts", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			r.done(0)
			w := one[scheduler.Settle](r, "it is alone")
			for i := range 3 {
				r.done(i + 1)
			}
			r.sent()
			r.lease(slot(9))
			r.more(slot(10))
			r.wantSent("four are unwritten")
			none[scheduler.Claim](r, "four are unwritten")
			r.step(scheduler.Settled{Jobs: w.Jobs})
			if got := r.sent(); len(got) != 1 {
				t.Errorf("%d requests start after one write, want 1", len(got))
			}
		}},
		{"a failed write is repeated, oldest first", func(t *testing.T) {
			r := newRig(t, big)
			r.done(0)
			w := one[scheduler.Settle](r, "it is alone")
			r.done(1)
			r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
			none[scheduler.Settle](r, "the Store is left alone for a while")
			r.wait(50 * time.Millisecond)
			if diff := cmp.Diff([]string{"w0-1 written", "w1-2 written"}, outcomesOf(one[scheduler.Settle](r, "again"))); diff != "" {
				t.Errorf("group (-want +got):\n%s", diff)
			}
		}},
		{"never a delivery twice in a call, after an outage of more than one group", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 600, 2400 })
			r.done(0)
			w := one[scheduler.Settle](r, "it is alone")
			for i := range 1200 {
				r.done(i + 1)
				if i > 500 && i%100 == 99 { // the same delivery again, after the end of its lease
					j := r.job(slot(5000+i), func(j *scheduler.Job) { j.ID = "again" })
					r.dispatch(j)
					r.answer(j, delivered)
				}
			}
			r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
			written := 0
			for r.wait(100 * time.Millisecond); r.s.Counts().Unwritten > 0 && r.now.Before(epoch.Add(time.Minute)); r.wait(100 * time.Millisecond) {
				for _, w := range take[scheduler.Settle](r) {
					ids := map[string]bool{}
					for _, j := range w.Jobs {
						if ids[j.ID] {
							t.Fatalf("%s is in a call twice", j.ID)
						}
						ids[j.ID] = true
					}
					written += len(w.Jobs)
					r.step(scheduler.Settled{Jobs: w.Jobs})
				}
			}
			if written != 1208 {
				t.Errorf("%d outcomes were written, want 1,208", written)
			}
		}},
		{"never a delivery twice in a call, when one was perhaps stored twice", func(t *testing.T) {
			r := newRig(t, big)
			r.done(0)
			w := one[scheduler.Settle](r, "it is alone")
			first := r.unknown(slot(1))
			again := r.job(slot(1), func(j *scheduler.Job) { j.ID = first.ID })
			r.dispatch(again)
			r.answer(again, delivered)
			r.step(scheduler.Settled{Jobs: w.Jobs})
			r.wait(20 * time.Millisecond)
			if w := one[scheduler.Settle](r, "two are gathered"); len(w.Jobs) != 1 {
				t.Errorf("the call has %v", outcomesOf(w))
			}
		}},
		{"outcomes whose leases end in an outage are dropped, a success is kept", func(t *testing.T) {
			r := newRig(t, nil)
			r.done(0)
			w := one[scheduler.Settle](r, "it is alone")
			j := r.job(slot(1))
			r.dispatch(j)
			r.answer(j, rejected)
			r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
			for range 20 {
				r.wait(5 * time.Second)
				if w := take[scheduler.Settle](r); len(w) > 0 {
					r.step(scheduler.Settled{Jobs: w[0].Jobs, Failed: true})
				}
			}
			if d := one[scheduler.Dropped](r, "its lease has ended"); d.Job != j {
				t.Errorf("dropped %s, want %s", d.Job.ID, j.ID)
			}
			if n := r.s.Counts().Unwritten; n != 1 {
				t.Errorf("%d are unwritten, want the success", n)
			}
		}},
		{"kept successes are written before the first claim", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.MaxInFlight = 600, 2400 })
			r.done(0)
			w := one[scheduler.Settle](r, "it is alone")
			for i := range 900 {
				r.done(i + 1)
			}
			r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
			r.wait(time.Second)
			w = one[scheduler.Settle](r, "again")
			r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
			r.more(lane("new", "new"))
			r.wait(2 * time.Minute)
			for n := range 2 {
				none[scheduler.Claim](r, fmt.Sprint(n, " of two calls are written"))
				w := one[scheduler.Settle](r, fmt.Sprint("call ", n))
				r.step(scheduler.Settled{Jobs: w.Jobs})
				r.wait(100 * time.Millisecond)
			}
			r.claim("everything is written")
		}},
		{"claims and hand-offs go on while answers are lost, and stop in an outage", func(t *testing.T) {
			for _, outage := range []bool{false, true} {
				r := newRig(t, nil)
				r.done(0)
				for range 3 {
					r.wait(200 * time.Millisecond)
					if !outage {
						r.step(scheduler.Listed{})
					}
					w := one[scheduler.Settle](r, "it is not stored")
					r.step(scheduler.Settled{Jobs: w.Jobs, Failed: true})
				}
				r.more(slot(1))
				if got := len(take[scheduler.Claim](r)) > 0; got == outage {
					t.Errorf("outage %v: claimed is %v", outage, got)
				}
				if got := r.offer(r.job(slot(2))); got == outage {
					t.Errorf("outage %v: handed off is %v", outage, got)
				}
			}
		}},
		{"a retry is claimed when it is due, and the clock's uncertainty later", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Notifier = true })
			r.step(scheduler.ClockRead{Store: r.now.Add(-time.Hour), Process: r.now, Uncertain: 30 * time.Millisecond})
			j := r.job(slot(0))
			r.dispatch(j)
			r.answer(j, scheduler.Result{Counts: true, Retry: r.s.Store(r.now).Add(time.Second)})
			r.settled(nil)
			r.wait(1029 * time.Millisecond)
			none[scheduler.Claim](r, "a claim would not see it yet")
			r.wait(time.Millisecond)
			r.claim("it is due")
		}},
		{"the next of a key is claimed at once, and looked for where webhooks have several lanes", func(t *testing.T) {
			for class, looks := range map[string]int{"": 0, "secondary": 1} {
				r := newRig(t, func(c *scheduler.Config) { c.Notifier, c.KeyOrder = true, true })
				r.dispatch(r.job(scheduler.Lane{Scope: "b", WebhookID: "b", Class: class}))
				r.more(slot(0))
				j := r.job(slot(0), func(j *scheduler.Job) { j.Keyed = true })
				r.claimed(j)
				r.answer(j, delivered)
				r.claimed() // the next waits for it
				r.wait(time.Second)
				none[scheduler.Claim](r, "its end is not stored")
				r.settled(nil)
				r.claim("the next may wait for it")
				if got := take[scheduler.Look](r); len(got) != looks {
					t.Errorf("class %q: %d looks, want %d", class, len(got), looks)
				}
			}
		}},
		{"a lost outcome has no follow-up", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(slot(0))
			r.dispatch(j)
			r.answer(j, scheduler.Result{Counts: true, Retry: r.s.Store(r.now).Add(time.Second)})
			r.settled(map[string]bool{j.ID: true})
			r.wait(2 * time.Second)
			none[scheduler.Claim](r, "another host has the delivery")
		}},
	})
}
