package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// looks lets time pass and answers looks without lanes. It returns the times of full looks and of looks with Since.
func (r *rig) looks(d time.Duration) (full, since []time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.wait(10 * time.Millisecond)
		for _, l := range take[scheduler.Look](r) {
			if l.Since.IsZero() {
				full = append(full, r.now.Sub(epoch))
			} else {
				since = append(since, r.now.Sub(epoch))
			}
			r.step(scheduler.Listed{Took: time.Millisecond})
		}
	}
	return full, since
}

func TestSchedulerLooks(t *testing.T) {
	t.Parallel()
	notifier := func(c *scheduler.Config) { c.Notifier = true }
	prove(t, []rule{
		{"full at the start, to the last page", func(t *testing.T) {
			r := idleRig(t, nil)
			r.step(scheduler.Started{})
			for _, cursor := range []string{"", "p1", "p2"} {
				l := one[scheduler.Look](r, "the first look")
				if !l.Since.IsZero() || l.Cursor != cursor {
					t.Fatalf("look since %v from %q, want all from %q", l.Since, l.Cursor, cursor)
				}
				next := map[string]string{"": "p1", "p1": "p2"}[cursor]
				if r.s.Looked() {
					t.Error("known before the last page")
				}
				r.step(scheduler.Listed{Cursor: next})
			}
			if !r.s.Looked() {
				t.Error("not known after the last page")
			}
			none[scheduler.Look](r, "everything was looked at")
		}},
		{"with Since after a wake-up, two seconds before the last", func(t *testing.T) {
			r := newRig(t, notifier)
			r.wait(time.Second)
			r.step(scheduler.Woken{})
			if l := one[scheduler.Look](r, "there may be work"); !l.Since.Equal(epoch.Add(-2 * time.Second)) {
				t.Errorf("since %v, want two seconds before the last look", l.Since)
			}
		}},
		{"at least each Poll", func(t *testing.T) {
			r := newRig(t, notifier)
			full, since := r.looks(59 * time.Second)
			if len(full) != 0 || len(since) != 1 {
				t.Errorf("full at %v, with Since at %v, want one within a Poll of 30 s", full, since)
			}
		}},
		{"at most each 100 ms", func(t *testing.T) {
			r := newRig(t, notifier)
			n := 0
			for range 100 {
				r.wait(10 * time.Millisecond)
				r.step(scheduler.Woken{})
				if len(take[scheduler.Look](r)) > 0 {
					n++
					r.step(scheduler.Listed{Lanes: []scheduler.Lane{lane("a", "a")}})
				}
			}
			if n < 9 || n > 10 {
				t.Errorf("%d looks in a second of wake-ups, want 10", n)
			}
		}},
		{"independent of claims", func(t *testing.T) {
			r := newRig(t, notifier)
			r.more(lane("a", "a"))
			r.claim("something is due")
			r.wait(200 * time.Millisecond)
			r.step(scheduler.Woken{Foreign: true})
			one[scheduler.Look](r, "the claim under way is no reason to wait")
		}},
		{"a wake-up during a look causes another", func(t *testing.T) {
			r := newRig(t, notifier)
			r.wait(time.Second)
			r.step(scheduler.Woken{})
			one[scheduler.Look](r, "there may be work")
			r.step(scheduler.Woken{})
			none[scheduler.Look](r, "one is under way")
			r.step(scheduler.Listed{Lanes: []scheduler.Lane{lane("a", "a")}})
			r.wait(100 * time.Millisecond)
			one[scheduler.Look](r, "the wake-up may be of something later")
		}},
		{"full each max(5 s, 20 x its duration) without a Notifier", func(t *testing.T) {
			for took, want := range map[time.Duration]time.Duration{time.Millisecond: 5 * time.Second, time.Second: 20 * time.Second} {
				r := newRig(t, nil)
				full, _ := r.looks(6 * time.Second)
				if len(full) != 1 {
					t.Fatalf("full at %v, want one after 5 s", full)
				}
				r.wait(4 * time.Second)
				if l := take[scheduler.Look](r); len(l) == 0 {
					r.wait(time.Second)
				}
				from := r.now
				r.step(scheduler.Listed{Took: took})
				r.wait(want - 1100*time.Millisecond)
				none[scheduler.Look](r, fmt.Sprintf("a look took %v", took))
				r.wait(2200 * time.Millisecond)
				if l := one[scheduler.Look](r, fmt.Sprintf("a look took %v", took)); !l.Since.IsZero() {
					t.Errorf("look with Since %v after a look that took %v", r.now.Sub(from), took)
				}
			}
		}},
		{"and at least each Lease", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Poll = time.Hour })
			r.wait(5 * time.Second)
			one[scheduler.Look](r, "5 s")
			r.step(scheduler.Listed{Took: time.Hour})
			r.wait(time.Minute)
			one[scheduler.Look](r, "a Lease")
		}},
		{"full each Lease with a Notifier", func(t *testing.T) {
			r := newRig(t, notifier)
			full, _ := r.looks(125 * time.Second)
			if len(full) != 2 {
				t.Errorf("full at %v, want each minute", full)
			}
		}},
		{"full after a foreign wake-up without a result", func(t *testing.T) {
			for foreign, want := range map[bool]int{true: 1, false: 0} {
				r := newRig(t, notifier)
				r.wait(time.Second)
				r.step(scheduler.Woken{Foreign: foreign})
				full, since := r.looks(time.Second)
				if len(full) != want || len(since) != 1 {
					t.Errorf("foreign %v: full at %v, with Since at %v", foreign, full, since)
				}
			}
		}},
		{"not after one with a result", func(t *testing.T) {
			r := newRig(t, notifier)
			r.wait(time.Second)
			r.step(scheduler.Woken{Foreign: true})
			one[scheduler.Look](r, "another host has stored something")
			r.step(scheduler.Listed{Lanes: []scheduler.Lane{lane("a", "a")}})
			if full, _ := r.looks(time.Second); len(full) != 0 {
				t.Errorf("full at %v", full)
			}
		}},
		{"when the next becomes due, by any page, and the clock's uncertainty later", func(t *testing.T) {
			r := newRig(t, notifier)
			r.step(scheduler.ClockRead{Store: r.now.Add(time.Hour), Process: r.now, Uncertain: 20 * time.Millisecond})
			r.wait(time.Second)
			r.step(scheduler.Woken{})
			one[scheduler.Look](r, "there may be work")
			r.step(scheduler.Listed{Cursor: "p1", Next: r.s.Store(r.now).Add(2 * time.Second)})
			one[scheduler.Look](r, "the next page")
			r.step(scheduler.Listed{Next: r.s.Store(r.now).Add(5 * time.Second)})
			r.wait(2019 * time.Millisecond)
			none[scheduler.Look](r, "a claim would not see it yet")
			r.wait(time.Millisecond)
			one[scheduler.Look](r, "the first page's is due")
		}},
		{"full after the Store has failed", func(t *testing.T) {
			r := newRig(t, notifier)
			r.more(lane("a", "a"))
			r.claim("something is due")
			r.wait(time.Second)
			r.step(scheduler.Leased{Failed: true})
			if l := one[scheduler.Look](r, "anything may have happened"); !l.Since.IsZero() {
				t.Error("a look with Since")
			}
			r.step(scheduler.Listed{Failed: true})
			r.wait(99 * time.Millisecond)
			none[scheduler.Look](r, "the Store is left alone for a while")
			r.wait(time.Millisecond)
			if l := one[scheduler.Look](r, "again"); !l.Since.IsZero() {
				t.Error("a look with Since")
			}
		}},
		{"none while paused, a full one after", func(t *testing.T) {
			r := newRig(t, notifier)
			r.step(scheduler.Paused{On: true})
			r.wait(5 * time.Minute)
			none[scheduler.Look](r, "paused")
			r.step(scheduler.Paused{})
			if l := one[scheduler.Look](r, "what has come meanwhile"); !l.Since.IsZero() {
				t.Error("a look with Since")
			}
		}},
	})
}

