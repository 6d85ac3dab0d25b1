package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerEnqueued(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	notifier := func(c *scheduler.Config) { c.Notifier = true }
	prove(t, []rule{
		{"handed off and stored: a usual turn", func(t *testing.T) {
			r := newRig(t, notifier)
			j := r.job(a)
			r.offer(j)
			r.wantSent("before the commit")
			r.stored(j)
			r.wantSent("after the commit", j.ID)
			none[scheduler.Claim](r, "handed off")
			none[scheduler.Notify](r, "handed off")
		}},
		{"refused: the lane has more, and other hosts are notified", func(t *testing.T) {
			r := newRig(t, notifier)
			j := r.job(a, func(j *scheduler.Job) { j.ClaimFirst = true })
			r.offer(j)
			r.stored(j)
			one[scheduler.Notify](r, "stored free")
			r.claim("stored free")
		}},
		{"refused: the epoch moves", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("there is more")
			j := r.job(a)
			r.offer(j)
			r.stored(j)
			r.step(scheduler.Leased{})
			r.claim("the no more was said before the store")
		}},
		{"without Run no lane is remembered for long", func(t *testing.T) {
			r := idleRig(t, nil)
			r.s.Keep(100)
			for i := range 50_000 {
				l := lane("a", fmt.Sprint(i))
				j := r.job(l)
				if r.offer(j) {
					t.Fatal("handed off without Run")
				}
				r.stored(j)
			}
			if lanes, endpoints, _ := r.s.Known(); lanes > 20_000 || endpoints > 20_000 {
				t.Errorf("%d lanes and %d webhooks are remembered", lanes, endpoints)
			}
		}},
		{"in Run lanes without state are dropped", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Notifier = true })
			r.s.Keep(100)
			for i := range 50_000 {
				j := r.job(lane("a", fmt.Sprint(i)))
				r.dispatch(j)
				r.answer(j, delivered)
				r.wait(50 * time.Millisecond)
				r.settled(nil)
				r.asked = nil
			}
			if lanes, endpoints, _ := r.s.Known(); lanes > 20_000 || endpoints > 20_000 {
				t.Errorf("%d lanes and %d webhooks are remembered", lanes, endpoints)
			}
		}},
		{"not added gives room back", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(a, withKey)
			r.offer(j)
			r.step(scheduler.Enqueued{Jobs: []*scheduler.Job{j}, Added: []bool{false}})
			if !r.offer(r.job(a, withKey)) {
				t.Error("the room is not given back")
			}
		}},
		{"not stored gives room back", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(a)
			r.offer(j)
			r.step(scheduler.Enqueued{Jobs: []*scheduler.Job{j}, Stored: scheduler.NotStored})
			if !r.offer(r.job(a)) {
				t.Error("the room is not given back")
			}
			none[scheduler.Settle](r, "nothing was stored")
		}},
		{"answer unknown: the lease is released each second until the Store accepts", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.unknown(a)
			for i := range 3 {
				w := one[scheduler.Settle](r, fmt.Sprint("try ", i))
				if diff := cmp.Diff([]string{j.ID + " given back"}, outcomesOf(w)); diff != "" {
					t.Fatalf("outcome (-want +got):\n%s", diff)
				}
				if i < 2 {
					r.step(scheduler.Settled{Jobs: w.Jobs, Lost: map[string]bool{j.ID: true}})
					r.wait(999 * time.Millisecond)
					none[scheduler.Settle](r, "too early")
					r.wait(time.Millisecond)
					continue
				}
				r.step(scheduler.Settled{Jobs: w.Jobs})
			}
			r.claim("it is free")
			r.wait(5 * time.Minute)
			none[scheduler.Settle](r, "it was taken")
		}},
		{"answer unknown: until the lease has ended", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.unknown(a)
			tries := 0
			for range 100 {
				for _, w := range take[scheduler.Settle](r) {
					tries++
					r.step(scheduler.Settled{Jobs: w.Jobs, Lost: map[string]bool{j.ID: true}})
				}
				r.wait(time.Second)
			}
			if tries != 61 {
				t.Errorf("%d tries in a lease of a minute, want 61", tries)
			}
		}},
		{"answer unknown, not handed off: other hosts are notified, and the lane is claimed each 5 s", func(t *testing.T) {
			r := newRig(t, notifier)
			j := r.job(a, func(j *scheduler.Job) { j.ClaimFirst = true })
			r.offer(j)
			r.step(scheduler.Enqueued{Jobs: []*scheduler.Job{j}, Stored: scheduler.StoredUnknown})
			one[scheduler.Notify](r, "it may be stored")
			for range 3 {
				r.claimed()
				r.wait(5 * time.Second)
			}
			r.claimed(j)
			r.wait(20 * time.Second)
			none[scheduler.Claim](r, "it was claimed")
		}},
		{"after a pause or the end of Run the lease is released at once", func(t *testing.T) {
			for _, e := range []scheduler.Event{scheduler.Paused{On: true}, scheduler.Stopping{}} {
				r := newRig(t, notifier)
				j := r.job(a)
				r.offer(j)
				r.step(e)
				r.stored(j)
				if diff := cmp.Diff([]string{j.ID + " given back"}, outcomesOf(one[scheduler.Settle](r, "nothing is sent"))); diff != "" {
					t.Errorf("%T: outcome (-want +got):\n%s", e, diff)
				}
				one[scheduler.Notify](r, "another host may send it")
				r.wantSent("nothing is sent")
			}
		}},
		{"a Dispatch that commits after Run has returned releases its lease", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(a)
			r.offer(j)
			r.step(scheduler.Stopping{})
			r.s.Ended()
			r.stored(j)
			one[scheduler.Settle](r, "Run has ended")
		}},
	})
}

