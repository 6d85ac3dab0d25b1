package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// The rules. I1: an accepted delivery ends, with a code. I2: requests stay within the budget, plus
// one for each disruption. I3: nothing is sent after the end. I4: identifier and body never change.
// I6: no secret or URL path in the log. I7: an attempt that counted is on record. I9: a healthy
// webhook is served at once beside others that are not. In addition: a lease has one holder;
// nothing is sent to a webhook that was switched off, deleted or sealed 250 ms ago, or one read of
// it where the Store is slow; at most ten interruptions; an end is reported once; an error of
// Dispatch other than ErrUnknown stored nothing; nothing is stuck.

const (
	// grace is how long after a change a request may still begin.
	grace = 250 * time.Millisecond
	// slowGrace is grace with the longest read of a slow Store.
	slowGrace = grace + 5*time.Second
	// lateCommit bounds the time from a transaction's commit to its first request.
	lateCommit = 6 * time.Second
)

func (w *World) violated(format string, args ...any) {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	if len(w.books.violations) < 20 {
		w.books.violations = append(w.books.violations, fmt.Sprintf(format, args...))
	}
}

func (w *World) disrupt() {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	w.books.disruptions++
}

func (w *World) disrupted() bool {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	return w.books.disruptions > 0
}

// mayBeSent judges a request at its start.
func (w *World) mayBeSent(h *host, scope, id, url string) {
	ctx := context.Background()
	d, _, err := w.store.Delivery(ctx, scope, id)
	if err != nil {
		w.violated("I1: a request of delivery %s, which the Store does not know", id)
		return
	}
	w.books.mu.Lock()
	had := w.books.accepted[id]
	first := had.first.IsZero()
	if first {
		had.first = time.Now()
		w.books.accepted[id] = had
	}
	changed := w.books.changed[d.WebhookID]
	w.books.mu.Unlock()
	if first {
		w.inOrder(&d)
	}
	if d.State != webhook.StatePending && !w.story.Jumps {
		w.violated("I3: a request of delivery %s, which has ended as %v", id, d.State)
	}
	limit := grace
	if time.Since(w.slowUntil.get()) < slowGrace || w.story.slow() {
		limit = slowGrace
	}
	if time.Since(changed) <= limit {
		return
	}
	if w.isSealed(d.WebhookID) {
		w.violated("a request of delivery %s to a webhook that cannot be opened", id)
	}
	switch hook, err := w.store.Webhook(ctx, scope, d.WebhookID); {
	case err != nil:
		w.violated("a request of delivery %s to a webhook that was deleted", id)
	case !hook.Active:
		w.violated("a request of delivery %s to a webhook that is switched off", id)
	case hook.URL != url:
		w.violated("a request of delivery %s to a URL that was replaced", id)
	}
}

// claimed judges the result of a claim.
func (w *World) claimed(c *webhook.Claim, b *webhook.Batch) {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	for _, d := range b.Deliveries {
		if had := w.books.leases[d.ID]; had.until.After(c.Now) && had.number != d.Lease && !w.story.Jumps {
			w.books.violations = append(w.books.violations, fmt.Sprintf("delivery %s was leased twice", d.ID))
		} else if had.number == d.Lease {
			w.seen.again.Add(1)
		}
		w.books.leases[d.ID] = lease{d.Lease, c.Until}
		if d.Interrupted > 10 && !w.patient(d.WebhookID) {
			w.books.violations = append(w.books.violations, fmt.Sprintf("delivery %s was interrupted %d times", d.ID, d.Interrupted))
		}
	}
}

// enqueued records the stored deliveries, and their first leases.
func (w *World) enqueued(ds []webhook.Delivery, added []bool) {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	for i, d := range ds {
		if added[i] && d.Held {
			w.books.handed++
			w.books.leases[d.ID] = lease{d.Lease, d.Due}
		}
	}
}

// settled records the settlements that the Store accepted.
func (w *World) settled(ss []webhook.Settlement, lost []string) {
	gone := map[string]bool{}
	for _, id := range lost {
		gone[id] = true
	}
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	for _, s := range ss {
		if gone[s.ID] {
			continue
		}
		delete(w.books.leases, s.ID)
		if lease := fmt.Sprint(s.ID, " ", s.Lease); s.Result != nil && !w.books.counted[lease] {
			w.books.counted[lease] = true
			w.books.results[s.ID]++
		}
	}
}