func TestSchedulerNotify(t *testing.T) {
	t.Parallel()
	notifier := func(c *scheduler.Config) { c.Notifier = true }
	free := func(r *rig) {
		j := r.job(lane("a", "a"), func(j *scheduler.Job) { j.ClaimFirst = true })
		r.offer(j)
		r.stored(j)
	}
	prove(t, []rule{
		{"one under way, one trailing", func(t *testing.T) {
			r := newRig(t, notifier)
			free(r)
			one[scheduler.Notify](r, "stored free")
			free(r)
			free(r)
			none[scheduler.Notify](r, "one is under way")
			r.step(scheduler.Notified{})
			one[scheduler.Notify](r, "the trailing one")
			r.step(scheduler.Notified{})
			none[scheduler.Notify](r, "nothing was stored since")
		}},
		{"for announced lanes", func(t *testing.T) {
			r := newRig(t, notifier)
			r.step(scheduler.Announced{Lanes: []scheduler.Lane{lane("a", "a")}})
			one[scheduler.Notify](r, "a requeue")
			r.claim("a requeue")
		}},
		{"without Run too", func(t *testing.T) {
			r := idleRig(t, notifier)
			free(r)
			one[scheduler.Notify](r, "other hosts send")
		}},
		{"not without a Notifier", func(t *testing.T) {
			r := newRig(t, nil)
			free(r)
			none[scheduler.Notify](r, "there is none")
		}},
	})
}

