// Package ledger keeps the books of a run: the events that hosts accepted, the stored deliveries,
// and the requests of the receiver. Every difference is a fault.
package ledger

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// Ledger is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	tried    map[string]bool
	accepted map[string]bool
	refused  map[string]bool
	warnings int
}

// New returns an empty Ledger.
func New() *Ledger {
	return &Ledger{tried: make(map[string]bool), accepted: make(map[string]bool), refused: make(map[string]bool)}
}

// Note records a report of a host.
func (l *Ledger) Note(r hostproc.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range r.IDs {
		switch r.Kind {
		case hostproc.Trying:
			l.tried[id] = true
		case hostproc.Accepted:
			l.accepted[id] = true
		case hostproc.Refused:
			l.refused[id] = true
		case hostproc.At:
			if r.Text == string(hostproc.AfterCommit) {
				l.accepted[id] = true // the commit returned nil, and the host was stopped before it could report it
			}
		}
	}
	if r.Kind == hostproc.Logged {
		l.warnings++
	}
}

// Counts returns how many events were tried, accepted and refused, and the number of logged
// warnings.
func (l *Ledger) Counts() (tried, accepted, refused, warnings int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tried), len(l.accepted), len(l.refused), l.warnings
}

// Key identifies a delivery.
type Key struct{ Webhook, Event string }

// Of returns the key of a delivery of the Store.
func Of(d webhook.Delivery) Key { return Key{d.WebhookID, d.EventID} }

// Balance is the result of an audit.
type Balance struct {
	// Accepted and Delivered count deliveries: one for each accepted event and webhook, and those
	// of them that the receiver accepted. Lost are the others.
	Accepted, Delivered, Lost int
	// Requests counts all, Repeats those after the receiver had accepted.
	Requests, Repeats int
	// Faults are the differences between the books.
	Faults []string
	// By holds the requests of each delivery.
	By map[Key][]receiver.Request
}

// Audit compares the books. Each webhook listens to every event. A delivery may have at most most
// requests.
func (l *Ledger) Audit(hooks []string, ds []webhook.Delivery, requests []receiver.Request, most int) Balance {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := Balance{Requests: len(requests), By: make(map[Key][]receiver.Request)}
	fault := func(format string, args ...any) { b.Faults = append(b.Faults, fmt.Sprintf(format, args...)) }
	delivered := make(map[Key]bool)
	for _, r := range requests {
		k := Key{r.Webhook(), r.Event}
		if delivered[k] {
			b.Repeats++
		}
		delivered[k] = delivered[k] || r.Status/100 == 2
		b.By[k] = append(b.By[k], r)
	}
	for k, rs := range b.By {
		l.auditRequests(k, rs, most, fault)
	}
	stored := make(map[string]int)
	state := make(map[Key]webhook.State)
	for _, d := range ds {
		stored[d.EventID]++
		state[Of(d)] = d.State
		if !l.tried[d.EventID] {
			fault("event %s is stored, but no host dispatched it", d.EventID)
		}
	}
	for id := range l.tried {
		if n := stored[id]; n != 0 && n != len(hooks) {
			fault("event %s is stored for %d of %d webhooks", id, n, len(hooks))
		}
		if stored[id] == 0 && !l.accepted[id] {
			continue // it was rolled back
		}
		for _, hook := range hooks {
			k := Key{hook, id}
			if l.accepted[id] {
				b.Accepted++
			}
			switch {
			case !delivered[k] || state[k] != webhook.StateDelivered:
				if l.accepted[id] {
					b.Lost++
				}
				fault("event %s did not reach %s: %d requests, %v in the Store", id, hook, len(b.By[k]), state[k])
			case l.accepted[id]:
				b.Delivered++
			}
		}
	}
	return b
}

func (l *Ledger) auditRequests(k Key, rs []receiver.Request, most int, fault func(string, ...any)) {
	if !l.tried[k.Event] {
		fault("%d requests with event %q, which no host dispatched", len(rs), k.Event)
	}
	if len(rs) > most {
		fault("%d requests of event %s to %s, want at most %d", len(rs), k.Event, k.Webhook, most)
	}
	for _, r := range rs {
		if !bytes.Equal(r.Body, rs[0].Body) {
			fault("request %d of event %s to %s has another body than the first", r.N, k.Event, k.Webhook)
		}
		if r.Identifier != rs[0].Identifier {
			fault("request %d of event %s to %s has the identifier %q, the first %q", r.N, k.Event, k.Webhook, r.Identifier, rs[0].Identifier)
		}
		if r.Signed != nil {
			fault("request %d of event %s to %s: %v", r.N, k.Event, k.Webhook, r.Signed)
		}
	}
	if id := hostproc.IDOf(rs[0].Body); id != k.Event {
		fault("the identifier %q does not belong to the body, which is of %q", k.Event, id)
	}
}

// Since is the time from a moment to the first request of rs after it.
func Since(at time.Time, rs []receiver.Request) (time.Duration, bool) {
	for _, r := range rs {
		if r.At.After(at) {
			return r.At.Sub(at), true
		}
	}
	return 0, false
}