// check audits the books.
func (w *World) check() Outcome {
	b := &w.books
	o := Outcome{Requests: w.net.total, HandedOff: b.handed, Lost: int(w.seen.lost.Load()), Again: int(w.seen.again.Load()),
		Sealed: int(w.seen.sealed.Load()), Late: int(w.seen.late.Load()), InOrder: w.numbers.seen}
	budget := 1 + len(profile(w.story.Standard).Retry.Slots)
	for id, a := range b.accepted {
		if a.at.IsZero() {
			continue // its Dispatch did not return, so that it need not have been stored
		}
		o.Accepted++
		d, attempts, err := w.store.Delivery(context.Background(), a.scope, id)
		if err != nil {
			w.violated("I1: delivery %s was accepted and is lost: %v", id, err)
			continue
		}
		requests := 0
		if rec := w.net.seen[id]; rec != nil {
			requests = rec.requests
		}
		switch {
		case d.State == webhook.StatePending:
			w.violated("I1: delivery %s is stuck: tries %d, held %v, due in %v", id, d.Tries, d.Held, d.Due.Sub(w.storeTime()))
		case d.State == webhook.StateFailed && d.LastCode == webhook.CodeOK:
			w.violated("I1: delivery %s failed without a code", id)
		case d.State == webhook.StateDelivered:
			if o.Delivered++; requests == 0 {
				w.violated("I1: delivery %s is delivered without a request", id)
			}
		}
		results := b.results[id]
		if most := budget * (1 + b.requeues[id]); results > most && !w.patient(d.WebhookID) {
			w.violated("I2: delivery %s had %d attempts that count, at most %d are allowed", id, results, most)
		}
		if requests > results+b.disruptions {
			w.violated("I2: delivery %s had %d requests, %d attempts that count and %d disruptions", id, requests, results, b.disruptions)
		}
		if len(attempts) < min(results, 50) {
			w.violated("I7: delivery %s has %d attempts on record of %d", id, len(attempts), results)
		}
		if d.Tries > len(attempts) {
			w.violated("I7: delivery %s counts %d tries, %d are on record", id, d.Tries, len(attempts))
		}
		if len(attempts) > requests {
			w.violated("I7: delivery %s has %d attempts on record of %d requests", id, len(attempts), requests)
		}
		if d.LastCode == webhook.CodeConfig {
			w.violated("delivery %s ended as config, because its webhook could not be opened for a while", id)
		}
		if ends := 1 + b.requeues[id]; b.told[id] > ends || b.disruptions == 0 && b.told[id] == 0 {
			w.violated("the end of delivery %s as %v %q was told %d times", id, d.State, d.LastCode, b.told[id])
		}
		if w.story.Calm && w.isWell(d.WebhookID) && a.first.Sub(a.at) > a.within {
			w.violated("I9: delivery %s to a webhook that is well waited %v", id, a.first.Sub(a.at))
		}
	}
	for n, e := range b.events {
		if e.stored || !e.denied {
			continue
		}
		ds, _, err := w.store.Deliveries(context.Background(), webhook.Query{Scope: e.scope, EventID: fmt.Sprint("evt-", n)})
		if err != nil || len(ds) > 0 {
			w.violated("Dispatch of event %d said that nothing was stored, and %d deliveries were: %v", n, len(ds), err)
		}
	}
	for _, canary := range []string{secret, "canary-path"} {
		if strings.Contains(w.logged.b.String(), canary) {
			w.violated("I6: %q stands in the log", canary)
		}
	}
	o.Violations = b.violations
	return o
}

// isWell reports whether a webhook of a calm story never misbehaved.
func (w *World) isWell(id string) bool {
	for i, hook := range w.hooks[:w.story.Hooks] {
		if hook.ID == id {
			return !w.books.misbehaved(i, w.story)
		}
	}
	return false
}

func (*books) misbehaved(hook int, s Story) bool {
	for _, step := range s.Steps {
		if step.Kind == Mode && step.Hook == hook {
			return true
		}
	}
	return false
}
