package webhook

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// doClaim makes the claim that the scheduler asked for.
func (g *engine) doClaim(c scheduler.Claim) {
	d := g.d
	d.useClock(d.storingContext())
	earliest, latest := d.timeBounds()
	if !c.Repeat {
		g.claim = Claim{Now: earliest, Until: latest.Add(d.o.Lease), Lease: g.nextLease(latest), Lanes: make([]LaneClaim, len(c.Lanes))}
		for i, l := range c.Lanes {
			g.claim.Lanes[i] = LaneClaim{Lane: Lane(l.Lane), Most: l.Most, Take: Take(l.Take)}
		}
	} else if g.claim.Until.Sub(latest) < d.o.Timeout {
		g.finish(scheduler.Leased{GivenUp: true})
		return
	}
	g.claim.MaxBytes = c.MaxBytes
	asked := g.claim
	began := time.Now()
	callStore(g, storeTimeout, "Claim", func(ctx context.Context) (Batch, error) {
		return d.store.Claim(ctx, asked)
	}, func(ctx context.Context, b Batch, err error) {
		var partial *PartialError
		if err != nil && !errors.As(err, &partial) {
			g.finish(scheduler.Leased{Failed: true})
			return
		}
		e := d.accept(ctx, &asked, &b, began)
		e.Partial = err != nil
		g.finish(e)
	})
}

// accept makes jobs of the claimed deliveries. It calls the Profile's hooks, so that none of them
// runs under the lock.
func (d *Dispatcher) accept(ctx context.Context, c *Claim, b *Batch, began time.Time) (e scheduler.Leased) {
	hooks := make(map[webhookKey]*Webhook, len(b.Webhooks))
	for i := range b.Webhooks {
		hooks[webhookKey{b.Webhooks[i].Scope, b.Webhooks[i].ID}] = &b.Webhooks[i]
	}
	e.Takes = takesOf(b.Webhooks)
	seen := make(map[string]bool, len(b.Deliveries))
	jobs := jobBlock{wanted: len(b.Deliveries)}
	e.Jobs = make([]*scheduler.Job, 0, len(b.Deliveries))
	oldest := time.Time{}
	for i := range b.Deliveries {
		j := jobs.next()
		j.delivery = b.Deliveries[i]
		dl := &j.delivery
		if oldest.IsZero() || dl.Due.Before(oldest) {
			oldest = dl.Due
		}
		hook := hooks[webhookKey{dl.Scope, dl.WebhookID}]
		j.lease(dl.Lease, dl.Due, c.Until, hook, began)
		switch {
		case seen[dl.ID]:
			d.reportBreach(ctx, "the Store handed out a delivery twice in one answer", dl)
		case hook == nil && slices.ContainsFunc(b.Webhooks, func(w Webhook) bool { return w.ID == dl.WebhookID }):
			d.reportBreach(ctx, "the Store handed out the webhook of another scope", dl)
			e.Sealed = append(e.Sealed, &j.Job)
		case dl.Key != "" && hook != nil && !c.fits(dl, hook):
			e.Mistaken = append(e.Mistaken, &j.Job)
		default:
			if code := d.admit(j, hook, c.Now); code != CodeOK {
				d.failUnsent(j, hook, code, c.Now)
				e.Ended = append(e.Ended, &j.Job)
			} else {
				e.Jobs = append(e.Jobs, &j.Job)
			}
		}
		seen[dl.ID] = true
	}
	for i := range b.Unreadable {
		d.acceptUnreadable(ctx, &e, &b.Unreadable[i], c)
	}
	e.Short = schedulerLanes(b.Short)
	if !oldest.IsZero() {
		d.status.setOldestDue(oldest)
	}
	d.markOpened(b.Webhooks)
	return e
}

// reportBreach logs once that the Store breaks a rule of its contract. Such an answer causes no
// request and loses no delivery.
func (d *Dispatcher) reportBreach(ctx context.Context, what string, dl *Delivery) {
	if d.status.firstTime(&d.status.warnedRules, what) {
		d.log.ErrorContext(ctx, "webhook: "+what+", prove it with package storetest", "delivery", dl.ID, "webhook", dl.WebhookID, "scope", dl.Scope)
	}
}

