package webhook

import (
	"cmp"
	"context"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/retry"
)

func (p *Profile) maxBody() int { return cmp.Or(p.MaxBody, defaultMaxBody) }

func (p *Profile) maxAge() time.Duration { return cmp.Or(p.MaxAge, defaultMaxAge) }

// settlement decides the result of an attempt: delivered, another try, or the end. gone says that
// the webhook is to be switched off.
func (p *Profile) settlement(w *Webhook, d *Delivery, a *Attempt) (s Settlement, gone bool) {
	s, gone = p.settleUnordered(d, a)
	s = p.applyOrder(w, d, a, s)
	if s.State == StatePending && d.expiredAt(s.Due) && !s.Exhausted {
		s.State, s.Code, s.Due = StateFailed, CodeExpired, a.End() // the next try would come too late
	}
	return s, gone
}

// settleUnordered is settlement without a policy of order.
func (p *Profile) settleUnordered(d *Delivery, a *Attempt) (s Settlement, gone bool) {
	s = Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: StateFailed, Code: a.Code, Result: a, Due: a.End()}
	switch {
	case a.OK():
		s.State = StateDelivered
		return s, false
	case a.Code == CodeEgress: // no try was made
		s.State, s.Due, s.Result = StatePending, a.End().Add(egressWait), nil
		return s, false
	}
	switch p.verdict(a) {
	case VerdictRetry:
		if at, ok := p.Retry.Next(failure(d, a)); ok {
			s.State, s.Due = StatePending, at
		} else {
			s.Exhausted = true
		}
	case VerdictGone:
		return s, true
	}
	return s, false
}

// isOverload reports whether an attempt shows an endpoint that is overloaded or unreachable.
func isOverload(a *Attempt) bool {
	switch a.Code {
	case CodeTimeout, CodeConnect, CodeDNS, CodeTLS, CodeProtocol:
		return true
	case CodeStatus:
		return a.Status >= 500 || a.Status == http.StatusRequestTimeout || a.Status == http.StatusTooEarly || a.Status == http.StatusTooManyRequests
	}
	return false
}

// egressWait is how long a delivery waits that could not leave this process.
const egressWait = 30 * time.Second

// retryAt is when a delivery is tried again, zero when it has ended or waits for a person.
func (s *Settlement) retryAt() time.Time {
	if s.State != StatePending || s.Exhausted {
		return time.Time{}
	}
	return s.Due
}

// failure describes a failed attempt to the retry policy. Jitter is drawn from the
// delivery's ID, so the schedule of a delivery is the same in every process.
func failure(d *Delivery, a *Attempt) retry.Failure {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.ID))
	first := d.FirstFailure
	if first.IsZero() {
		first = a.End()
	}
	return retry.Failure{Made: d.Tries, First: first, Now: a.End(), After: a.RetryAfter, Seed: h.Sum64()}
}

// attentionOf identifies a fault of which the owner of a webhook is notified once and must act: the
// URL, the secret or the certificate is wrong, and retries cannot succeed. It is "" for other results.
func attentionOf(a *Attempt) string {
	needed := false
	switch a.Code {
	case CodeTLSVerify, CodeTLS, CodeAuth:
		needed = true
	case CodeStatus:
		needed = a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden || a.Status == http.StatusNotFound || a.Status == http.StatusGone
	}
	if !needed {
		return ""
	}
	return string(a.Code) + " " + strconv.Itoa(a.Status)
}

// asksForPatience tells whether an answer pauses the whole webhook, not only the
// delivery: 429 and 503 with Retry-After.
func asksForPatience(a *Attempt) bool {
	return a.RetryAfter > 0 && (a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable)
}

// aboutEndpoint reports whether an outcome is evidence about the endpoint, and not about the
// configuration of this side.
func aboutEndpoint(a *Attempt) bool {
	switch a.Code {
	case CodeURLRejected, CodePayload, CodeConfig, CodeCancelled, CodeEgress:
		return false
	}
	return true
}

// observeHere calls a function of the Observer in this goroutine, which it may end.
func (d *Dispatcher) observeHere(ctx context.Context, name string, call func()) {
	returned := false
	defer func() {
		if _ = recover(); !returned {
			d.log.ErrorContext(ctx, "webhook: observer panicked or ended its goroutine", "hook", name)
		}
	}()
	call()
	returned = true
}

// observe calls a function of the Observer and isolates it.
func (d *Dispatcher) observe(ctx context.Context, name string, call func()) {
	if !isolate(call) {
		d.log.ErrorContext(ctx, "webhook: observer panicked or ended its goroutine", "hook", name)
	}
}
