package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

const storeTimeout = 10 * time.Second

// storeContext is for calls that must happen although Run's context may have ended. It ends when
// Run gives up on the Store.
func (d *Dispatcher) storeContext(limit time.Duration) (context.Context, context.CancelFunc) {
	ctx := context.Background()
	if c := d.storing.Load(); c != nil && d.running.Load() {
		ctx = *c
	}
	return context.WithTimeout(ctx, limit)
}

// doLook asks which lanes have something due.
func (g *engine) doLook(c scheduler.Look) {
	d := g.d
	began := time.Now()
	earliest, _ := d.certain()
	q := DueQuery{Now: earliest, Since: c.Since, Limit: lookPage, Cursor: c.Cursor}
	lanes, page, err, ok := g.due(q, func() { g.finish(scheduler.Listed{Failed: true}) })
	if !ok {
		return
	}
	g.finish(scheduler.Listed{Lanes: lanes, Cursor: page.Cursor, Next: page.Next, Took: time.Since(began), Failed: err != nil})
}

const lookPage = 500

// doLookAt asks which lanes of one webhook have something due.
func (g *engine) doLookAt(c scheduler.LookAt) {
	earliest, _ := g.d.certain()
	q := DueQuery{Now: earliest, Scope: c.Scope, WebhookID: c.WebhookID, Limit: lookPage}
	lanes, page, err, ok := g.due(q, func() { g.finish(scheduler.Found{Failed: true}) })
	if ok {
		g.finish(scheduler.Found{Lanes: lanes, Failed: err != nil || page.Cursor != ""})
	}
}

// due calls the Store. ok is false when it answered too late and late was called.
func (g *engine) due(q DueQuery, late func()) (lanes []scheduler.Lane, page DuePage, err error, ok bool) {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	g.ask(storeTimeout, "Due", func() (err error) {
		page, err = d.store.Due(ctx, q)
		return err
	}, func(e error) {
		ok = true
		d.answered(ctx, "Due", e)
		var partial *PartialError
		if err = e; errors.As(err, &partial) {
			page.Cursor = "" // the next look begins anew
		} else if err != nil {
			page = DuePage{}
		}
		if err == nil && q.Cursor == "" && len(page.Lanes) == 0 && q.WebhookID == "" {
			d.status.behind(time.Time{})
		}
		for _, l := range page.Lanes {
			lanes = append(lanes, scheduler.Lane(l))
		}
	}, func() {
		d.answered(ctx, "Due", errNoAnswer)
		late()
	})
	return lanes, page, err, ok
}

// doClaim leases what the scheduler asked for.
func (g *engine) doClaim(c scheduler.Claim) {
	d := g.d
	limit := min(storeTimeout, d.o.Lease-d.o.Timeout)
	ctx, cancel := d.storeContext(limit)
	defer cancel()
	d.worked.Store(true)
	d.knowTime(ctx, clockStale)
	earliest, latest := d.certain()
	if !c.Repeat {
		g.claim = Claim{Now: earliest, Until: latest.Add(d.o.Lease), Lease: g.nextLease(latest), Lanes: make([]LaneClaim, len(c.Lanes))}
		for i, l := range c.Lanes {
			g.claim.Lanes[i] = LaneClaim{Lane: Lane(l.Lane), Most: l.Most}
		}
	} else if g.claim.Until.Sub(latest) < d.o.Timeout {
		g.finish(scheduler.Leased{GivenUp: true})
		return
	}
	g.claim.MaxBytes = c.MaxBytes
	asked := g.claim
	began := time.Now()
	var b Batch
	g.ask(limit, "Claim", func() (err error) {
		b, err = d.store.Claim(ctx, asked)
		return err
	}, func(err error) {
		d.answered(ctx, "Claim", err)
		var partial *PartialError
		isPartial := errors.As(err, &partial)
		if err != nil && !isPartial {
			g.finish(scheduler.Leased{Failed: true})
			return
		}
		e := d.accept(ctx, &asked, &b, began)
		e.Partial = isPartial
		g.finish(e)
	}, func() {
		d.answered(ctx, "Claim", errNoAnswer)
		g.finish(scheduler.Leased{Failed: true})
	})
}

// accept turns what a claim brought into jobs. What hooks of the host say is asked here, so
// none of their code runs under the lock.
func (d *Dispatcher) accept(ctx context.Context, c *Claim, b *Batch, began time.Time) (e scheduler.Leased) {
	hooks := make(map[webhookKey]*Webhook, len(b.Webhooks))
	for i := range b.Webhooks {
		hooks[webhookKey{b.Webhooks[i].Scope, b.Webhooks[i].ID}] = &b.Webhooks[i]
	}
	jobs := make([]job, len(b.Deliveries))
	e.Jobs = make([]*scheduler.Job, 0, len(jobs))
	oldest := time.Time{}
	for i := range b.Deliveries {
		j := &jobs[i]
		j.delivery = b.Deliveries[i]
		dl := &j.delivery
		if oldest.IsZero() || dl.Due.Before(oldest) {
			oldest = dl.Due
		}
		hook := hooks[webhookKey{dl.Scope, dl.WebhookID}]
		j.lease(dl.Lease, dl.Due, c.Until, hook, began)
		if code := d.admit(j, hook, c.Now); code != CodeOK {
			j.ends(code, c.Now)
			e.Ended = append(e.Ended, &j.Job)
			continue
		}
		e.Jobs = append(e.Jobs, &j.Job)
	}
	for i := range b.Unreadable {
		j := d.unreadable(ctx, &b.Unreadable[i], c)
		if errors.Is(b.Unreadable[i].Err, ErrSealed) {
			e.Sealed = append(e.Sealed, &j.Job)
		} else {
			e.Ended = append(e.Ended, &j.Job)
		}
	}
	for _, l := range b.Short {
		e.Short = append(e.Short, scheduler.Lane(l))
	}
	if !oldest.IsZero() {
		d.status.behind(oldest)
	}
	d.opened(b.Webhooks)
	return e
}