// lease fills in the scheduler's part of a job.
func (j *job) lease(number int64, due, until time.Time, hook *Webhook, read time.Time) {
	dl := &j.delivery
	j.Job = scheduler.Job{ID: dl.ID, Lane: scheduler.Lane(dl.Lane()), Lease: number, Due: due, Until: until,
		Size: len(dl.Body), Keyed: dl.Key != "", Tries: dl.Tries, FirstFailure: dl.FirstFailure, Read: read, Hook: hook, Value: j}
}

func (j *job) hook() *Webhook { return j.Hook.(*Webhook) }

// admit returns the code of a delivery that must end unsent. Otherwise it sets timeout and limits
// of the job.
func (d *Dispatcher) admit(j *job, hook *Webhook, now time.Time) Code {
	if code := d.refusal(&j.delivery, hook, now); code != CodeOK {
		return code
	}
	j.Timeout = d.sender.timeoutOf(hook)
	if d.profile.Limits == nil {
		return CodeOK
	}
	var err error
	if j.Limits, err = d.profile.limitsOf(hook, j.delivery.Class); err != nil {
		return CodeConfig
	}
	return CodeOK
}

// limitsOf calls Profile.Limits.
func (p *Profile) limitsOf(w *Webhook, class string) (limits []scheduler.Limit, err error) {
	err = isolated("Profile.Limits", func() error {
		for _, l := range p.Limits(*w, class) {
			limits = append(limits, scheduler.Limit(l))
		}
		return nil
	})
	return limits, err
}

// refusal is the code of a delivery that must end without an attempt, otherwise CodeOK.
func (d *Dispatcher) refusal(dl *Delivery, hook *Webhook, now time.Time) Code {
	switch {
	case hook == nil:
		return CodeCancelled
	case dl.Vars[varUnusable] != "":
		return CodeConfig
	case dl.Superseded && hook.Coalesce:
		return CodeSuperseded
	case now.Sub(dl.queued(now)) > d.profile.maxAge(), dl.expiredAt(now):
		return CodeExpired
	case dl.Interrupted >= maxInterrupted && !(hook.Order == OrderBlock && dl.Key != ""):
		return CodeInterrupted
	case d.profile.Keep != nil && !d.wanted(dl, hook):
		return CodeCancelled
	}
	return CodeOK
}

// wanted calls Profile.Keep. A panic counts as true.
func (d *Dispatcher) wanted(dl *Delivery, hook *Webhook) (keep bool) {
	returned := isolate(func() { keep = d.profile.Keep(*hook, *dl) })
	return keep || !returned
}

// queued is QueuedAt, or CreatedAt in a Store that does not keep it.
func (d *Delivery) queued(now time.Time) time.Time {
	switch {
	case !d.QueuedAt.IsZero():
		return d.QueuedAt
	case !d.CreatedAt.IsZero():
		return d.CreatedAt
	}
	return now
}

// acceptUnreadable makes a job of a leased delivery that cannot be read.
func (d *Dispatcher) acceptUnreadable(ctx context.Context, e *scheduler.Leased, u *Unreadable, c *Claim) {
	j := &job{delivery: Delivery{ID: u.ID, Scope: u.Lane.Scope, WebhookID: u.Lane.WebhookID, Class: u.Lane.Class, Lease: u.Lease}}
	j.lease(u.Lease, u.Due, c.Until, nil, time.Time{})
	if errors.Is(u.Err, ErrSealed) {
		d.markSealed(ctx, webhookKey{u.Lane.Scope, u.Lane.WebhookID}, u.Err)
		e.Sealed = append(e.Sealed, &j.Job)
		return
	}
	d.log.ErrorContext(ctx, "webhook: a stored delivery cannot be read and ends as failed", "delivery", u.ID, "webhook", u.Lane.WebhookID,
		"scope", u.Lane.Scope, "error", u.Err)
	j.fail(CodeConfig, c.Now)
	e.Ended = append(e.Ended, &j.Job)
}
