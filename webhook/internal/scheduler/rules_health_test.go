package scheduler_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// attempt claims a job of a/a and ends it with the result.
func (r *rig) attempt(result scheduler.Result) *scheduler.Job {
	r.t.Helper()
	j := r.job(lane("a", "a"), func(j *scheduler.Job) { j.Until = j.Until.Add(24 * time.Hour) })
	r.step(scheduler.Leased{Jobs: []*scheduler.Job{j}})
	if !j.InFlight() {
		r.t.Fatalf("%s is not sent", j.ID)
	}
	r.answer(j, result)
	r.settled(nil)
	return j
}

func (r *rig) health() scheduler.Health {
	h, _ := r.s.HealthOf("a", "a")
	return h
}

func TestSchedulerHealth(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	gone := scheduler.Result{Counts: true, Gone: true, Code: "410"}
	prove(t, []rule{
		{"the breaker opens after Failures in a row, for Open", func(t *testing.T) {
			r := newRig(t, nil)
			r.attempt(failed)
			r.attempt(failed)
			none[scheduler.BreakerOpened](r, "two of three")
			r.attempt(failed)
			if o := one[scheduler.BreakerOpened](r, "three in a row"); o.Wait != time.Second {
				t.Errorf("open for %v, want 1 s", o.Wait)
			}
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{r.job(a)}})
			r.sent()
			r.wait(999 * time.Millisecond)
			r.wantSent("it is open")
		}},
		{"a success in between restarts the count", func(t *testing.T) {
			r := newRig(t, nil)
			for range 3 {
				r.attempt(failed)
				r.attempt(failed)
				r.attempt(delivered)
			}
			none[scheduler.BreakerOpened](r, "two in a row")
		}},
		{"then one probe, which opens it for twice as long, up to MaxOpen", func(t *testing.T) {
			r := newRig(t, nil)
			for range 3 {
				r.attempt(failed)
			}
			for _, want := range []time.Duration{1, 2, 4, 4} {
				if o := one[scheduler.BreakerOpened](r, "it fails"); o.Wait != want*time.Second {
					t.Errorf("open for %v, want %d s", o.Wait, want)
				}
				r.wait(want * time.Second)
				r.sent()
				j, k := r.job(a), r.job(a)
				r.step(scheduler.Leased{Jobs: []*scheduler.Job{j, k}})
				r.wantSent("one probe", j.ID)
				r.answer(j, failed)
				r.wait(300 * time.Millisecond)
				r.settled(nil)
				r.now = r.now.Add(-300 * time.Millisecond)
			}
		}},
		{"one probe also where the answers left the window wide", func(t *testing.T) {
			r := newRig(t, nil)
			r.succeed(a, 4)
			for range 3 {
				r.attempt(rejected)
			}
			one[scheduler.BreakerOpened](r, "three in a row")
			r.wait(time.Second)
			r.sent()
			j, k := r.job(a), r.job(a)
			r.step(scheduler.Leased{Jobs: []*scheduler.Job{j, k}})
			r.wantSent("one probe", j.ID)
		}},
		{"a probe that succeeds closes it, and the window grows", func(t *testing.T) {
			r := newRig(t, nil)
			for range 3 {
				r.attempt(failed)
			}
			r.wait(time.Second)
			r.attempt(delivered)
			if _, bad := r.s.HealthOf("a", "a"); bad || r.s.Window("a", "a") != 2 {
				t.Errorf("held %v, window %d, want growth to 2", bad, r.s.Window("a", "a"))
			}
		}},
		{"requests from before it opened do not open it again", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures = 1 })
			r.succeed(a, 4)
			j, k := r.job(a), r.job(a)
			r.dispatch(j, k)
			r.answer(j, failed)
			r.answer(k, failed)
			one[scheduler.BreakerOpened](r, "one of them opens it")
		}},
		{"negative Failures: never", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures = -1 })
			for range 50 {
				r.attempt(failed)
			}
			none[scheduler.BreakerOpened](r, "it has none")
		}},
		{"Retry-After pauses the webhook, and not beyond the retry", func(t *testing.T) {
			r := newRig(t, nil)
			retry := r.s.Store(r.now).Add(30 * time.Second)
			r.attempt(scheduler.Result{Counts: true, Overload: true, Patience: time.Minute, Retry: retry})
			if got := r.health().PausedUntil; !got.Equal(retry) {
				t.Errorf("paused until %v, want the retry at %v", got, retry)
			}
			none[scheduler.BreakerOpened](r, "it asked for patience")
		}},
		{"a success of an earlier request does not end the pause", func(t *testing.T) {
			r := newRig(t, nil)
			r.succeed(a, 4)
			j, k := r.job(a), r.job(a)
			r.dispatch(j, k)
			r.answer(j, scheduler.Result{Counts: true, Patience: time.Minute})
			r.answer(k, delivered)
			if r.health().PausedUntil.IsZero() {
				t.Error("the pause has ended")
			}
		}},
		{"results without Counts do not count", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures = 1 })
			r.attempt(scheduler.Result{Code: "config"})
			none[scheduler.BreakerOpened](r, "it was no request")
		}},
		{"an edit with Fresh: earlier attempts do not count", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures = 1 })
			j := r.job(a)
			r.dispatch(j)
			r.now = r.now.Add(time.Millisecond)
			r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now, Fresh: true})
			r.answer(j, failed)
			none[scheduler.BreakerOpened](r, "the webhook is another one now")
		}},
		{"Attention once for a key, again after it has recovered", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures = -1 })
			tell := func(key string) int {
				r.attempt(scheduler.Result{Counts: true, Attention: key})
				return len(take[scheduler.Attention](r))
			}
			got := []int{tell("x"), tell("x"), tell("y"), tell(""), tell("x")}
			r.attempt(delivered)
			got = append(got, tell("x"))
			if diff := cmp.Diff([]int{1, 0, 1, 0, 0, 1}, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		}},
		{"DisableAfter: Attention at half, switched off at the end, once", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Breaker.Failures, c.DisableAfter = -1, 10*time.Second })
			var told, off []int
			for i := range 13 {
				r.attempt(rejected)
				if len(take[scheduler.Attention](r)) > 0 {
					told = append(told, i)
				}
				if len(take[scheduler.SwitchOff](r)) > 0 {
					off = append(off, i)
				}
				r.wait(time.Second)
			}
			if diff := cmp.Diff([][]int{{5}, {10}}, [][]int{told, off}); diff != "" {
				t.Errorf("told and switched off after seconds (-want +got):\n%s", diff)
			}
		}},
		{"gone: at once, and again where that failed", func(t *testing.T) {
			r := newRig(t, nil)
			r.attempt(gone)
			one[scheduler.SwitchOff](r, "410")
			r.attempt(gone)
			none[scheduler.SwitchOff](r, "it was asked for")
			r.step(scheduler.SwitchOffFailed{Scope: "a", WebhookID: "a"})
			r.attempt(gone)
			one[scheduler.SwitchOff](r, "it had failed")
		}},
	})
}
