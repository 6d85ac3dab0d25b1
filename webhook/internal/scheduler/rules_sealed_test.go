package scheduler_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func TestSchedulerSealed(t *testing.T) {
	t.Parallel()
	a := lane("a", "a")
	seal := func(r *rig) {
		r.more(a)
		r.claim("something is due")
		r.step(scheduler.Leased{Sealed: []*scheduler.Job{r.job(a)}})
		r.settled(nil)
		r.wait(20 * time.Millisecond)
		r.settled(nil)
	}
	prove(t, []rule{
		{"released with its Due, uncounted", func(t *testing.T) {
			r := newRig(t, nil)
			r.more(a)
			r.claim("something is due")
			r.step(scheduler.Leased{Sealed: []*scheduler.Job{r.job(a)}})
			if diff := cmp.Diff([]string{"a-1 given back"}, outcomesOf(one[scheduler.Settle](r, "sealed"))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		}},
		{"the webhook is held 1, 2, 4, 8, 10, 10 minutes", func(t *testing.T) {
			r := newRig(t, func(c *scheduler.Config) { c.Poll = time.Hour })
			seal(r)
			for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
				from := r.now
				for len(take[scheduler.Claim](r)) == 0 && r.now.Sub(from) < time.Hour {
					r.wait(time.Second)
				}
				if got := r.now.Sub(from).Round(time.Minute); got != want*time.Minute {
					t.Errorf("held for %v, want %v minutes", got, int(want))
				}
				r.step(scheduler.Leased{Sealed: []*scheduler.Job{r.job(a)}})
				r.settled(nil)
			}
		}},
		{"from one minute again after it could be opened", func(t *testing.T) {
			r := newRig(t, nil)
			seal(r)
			r.wait(61 * time.Second)
			r.claimed(r.job(a))
			r.answer(r.inFlight[0], delivered)
			seal(r)
			if o := r.s.ObstacleOf(a, r.now); o.Sealed.Sub(r.now) > time.Minute {
				t.Errorf("held for %v", o.Sealed.Sub(r.now))
			}
		}},
		{"an edit ends the hold", func(t *testing.T) {
			r := newRig(t, nil)
			seal(r)
			none[scheduler.Claim](r, "held")
			r.step(scheduler.Edited{Scope: "a", WebhookID: "a", At: r.now})
			r.claim("it may be readable now")
		}},
		{"its classes are held with it, other webhooks are not", func(t *testing.T) {
			r := newRig(t, nil)
			seal(r)
			r.more(scheduler.Lane{Scope: "a", WebhookID: "a", Class: "s"}, lane("a", "b"))
			if c := r.claim("one is not sealed"); len(c.Lanes) != 1 || c.Lanes[0].Lane.WebhookID != "b" {
				t.Errorf("claimed %v", c.Lanes)
			}
		}},
		{"a held webhook is not dropped", func(t *testing.T) {
			r := newRig(t, nil)
			seal(r)
			r.s.Keep(1)
			r.more(lane("b", "b"))
			r.claimed()
			r.more(a)
			none[scheduler.Claim](r, "held")
		}},
	})
}
