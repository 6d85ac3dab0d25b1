package webhook

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// send makes the request of a job. After its answer it continues with the next job whose turn has
// come. It ignores a nil job.
func (g *engine) send(j *job) {
	var todo []scheduler.Command
	for j != nil {
		todo = g.step(g.d.attempt(j), 1, todo[:0])
		j = g.carryOutButOne(todo)
		clear(todo)
	}
}

// start runs send in a goroutine of its own. It ignores a nil job.
func (g *engine) start(j *job) {
	if j != nil {
		g.workers.run(func() { g.send(j) })
	}
}

// carryOutButOne carries out all commands but the first Send. It returns the job of that one, nil
// if there is none: the caller makes its request.
func (g *engine) carryOutButOne(todo []scheduler.Command) (first *job) {
	for i, c := range todo {
		if c, ok := c.(scheduler.Send); ok {
			first = c.Job.Value.(*job)
			g.carryOut(todo[:i])
			todo = todo[i+1:]
			break
		}
	}
	g.carryOut(todo)
	return first
}

// attempt makes one request and returns the event for the scheduler.
func (d *Dispatcher) attempt(j *job) scheduler.Event {
	ctx := context.Background()
	if c := d.sending.Load(); c != nil {
		ctx = *c
	}
	dl, hook, a := &j.delivery, j.hook(), &j.attempt
	if ctx.Err() != nil {
		return scheduler.NotSent{Job: &j.Job}
	}
	d.clockUsed.Store(true)
	if now := d.now(); dl.expiredAt(now) {
		j.fail(CodeExpired, now)
		return scheduler.NotSent{Job: &j.Job, Ended: true}
	}
	*a = d.around(ctx, hook, dl)
	d.recordEgress(ctx, a)
	d.warnCertificate(ctx, hook)
	if ctx.Err() != nil && a.Status == 0 {
		return scheduler.NotSent{Job: &j.Job} // cut off by the end of the drain period
	}
	if f := d.o.Observer.Attempted; f != nil {
		d.observe(ctx, "Attempted", func() { f(ctx, *dl, *a) })
	}
	s, gone := d.profile.settlement(hook, dl, a)
	j.settlement, j.Result = s, d.profile.result(a, &s)
	j.Result.Gone = gone
	if j.Result.KeepsBody = j.settlement.State == StateFailed && d.o.Observer.Settled != nil; !j.Result.KeepsBody {
		dl.Body = nil // no further attempt needs it in memory
	}
	return scheduler.Attempted{Job: &j.Job}
}

// around makes the attempt, inside Options.Around if it is set.
func (d *Dispatcher) around(ctx context.Context, hook *Webhook, dl *Delivery) Attempt {
	if d.o.Around == nil {
		return d.sender.attempt(ctx, hook, dl, d.now())
	}
	return d.wrapped(ctx, hook, dl)
}

// wrapped makes the attempt inside Options.Around. Neither a panic of the wrapper nor its changes
// to the result alter the attempt. If the wrapper starts the attempt in another goroutine, wrapped
// waits for it, so that there is no second request.
func (d *Dispatcher) wrapped(ctx context.Context, hook *Webhook, dl *Delivery) Attempt {
	var a Attempt
	begun, made := make(chan struct{}, 1), make(chan struct{})
	send := func(ctx context.Context) Attempt {
		select {
		case begun <- struct{}{}:
			a = d.sender.attempt(ctx, hook, dl, d.now())
			close(made)
		case <-made:
		}
		shown := a
		shown.Header = slices.Clone(a.Header)
		return shown
	}
	func() {
		defer func() {
			if recover() != nil {
				d.log.ErrorContext(ctx, "webhook: Options.Around panicked", "delivery", dl.ID)
			}
		}()
		d.o.Around(ctx, *dl, send)
	}()
	return send(ctx)
}

// result is the part of an attempt that the scheduler needs to know about the endpoint.
func (p *Profile) result(a *Attempt, s *Settlement) scheduler.Result {
	r := scheduler.Result{
		Delivered: s.State == StateDelivered, Retry: s.retryAt(), Counts: aboutEndpoint(a), Overload: isOverload(a),
		Code: string(a.Code), Start: a.Start, End: a.End(),
	}
	if asksForPatience(a) {
		r.Patience = min(a.RetryAfter, p.Retry.MaxAfter)
	}
	if needsAttention(a) {
		r.Attention = attentionKey(a)
	}
	return r
}

// testAttempt makes the request of a test without waiting for a turn.
func (d *Dispatcher) testAttempt(ctx context.Context, w *Webhook, dl *Delivery) (Attempt, error) {
	allowed := false
	d.engine.post(scheduler.TestStarted{Scope: w.Scope, Allowed: &allowed})
	if !allowed {
		return Attempt{}, ErrBusy
	}
	a := d.sender.attempt(ctx, w, dl, d.now())
	d.engine.post(scheduler.TestEnded{Scope: w.Scope, WebhookID: w.ID, Delivered: a.OK()})
	return a, nil
}
