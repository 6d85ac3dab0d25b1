package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// rig passes events to a Scheduler, and keeps its commands until a test takes them.
type rig struct {
	t        *testing.T
	s        *scheduler.Scheduler
	now      time.Time
	asked    []scheduler.Command
	jobs     int
	inFlight []*scheduler.Job
}

// rule is one named rule of the design.
type rule struct {
	name  string
	prove func(t *testing.T)
}

func prove(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.prove(t)
		})
	}
}

// idleRig returns a rig before Run.
func idleRig(t *testing.T, change func(*scheduler.Config)) *rig {
	c := scheduler.Config{
		Capacity: 4, MaxInFlight: 32, PerLane: 4, SlowAfter: 50 * time.Millisecond, Lease: time.Minute, Poll: 30 * time.Second,
		Breaker: scheduler.Breaker{Failures: 3, Open: time.Second, MaxOpen: 4 * time.Second}, MaxPause: time.Hour,
	}
	if change != nil {
		change(&c)
	}
	return &rig{t: t, s: scheduler.New(c), now: epoch}
}

// newRig returns a rig in Run whose first look found nothing.
func newRig(t *testing.T, change func(*scheduler.Config)) *rig {
	r := idleRig(t, change)
	r.step(scheduler.Started{})
	r.step(scheduler.HealthRead{})
	take[scheduler.Look](r)
	r.step(scheduler.Listed{})
	r.step(scheduler.Swept{})
	r.asked = nil
	return r
}

func (r *rig) step(e scheduler.Event) {
	r.asked = r.s.Step(r.now, e, r.asked)
	for _, c := range r.asked {
		if s, ok := c.(scheduler.Send); ok && s.Job.InFlight() {
			r.inFlight = append(r.inFlight, s.Job)
		}
	}
}

// wait lets time pass, with a tick at each Wake.
func (r *rig) wait(d time.Duration) {
	r.t.Helper()
	end, last, same := r.now.Add(d), r.now, 0
	for w := r.s.Wake(); !w.IsZero() && !w.After(end); w = r.s.Wake() {
		if w.After(r.now) {
			r.now = w
		}
		if same++; !r.now.Equal(last) {
			last, same = r.now, 0
		}
		if same > 20 {
			r.t.Fatalf("the timer fires without end: Wake is %v after the start", w.Sub(epoch))
		}
		r.step(scheduler.Ticked{})
	}
	r.now = end
}

// take returns the commands of one kind and forgets them.
func take[C scheduler.Command](r *rig) (found []C) {
	rest := r.asked[:0]
	for _, c := range r.asked {
		if x, ok := c.(C); ok {
			found = append(found, x)
		} else {
			rest = append(rest, c)
		}
	}
	r.asked = rest
	return found
}

// none fails the test if there are commands of the kind.
func none[C scheduler.Command](r *rig, why string) {
	r.t.Helper()
	if got := take[C](r); len(got) > 0 {
		r.t.Fatalf("%s: got command %T", why, got[0])
	}
}

// one returns the only command of its kind.
func one[C scheduler.Command](r *rig, why string) (only C) {
	r.t.Helper()
	got := take[C](r)
	if len(got) != 1 {
		r.t.Fatalf("%s: got command %T %d times, want once", why, only, len(got))
	}
	return got[0]
}

// sent returns the IDs of the requests since the last call.
func (r *rig) sent() (ids []string) {
	for _, c := range take[scheduler.Send](r) {
		ids = append(ids, c.Job.ID)
	}
	return ids
}

func (r *rig) wantSent(why string, ids ...string) {
	r.t.Helper()
	if diff := cmp.Diff(ids, r.sent()); diff != "" {
		r.t.Fatalf("%s: requests (-want +got):\n%s", why, diff)
	}
}

func lane(scope, hook string) scheduler.Lane { return scheduler.Lane{Scope: scope, WebhookID: hook} }