// lease fills what the scheduler knows of a job.
func (j *job) lease(number int64, due, until time.Time, hook *Webhook, read time.Time) {
	dl := &j.delivery
	j.Job = scheduler.Job{ID: dl.ID, Lane: scheduler.Lane(dl.Lane()), Lease: number, Due: due, Until: until,
		Size: len(dl.Body), Read: read, Hook: hook, Value: j}
}

func (j *job) hook() *Webhook { return j.Hook.(*Webhook) }

// admit asks what keeps a delivery from being sent at all, and which limits it counts
// against.
func (d *Dispatcher) admit(j *job, hook *Webhook, now time.Time) Code {
	if code := d.refused(&j.delivery, hook, now); code != CodeOK {
		return code
	}
	j.Timeout = d.sender.timeoutOf(hook)
	limits, err := d.limitsOf(hook, j.delivery.Class)
	if err != nil {
		return CodeConfig
	}
	j.Limits = limits
	return CodeOK
}

// limitsOf asks the Profile.
func (d *Dispatcher) limitsOf(w *Webhook, class string) (limits []scheduler.Limit, err error) {
	if d.profile.Limits == nil {
		return nil, nil
	}
	defer contain("Profile.Limits", &err)
	for _, l := range d.profile.Limits(*w, class) {
		limits = append(limits, scheduler.Limit(l))
	}
	return limits, nil
}

// refused tells why a delivery must end without an attempt.
func (d *Dispatcher) refused(dl *Delivery, hook *Webhook, now time.Time) Code {
	switch {
	case hook == nil:
		return CodeCancelled
	case dl.Interrupted >= maxInterrupted:
		return CodeInterrupted
	case now.Sub(dl.queued(now)) > d.profile.maxAge():
		return CodeExpired
	case d.profile.Keep != nil && !d.wanted(dl, hook):
		return CodeCancelled
	}
	return CodeOK
}

// wanted asks the Profile. A hook that panics has not said no.
func (d *Dispatcher) wanted(dl *Delivery, hook *Webhook) (keep bool) {
	defer func() {
		if recover() != nil {
			keep = true
		}
	}()
	return d.profile.Keep(*hook, *dl)
}

// queued is QueuedAt, as far as the Store keeps it.
func (d *Delivery) queued(now time.Time) time.Time {
	switch {
	case !d.QueuedAt.IsZero():
		return d.QueuedAt
	case !d.CreatedAt.IsZero():
		return d.CreatedAt
	}
	return now
}

// unreadable makes a job of what was leased and cannot be handed out.
func (d *Dispatcher) unreadable(ctx context.Context, u *Unreadable, c *Claim) *job {
	j := &job{delivery: Delivery{ID: u.ID, Scope: u.Lane.Scope, WebhookID: u.Lane.WebhookID, Class: u.Lane.Class, Lease: u.Lease}}
	j.lease(u.Lease, u.Due, c.Until, nil, time.Time{})
	if errors.Is(u.Err, ErrSealed) {
		d.sealed(ctx, webhookKey{u.Lane.Scope, u.Lane.WebhookID}, u.Err)
		return j
	}
	d.log.ErrorContext(ctx, "webhook: a stored delivery cannot be read and ends as failed", "delivery", u.ID, "webhook", u.Lane.WebhookID,
		"scope", u.Lane.Scope, "error", u.Err)
	j.ends(CodeConfig, c.Now)
	return j
}

// doRead reads a webhook anew, for jobs whose read is too old to be relied on.
func (g *engine) doRead(c scheduler.Read) {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	e := scheduler.Reread{Scope: c.Scope, WebhookID: c.WebhookID, Began: time.Now(), Verdict: scheduler.Unusable}
	var w Webhook
	g.ask(storeTimeout, "Webhook", func() (err error) {
		w, err = d.readWebhook(ctx, c.Scope, c.WebhookID)
		return err
	}, func(err error) {
		gone := errors.Is(err, ErrNotFound)
		if gone {
			e.Verdict, err = scheduler.WebhookGone, nil
		}
		d.answered(ctx, "Webhook", err)
		if err == nil && !gone && w.Unreadable == nil && w.Live(d.now()) {
			e.Verdict, e.Hook = scheduler.Usable, &w
		}
		g.finish(e)
	}, func() {
		d.answered(ctx, "Webhook", errNoAnswer)
		g.finish(e)
	})
}

// readWebhook reads one webhook, from a Store that is no Registry too.
func (d *Dispatcher) readWebhook(ctx context.Context, scope, id string) (Webhook, error) {
	if d.registry != nil {
		return d.registry.Webhook(ctx, scope, id)
	}
	ws, err := d.store.Webhooks(ctx, scope)
	if err != nil {
		return Webhook{}, err
	}
	for _, w := range ws {
		if w.ID == id {
			return w, nil
		}
	}
	return Webhook{}, ErrNotFound
}

func (g *engine) doNotify() {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	g.ask(storeTimeout, "Notify", func() error { return d.notifier.Notify(ctx) }, func(err error) {
		if !errors.Is(err, ErrUnsupported) {
			d.answered(ctx, "Notify", err)
		}
		g.finish(scheduler.Notified{})
	}, func() {
		d.answered(ctx, "Notify", errNoAnswer)
		g.finish(scheduler.Notified{})
	})
}
