package scheduler_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func (r *rig) saved(conflict bool, is scheduler.Health) scheduler.SaveHealth {
	r.t.Helper()
	c := one[scheduler.SaveHealth](r, "health has changed")
	if !conflict {
		is = c.New
	}
	r.step(scheduler.HealthSaved{Stored: is, Conflict: conflict})
	return c
}

func TestSchedulerHealthStore(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	record := scheduler.Health{Scope: "a", WebhookID: "a", Failures: 5, FailingSince: epoch.Add(-time.Hour)}
	prove(t, []rule{
		{"read before any request", func(t *testing.T) {
			r := idleRig(t, healthStore)
			r.step(scheduler.Started{})
			r.step(scheduler.Listed{Lanes: []scheduler.Lane{a}})
			r.claimed(r.job(a))
			r.wantSent("another host may know it as broken")
			one[scheduler.ReadHealth](r, "something waits")
			r.step(scheduler.HealthRead{})
			r.wantSent("it is fine", "a-1")
		}},
		{"a failed read does not hold claimed jobs", func(t *testing.T) {
			r := idleRig(t, healthStore)
			r.step(scheduler.Started{})
			r.step(scheduler.Listed{Lanes: []scheduler.Lane{a}})
			r.claimed(r.job(a))
			r.step(scheduler.HealthRead{Failed: true})
			r.wantSent("on what is known", "a-1")
		}},
		{"read again before it is 30 s old, while requests are sent", func(t *testing.T) {
			r := newRig(t, healthStore)
			r.now = r.now.Add(21 * time.Second)
			r.dispatch(r.job(a))
			one[scheduler.ReadHealth](r, "it is 21 s old")
			r.wantSent("nothing waits for it", "a-1")
		}},
		{"a write is made once at a time", func(t *testing.T) {
			r := newRig(t, healthStore)
			r.attempt(failed)
			first := one[scheduler.SaveHealth](r, "it failed")
			r.attempt(failed)
			none[scheduler.SaveHealth](r, "one is under way")
			r.step(scheduler.HealthSaved{Stored: first.New})
			if c := r.saved(false, record); c.Old.Failures != 1 || c.New.Failures != 2 {
				t.Errorf("replaces %d failures by %d, want 1 by 2", c.Old.Failures, c.New.Failures)
			}
		}},
		{"a conflict: the worse of both is kept, and written where it is more", func(t *testing.T) {
			r := newRig(t, healthStore)
			r.attempt(failed)
			r.saved(true, record)
			none[scheduler.SaveHealth](r, "the other record is the worse in all")
			if !r.health().Equal(record) {
				t.Errorf("kept %+v", r.health())
			}
			r = newRig(t, healthStore)
			r.attempt(scheduler.Result{Counts: true, Patience: time.Minute})
			r.saved(true, record)
			c := one[scheduler.SaveHealth](r, "each is the worse in something")
			if !c.Old.Equal(record) || c.New.Failures != 5 || c.New.PausedUntil.IsZero() {
				t.Errorf("replaces %+v by %+v", c.Old, c.New)
			}
		}},
		{"a success here replaces another host's record", func(t *testing.T) {
			r := newRig(t, healthStore)
			r.attempt(failed)
			r.saved(false, record)
			r.attempt(delivered)
			r.saved(true, record)
			if c := one[scheduler.SaveHealth](r, "the conflict is settled"); c.New.Failures != 0 || !c.Old.Equal(record) {
				t.Errorf("replaces %+v by %+v", c.Old, c.New)
			}
		}},
		{"a success of another host ends the row of failures here", func(t *testing.T) {
			for name, learn := range map[string]func(*rig, scheduler.Health){
				"by a conflict": func(r *rig, is scheduler.Health) { r.saved(true, is) },
				"by a read": func(r *rig, is scheduler.Health) {
					r.step(scheduler.HealthSaved{Stored: one[scheduler.SaveHealth](r, "it failed").New, Failed: true})
					r.step(scheduler.HealthRead{All: []scheduler.Health{is}})
				},
			} {
				r := newRig(t, func(c *scheduler.Config) { c.HealthStore, c.DisableAfter = true, 24*time.Hour })
				for range 2 {
					r.attempt(failed)
					r.saved(false, record)
				}
				is := scheduler.Health{Scope: "a", WebhookID: "a", PausedUntil: r.s.Store(r.now).Add(time.Second)}
				r.now = r.now.Add(23 * time.Hour)
				r.step(scheduler.HealthRead{All: []scheduler.Health{r.health()}})
				r.attempt(failed)
				at := r.s.Store(r.now)
				learn(r, is)
				if got := r.health(); got.Failures != 1 || !got.FailingSince.Equal(at) {
					t.Errorf("%s: %d failures since %v, want 1 since %v", name, got.Failures, got.FailingSince, at)
				}
				take[scheduler.SaveHealth](r)
				r.now = r.now.Add(2 * time.Hour)
				r.step(scheduler.HealthRead{All: []scheduler.Health{r.health()}})
				r.attempt(failed)
				none[scheduler.SwitchOff](r, name+": not every attempt has failed for a day")
			}
		}},
		{"three conflicts in a row end the attempt to write", func(t *testing.T) {
			r := newRig(t, healthStore)
			r.attempt(scheduler.Result{Counts: true, Patience: time.Minute})
			n := 0
			for range 10 {
				for range take[scheduler.SaveHealth](r) {
					n++
					other := record
					other.Failures += n
					r.step(scheduler.HealthSaved{Stored: other, Conflict: true})
				}
			}
			if n != 3 {
				t.Errorf("%d writes, want 3", n)
			}
		}},
		{"a webhook that another host holds back is held here, then one probe", func(t *testing.T) {
			r := newRig(t, healthStore)
			r.succeed(a, 4)
			h := record
			h.OpenUntil, h.Opened = r.s.Store(r.now).Add(2*time.Second), 1
			r.step(scheduler.HealthRead{All: []scheduler.Health{h}})
			if r.offer(r.job(a)) {
				t.Error("handed off to a webhook that another host holds back")
			}
			r.wait(2 * time.Second)
			r.sent()
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(a), r.job(a)}})
			if got := r.sent(); len(got) != 1 {
				t.Errorf("%d probes", len(got))
			}
		}},
		{"a webhook that recovered on another host continues here", func(t *testing.T) {
			r := newRig(t, healthStore)
			h := record
			h.OpenUntil, h.Opened = r.s.Store(r.now).Add(4*time.Second), 1
			r.step(scheduler.HealthRead{All: []scheduler.Health{h}})
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(a)}})
			r.wantSent("held back")
			r.step(scheduler.HealthRead{})
			r.wantSent("it has recovered", "a-1")
		}},
		{"times beyond any hold are dropped", func(t *testing.T) {
			r := newRig(t, healthStore)
			h := record
			h.PausedUntil, h.OpenUntil = epoch.Add(24*time.Hour), epoch.Add(24*time.Hour)
			r.step(scheduler.HealthRead{All: []scheduler.Health{h}})
			if got := r.health(); !got.PausedUntil.IsZero() || got.OpenUntil.After(epoch.Add(2*time.Minute)) {
				t.Errorf("held until %v and %v", got.PausedUntil, got.OpenUntil)
			}
		}},
		{"a deleted webhook's record is forgotten, also during a write", func(t *testing.T) {
			for _, writing := range []bool{false, true} {
				r := newRig(t, healthStore)
				r.attempt(failed)
				c := one[scheduler.SaveHealth](r, "it failed")
				if !writing {
					r.step(scheduler.HealthSaved{Stored: c.New})
				}
				r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now, Gone: true})
				if writing {
					r.step(scheduler.HealthSaved{Stored: c.New})
					r.saved(false, record)
				}
				if _, bad := r.s.HealthOf("a", "a"); bad {
					t.Errorf("writing %v: the record is kept", writing)
				}
			}
		}},
	})
}
