package webhook

import (
	"context"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// fail sets the settlement of a job: a failure without an attempt.
func (j *job) fail(code Code, at time.Time) {
	j.settlement = Settlement{ID: j.ID, Scope: j.Lane.Scope, Lease: j.Lease, State: StateFailed, Code: code, Due: at}
}

// settlementOf is the settlement of a job for the Store.
func (d *Dispatcher) settlementOf(j *job) Settlement {
	switch j.Outcome {
	case scheduler.GivenBack:
		return Settlement{ID: j.ID, Scope: j.Lane.Scope, Lease: j.Lease, State: StatePending, Due: j.Due}
	case scheduler.Cancelled:
		j.fail(CodeCancelled, d.now())
	}
	return j.settlement
}

// doSettle stores a group of settlements, and then reports each.
func (g *engine) doSettle(jobs []*scheduler.Job) {
	d := g.d
	ss := make([]Settlement, len(jobs))
	for i, j := range jobs {
		ss[i] = d.settlementOf(j.Value.(*job))
	}
	callStore(g, storeTimeout, "Settle", func(ctx context.Context) ([]string, error) {
		return d.store.Settle(ctx, ss)
	}, func(ctx context.Context, lost []string, err error) {
		if err != nil {
			g.finish(scheduler.Settled{Jobs: jobs, Failed: true})
			return
		}
		var isLost map[string]bool
		if len(lost) > 0 {
			isLost = make(map[string]bool, len(lost))
			for _, id := range lost {
				isLost[id] = true
			}
		}
		g.post(scheduler.Settled{Jobs: jobs, Lost: isLost}) // the next group need not wait for the Observer
		defer g.finishSilently()
		each(0, len(jobs), func(i int) { d.stored(ctx, jobs[i].Value.(*job), &ss[i], isLost[jobs[i].ID]) })
	})
}

// stored reports a settlement that was stored, or lost.
func (d *Dispatcher) stored(ctx context.Context, j *job, s *Settlement, lost bool) {
	switch {
	case lost && s.State == StatePending && s.Result == nil: // nothing was sent
	case lost:
		d.log.WarnContext(ctx, "webhook: an outcome was not stored, another process took over its delivery, or the scope was deleted", "delivery", j.ID)
		if f := d.o.Observer.Lost; f != nil {
			d.observe(ctx, "Lost", func() { f(ctx, j.delivery) })
		}
	case s.State != StatePending:
		d.ended(ctx, s.Apply(j.delivery), s.Result)
	case s.Exhausted:
		d.reportHeldBack(ctx, j, s)
	}
}

// ended is the only place that reports the end of a delivery, to Status, the Observer and the log.
// a is the attempt that ended it, nil if there was none.
func (d *Dispatcher) ended(ctx context.Context, dl Delivery, a *Attempt) {
	switch {
	case dl.State == StateDelivered:
		d.status.delivered.Add(1)
	case dl.State == StateFailed && dl.LastCode != CodeSuperseded:
		d.status.failed.Add(1)
		status := 0
		if a != nil {
			status = a.Status
		}
		d.log.WarnContext(ctx, "webhook: delivery failed", "delivery", dl.ID, "event", dl.EventID, "type", dl.Type, "webhook", dl.WebhookID,
			"scope", dl.Scope, "code", string(dl.LastCode), "status", status, "attempts", dl.Attempts, "exhausted", dl.Exhausted)
	}
	if f := d.o.Observer.Settled; f != nil {
		d.observeHere(ctx, "Settled", func() { f(ctx, dl) })
	}
}

// doSweep ends deliveries that no claim will end.
func (g *engine) doSweep() {
	callStore(g, g.d.o.Lease, "Sweep", g.d.sweep, func(_ context.Context, more bool, err error) {
		g.finish(scheduler.Swept{More: more, Failed: err != nil})
	})
}

// sweep ends some deliveries that no claim will end, and reports them.
func (d *Dispatcher) sweep(ctx context.Context) (more bool, err error) {
	earliest, latest := d.timeBounds()
	swept, more, err := d.sweeper.Sweep(ctx, Sweep{
		Now: earliest, Gone: true, QueuedBefore: earliest.Add(-d.profile.maxAge()),
		LatestRetry: latest.Add(max(d.profile.Retry.MaxStep(), d.o.Lease)),
		LatestLease: latest.Add(d.o.Lease + clockTolerance),
	}, sweepBatch)
	isolate(func() { each(0, len(swept), func(i int) { d.ended(ctx, swept[i], nil) }) })
	return more, err
}

// clockTolerance is how far the clocks of hosts may differ that share a Store without a
// [Clock].
const clockTolerance = 10 * time.Second
