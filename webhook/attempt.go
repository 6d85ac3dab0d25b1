package webhook

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// send makes the request of a job. After its answer it continues with the next job whose turn has
// come. It ignores a nil job.
func (g *engine) send(j *job) {
	defer func() {
		if j != nil { // code of the host has ended this goroutine
			p := g.d.profile.isolatingJudge()
			g.finish(g.d.conclude(g.d.sendingContext(), &p, j))
		}
	}()
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

// sendingContext is the context of requests, which ends with the drain period.
func (d *Dispatcher) sendingContext() context.Context {
	if c := d.sending.Load(); c != nil {
		return *c
	}
	return context.Background()
}

// attempt makes one request and returns the event for the scheduler.
func (d *Dispatcher) attempt(j *job) scheduler.Event {
	ctx := d.sendingContext()
	if ctx.Err() != nil {
		return scheduler.NotSent{Job: &j.Job}
	}
	d.clockUsed.Store(true)
	now := d.now()
	if j.delivery.expiredAt(now) {
		j.fail(CodeExpired, now)
		return scheduler.NotSent{Job: &j.Job, Ended: true}
	}
	if d.o.Around == nil {
		d.sender.attempt(ctx, j.hook(), &j.delivery, now, &j.attempt)
	} else {
		d.wrapped(ctx, j)
	}
	return d.conclude(ctx, &d.profile, j)
}

// conclude decides on the result of an attempt, and returns the event for the scheduler.
func (d *Dispatcher) conclude(ctx context.Context, p *Profile, j *job) scheduler.Event {
	dl, hook, a := &j.delivery, j.hook(), &j.attempt
	d.recordEgress(ctx, a)
	d.warnCertificate(ctx, hook)
	if ctx.Err() != nil && a.Status == 0 {
		return scheduler.NotSent{Job: &j.Job} // cut off by the end of the drain period
	}
	s, gone := p.settlement(hook, dl, a)
	j.settlement, j.Result = s, p.result(a, &s)
	j.Result.Gone = gone
	if f := d.o.Observer.Attempted; f != nil {
		d.observe(ctx, "Attempted", func() { f(ctx, *dl, *a) })
	}
	if j.Result.KeepsBody = j.settlement.State == StateFailed && d.o.Observer.Settled != nil; !j.Result.KeepsBody {
		dl.Body = nil // no further attempt needs it in memory
	}
	return scheduler.Attempted{Job: &j.Job}
}

// wrapped makes the attempt inside Options.Around. Neither a panic of the wrapper, nor the end of
// its goroutine, nor its changes to the result alter the attempt. If the wrapper starts the attempt
// in another goroutine, wrapped waits for it, so that there is no second request.
func (d *Dispatcher) wrapped(ctx context.Context, j *job) {
	begun, made := make(chan struct{}, 1), make(chan struct{})
	send := func(ctx context.Context) Attempt {
		select {
		case begun <- struct{}{}:
			defer close(made)
			d.sender.attempt(ctx, j.hook(), &j.delivery, d.now(), &j.attempt)
		case <-made:
		}
		shown := j.attempt
		shown.Header = slices.Clone(shown.Header)
		return shown
	}
	defer send(ctx)
	returned := false
	defer func() {
		if _ = recover(); !returned {
			d.log.ErrorContext(ctx, "webhook: Options.Around panicked or ended its goroutine", "delivery", j.ID)
		}
	}()
	d.o.Around(ctx, j.delivery, send)
	returned = true
}

// result is the part of an attempt that the scheduler needs to know about the endpoint.
func (p *Profile) result(a *Attempt, s *Settlement) scheduler.Result {
	r := scheduler.Result{
		Delivered: s.State == StateDelivered, Retry: s.retryAt(), Counts: aboutEndpoint(a), Overload: isOverload(a),
		Attention: attentionOf(a), Code: string(a.Code), Start: a.Start, End: a.End(),
	}
	if asksForPatience(a) {
		r.Patience = min(a.RetryAfter, p.Retry.MaxAfter)
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
	var a Attempt
	ended := false
	defer func() { // code of the host may end this goroutine, which is the caller's
		d.engine.post(scheduler.TestEnded{Scope: w.Scope, WebhookID: w.ID, Delivered: ended && a.OK()})
	}()
	d.sender.attempt(ctx, w, dl, d.now(), &a)
	ended = true
	return a, nil
}