func TestSchedulerSweeps(t *testing.T) {
	t.Parallel()
	sweeper := func(c *scheduler.Config) { c.Sweeper = true }
	prove(t, []rule{
		{"at the start, each Lease while deliveries are pending, and at once while there is more", func(t *testing.T) {
			r := idleRig(t, sweeper)
			r.step(scheduler.Started{})
			one[scheduler.Sweep](r, "the start")
			r.step(scheduler.Swept{More: true})
			one[scheduler.Sweep](r, "there is more")
			r.step(scheduler.Listed{Next: r.now.Add(time.Hour)})
			r.step(scheduler.Swept{})
			r.wait(59 * time.Second)
			none[scheduler.Sweep](r, "nothing is left")
			r.wait(time.Second)
			one[scheduler.Sweep](r, "a Lease is over")
		}},
		{"each hour while no pending delivery is known, and a Lease after one is known", func(t *testing.T) {
			r := idleRig(t, sweeper)
			r.step(scheduler.Started{})
			one[scheduler.Sweep](r, "the start")
			r.step(scheduler.Listed{})
			r.step(scheduler.Swept{})
			r.wait(59 * time.Minute)
			none[scheduler.Sweep](r, "nothing is pending")
			r.wait(time.Minute)
			one[scheduler.Sweep](r, "an hour is over")
			r.step(scheduler.Swept{})
			r.step(scheduler.Announced{Lanes: []scheduler.Lane{lane("a", "a")}})
			r.wait(59 * time.Second)
			none[scheduler.Sweep](r, "a Lease is not over")
			r.wait(time.Second)
			one[scheduler.Sweep](r, "a Lease after something is pending")
		}},
		{"when a webhook was deleted, also during a sweep", func(t *testing.T) {
			r := newRig(t, sweeper)
			r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now, Gone: true})
			one[scheduler.Sweep](r, "deleted")
			r.step(scheduler.Edited{Scope: "a", WebhookID: "b", At: r.now, Gone: true})
			none[scheduler.Sweep](r, "one is under way")
			r.step(scheduler.Swept{})
			one[scheduler.Sweep](r, "deleted meanwhile")
		}},
		{"no timer without a Sweeper, and none during a sweep", func(t *testing.T) {
			r := newRig(t, nil)
			r.wait(time.Second) // fails if the timer fires without end
			r = idleRig(t, sweeper)
			r.step(scheduler.Started{})
			r.step(scheduler.Listed{})
			r.wait(time.Second)
		}},
	})
}