// job returns a delivery as Dispatch, or a claim, makes it now.
func (r *rig) job(l scheduler.Lane, change ...func(*scheduler.Job)) *scheduler.Job {
	r.jobs++
	now := r.s.Store(r.now)
	j := &scheduler.Job{
		ID: fmt.Sprintf("%s%s-%d", l.WebhookID, l.Class, r.jobs), Lane: l, Lease: int64(r.jobs), Due: now, Until: now.Add(time.Minute),
		Size: 1 << 10, Timeout: 10 * time.Second, Read: r.now,
	}
	for _, f := range change {
		f(j)
	}
	return j
}

// offer asks which jobs may be handed off, and returns whether the first may.
func (r *rig) offer(jobs ...*scheduler.Job) bool {
	r.step(scheduler.Offered{Jobs: jobs})
	return jobs[0].Held()
}

// stored reports that jobs were stored as decided.
func (r *rig) stored(jobs ...*scheduler.Job) {
	added := make([]bool, len(jobs))
	for i := range added {
		added[i] = true
	}
	r.step(scheduler.Enqueued{Jobs: jobs, Added: added})
}

// dispatch hands jobs off, and fails where a hand-off is refused.
func (r *rig) dispatch(jobs ...*scheduler.Job) {
	r.t.Helper()
	for _, j := range jobs {
		if !r.offer(j) {
			r.t.Fatalf("%s is not handed off", j.ID)
		}
		r.stored(j)
	}
}

// more reports that the Store has due deliveries of lanes, from another host.
func (r *rig) more(lanes ...scheduler.Lane) { r.step(scheduler.Found{Lanes: lanes}) }

// claimed makes the claim for the lanes, and answers with jobs.
func (r *rig) claimed(jobs ...*scheduler.Job) {
	r.t.Helper()
	r.claim("jobs are to be claimed")
	r.step(scheduler.Leased{Jobs: jobs})
}

func (r *rig) claim(why string) scheduler.Claim {
	r.t.Helper()
	return one[scheduler.Claim](r, why)
}

// answer ends a request.
func (r *rig) answer(j *scheduler.Job, result scheduler.Result) {
	j.Result = result
	if j.Result.End.IsZero() {
		j.Result.Start, j.Result.End = r.s.Store(j.Since()), r.s.Store(r.now)
	}
	r.step(scheduler.Attempted{Job: j})
}

var (
	delivered = scheduler.Result{Delivered: true, Counts: true}
	failed    = scheduler.Result{Counts: true, Overload: true, Code: "500"}
	rejected  = scheduler.Result{Counts: true, Code: "400"}
)

// succeed makes requests to a lane, one after the other, until its window has the size.
func (r *rig) succeed(l scheduler.Lane, window int) {
	r.t.Helper()
	for r.s.Window(l.Scope, l.WebhookID) < window {
		j := r.job(l)
		r.dispatch(j)
		r.now = r.now.Add(time.Millisecond)
		r.answer(j, delivered)
	}
	r.settled(nil)
	r.wait(100 * time.Millisecond)
	r.settled(nil)
	r.asked = nil
}

// settled answers the writes of outcomes.
func (r *rig) settled(lost map[string]bool) {
	for w := take[scheduler.Settle](r); len(w) > 0; w = take[scheduler.Settle](r) {
		r.step(scheduler.Settled{Jobs: w[0].Jobs, Lost: lost})
	}
}

// outcomesOf returns the outcomes of one write.
func outcomesOf(s scheduler.Settle) (o []string) {
	for _, j := range s.Jobs {
		o = append(o, fmt.Sprint(j.ID, " ", [...]string{"written", "given back", "cancelled"}[j.Outcome]))
	}
	return o
}

// dispatchAny stores a job as decided, handed off or not.
func (r *rig) dispatchAny(j *scheduler.Job) {
	r.offer(j)
	r.stored(j)
}