// unknown makes a hand-off whose Enqueue has an unknown result.
func (r *rig) unknown(l scheduler.Lane) *scheduler.Job {
	j := r.job(l)
	r.offer(j)
	r.step(scheduler.Enqueued{Jobs: []*scheduler.Job{j}, Stored: scheduler.StoredUnknown})
	return j
}

func TestSchedulerExpected(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	expect := func(r *rig, ids ...string) {
		lanes := make([]scheduler.Lane, len(ids))
		for i := range lanes {
			lanes[i] = a
		}
		r.step(scheduler.Expected{IDs: ids, Lanes: lanes})
	}
	prove(t, []rule{
		{"claimed each min(Poll, 5 s) without a look", func(t *testing.T) {
			for poll, want := range map[time.Duration]time.Duration{time.Second: time.Second, 30 * time.Second: 5 * time.Second} {
				r := newRig(t, func(c *scheduler.Config) { c.Poll, c.Notifier = poll, true })
				expect(r, "x")
				for range 3 {
					r.wait(want - time.Millisecond)
					none[scheduler.Claim](r, "too early")
					r.wait(time.Millisecond)
					r.claim("the interval is over")
					r.step(scheduler.Leased{})
				}
			}
		}},
		{"later transactions do not delay it", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 50 {
				expect(r, fmt.Sprint("x", i))
				r.wait(100 * time.Millisecond)
			}
			r.claim("five seconds are over")
		}},
		{"claimed by Wake", func(t *testing.T) {
			r := newRig(t, nil)
			expect(r, "x")
			r.step(scheduler.Woken{})
			r.claim("the host says it has committed")
		}},
		{"until it was claimed", func(t *testing.T) {
			r := newRig(t, nil)
			expect(r, "x")
			r.step(scheduler.Woken{})
			r.claimed(r.job(a, func(j *scheduler.Job) { j.ID = "x" }))
			if n := r.s.Expecting(); n != 0 {
				t.Errorf("%d are expected still", n)
			}
		}},
		{"or until a lease has passed", func(t *testing.T) {
			r := newRig(t, nil)
			expect(r, "x")
			for range 20 {
				r.wait(5 * time.Second)
				if len(take[scheduler.Claim](r)) > 0 {
					r.step(scheduler.Leased{})
				}
			}
			if n := r.s.Expecting(); n != 0 {
				t.Errorf("%d are expected still", n)
			}
		}},
		{"4,096 at most", func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 5000 {
				expect(r, fmt.Sprint("x", i))
			}
			if n := r.s.Expecting(); n != 4096 {
				t.Errorf("%d are expected, want 4,096", n)
			}
		}},
		{"never handed off", func(t *testing.T) {
			r := newRig(t, nil)
			expect(r, "x")
			r.wantSent("it may never be committed")
		}},
	})
}
