package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerEdits(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	old := func(j *scheduler.Job) { j.Read = j.Read.Add(-time.Second) }
	edit := func(r *rig) { r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now}) }
	lease := func(r *rig, change ...func(*scheduler.Job)) *scheduler.Job {
		j := r.job(a, change...)
		r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
		return j
	}
	reread := func(r *rig, v scheduler.Verdict) {
		r.step(scheduler.Reread{Scope: "a", WebhookID: "a", Hook: "new", Began: r.now, Verdict: v})
	}
	prove(t, []rule{
		{"read before an edit: sent after another read", func(t *testing.T) {
			r := newRig(t, nil)
			j := r.job(a)
			r.now = r.now.Add(time.Millisecond)
			edit(r)
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
			r.wantSent("read before the edit")
			one[scheduler.Read](r, "read before the edit")
			r.now = r.now.Add(time.Millisecond)
			reread(r, scheduler.Usable)
			if r.wantSent("read after the edit", j.ID); j.Hook != "new" {
				t.Errorf("sent to %v, want the webhook of the read", j.Hook)
			}
		}},
		{"read at the moment of the edit is before it", func(t *testing.T) {
			r := newRig(t, nil)
			edit(r)
			lease(r)
			one[scheduler.Read](r, "the order of read and edit is unknown")
		}},
		{"an edit during the read: read again", func(t *testing.T) {
			r := newRig(t, nil)
			lease(r, old)
			one[scheduler.Read](r, "its read is old")
			began := r.now
			r.now = r.now.Add(time.Millisecond)
			edit(r)
			r.step(scheduler.Reread{Scope: "a", WebhookID: "a", Began: began})
			r.wantSent("the read began before the edit")
			one[scheduler.Read](r, "the read began before the edit")
		}},
		{"read over 250 ms before the request: sent after another read", func(t *testing.T) {
			for age, want := range map[time.Duration]int{250 * time.Millisecond: 0, 251 * time.Millisecond: 1} {
				r := newRig(t, nil)
				lease(r, func(j *scheduler.Job) { j.Read = j.Read.Add(-age) })
				if got := len(take[scheduler.Read](r)); got != want {
					t.Errorf("age %v: %d reads, want %d", age, got, want)
				}
			}
		}},
		{"a read for the job may be as old as a slow Store makes it", func(t *testing.T) {
			r := newRig(t, nil)
			j := lease(r, old)
			one[scheduler.Read](r, "its read is old")
			began := r.now
			r.wait(10 * time.Second)
			none[scheduler.Settle](r, "it waits for the answer")
			r.step(scheduler.Reread{Scope: "a", WebhookID: "a", Began: began})
			r.wantSent("one read of the webhook", j.ID)
		}},
		{"but not older by a later wait", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity = 1 })
			lease(r, old)
			one[scheduler.Read](r, "its read is old")
			began := r.now
			r.wait(300 * time.Millisecond)
			r.lease(slot(0))
			r.lease(slot(1))
			r.sent()
			r.step(scheduler.Reread{Scope: "a", WebhookID: "a", Began: began})
			r.wait(99 * time.Millisecond)
			none[scheduler.Read](r, "it had no turn yet")
			r.wait(time.Millisecond)
			r.wantSent("the turns before it", "w1-3")
			one[scheduler.Read](r, "it waited for 100 ms")
		}},
		{"and the job is sent after three reads, after any wait", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Capacity, c.SlowAfter = 1, 80*time.Millisecond })
			j := lease(r, old)
			for i := range 20 {
				for range take[scheduler.Read](r) {
					began := r.now
					r.wait(300 * time.Millisecond)
					r.lease(slot(i))
					r.step(scheduler.Reread{Scope: "a", WebhookID: "a", Began: began})
				}
				r.wait(100 * time.Millisecond)
			}
			if !j.InFlight() || j.Reads() > scheduler.MaxReads {
				t.Errorf("in flight %v after %d reads", j.InFlight(), j.Reads())
			}
		}},
		{"a job of an unusable webhook is released", func(t *testing.T) {
			r := newRig(t, nil)
			j := lease(r, old)
			reread(r, scheduler.Unusable)
			if diff := cmp.Diff([]string{j.ID + " given back"}, outcomesOf(one[scheduler.Settle](r, "inactive"))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		}},
		{"a job of a deleted webhook ends as cancelled", func(t *testing.T) {
			r := newRig(t, nil)
			j := lease(r, old)
			reread(r, scheduler.WebhookGone)
			if diff := cmp.Diff([]string{j.ID + " cancelled"}, outcomesOf(one[scheduler.Settle](r, "deleted"))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		}},
		{"an edit causes a look at the webhook's lanes, because it may have been switched on", func(t *testing.T) {
			r := newRig(t, nil)
			edit(r)
			if l := one[scheduler.LookAt](r, "edited"); l.WebhookID != "a" {
				t.Errorf("looked at %v", l)
			}
			r.step(scheduler.Found{Lanes: []scheduler.Lane{a}})
			r.claim("something is due")
		}},
		{"no hand-off or claim during the read", func(t *testing.T) {
			r := newRig(t, nil)
			lease(r, old)
			one[scheduler.Read](r, "its read is old")
			r.more(a)
			if none[scheduler.Claim](r, "the read decides"); r.offer(r.job(a)) {
				t.Error("handed off during a read")
			}
		}},
		{"an edit is remembered as long as older reads may arrive", func(t *testing.T) {
			r := newRig(t, nil)
			before := r.job(a)
			r.now = r.now.Add(time.Millisecond)
			edit(r)
			r.s.Keep(1)
			r.more(lane("b", "b"))
			if r.offer(before) {
				t.Error("the edit was forgotten with its webhook")
			}
		}},
		{"after a peak a sweep drops the webhooks that have become idle", func(t *testing.T) {
			r := idleRig(t, func(c *scheduler.Config) { c.Sweeper = true })
			r.s.Keep(100_000)
			const webhooks = 20_001
			for i := range webhooks {
				r.step(scheduler.Edited{Scope: fmt.Sprint(i), WebhookID: "a", At: r.now})
			}
			r.step(scheduler.Swept{})
			if _, n, _ := r.s.Known(); n != webhooks {
				t.Errorf("%d webhooks are known while their edits are remembered, want %d", n, webhooks)
			}
			r.now = r.now.Add(time.Minute)
			r.step(scheduler.Swept{})
			if _, n, scopes := r.s.Known(); n+scopes > 0 {
				t.Errorf("%d webhooks and %d scopes are known, want none", n, scopes)
			}
		}},
	})
}
