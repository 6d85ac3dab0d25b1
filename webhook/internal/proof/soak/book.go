package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// book holds the reports of the hosts and of the receiver. Its methods are safe for concurrent use.
type book struct {
	secret, path []byte // must not be in any host's output

	mu      sync.Mutex
	hooks   map[string]hook
	scopes  map[string][]hook
	events  map[string]*event
	seen    map[key]*arrival
	dead    map[string]*death // by name of the life
	strange []key             // repeats of requests that no killed life had sent
	counted counts
	// outcomes are those of attempts at hostile webhooks.
	outcomes map[behaviour]map[webhook.Code]int
	faults   []string
	wrong    int // number of faults, including those that are not kept
}

// counts are for the progress lines. Open and repeats count deliveries to healthy webhooks.
type counts struct{ accepted, refused, requests, hostile, open, repeats, overtaken int }

// key identifies a delivery.
type key struct{ hook, event string }

// event is an event that a host dispatched.
type event struct {
	scope    string
	sum      uint64
	accepted bool
}

// arrival has the requests of a delivery.
type arrival struct {
	sum      uint64
	requests int
	by       string    // life whose request was accepted last, empty if none was
	at       time.Time // time of that request
}

// death is a killed life. Repeats are of its requests in flight.
type death struct {
	at      time.Time
	repeats int
}

func newBook(f *field) *book {
	b := &book{secret: []byte(f.secretCanary), path: []byte(f.pathCanary), hooks: make(map[string]hook), scopes: f.scopes,
		events: make(map[string]*event), seen: make(map[key]*arrival), dead: make(map[string]*death), outcomes: make(map[behaviour]map[webhook.Code]int)}
	for _, kind := range behaviours {
		b.outcomes[kind] = make(map[webhook.Code]int)
	}
	for _, h := range f.hooks {
		b.hooks[h.ID] = h
	}
	return b
}

const keptFaults = 20

// fault records a fault.
func (b *book) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faulty(format, args...)
}

func (b *book) faulty(format string, args ...any) {
	if b.wrong++; b.wrong <= keptFaults {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// checkOutput looks for secrets and URL paths in the output of a host.
func (b *book) checkOutput(line []byte) {
	if bytes.Contains(line, b.secret) {
		b.fault("a host has written a secret")
	}
	if bytes.Contains(line, b.path) {
		b.fault("a host has written the path of a URL")
	}
}

// killed records the coming end of a life, before its consequences.
func (b *book) killed(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead[name] = &death{at: time.Now()}
}

// reported records a report of a host.
func (b *book) reported(r report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.Kind {
	case trying:
		b.events[r.ID] = &event{scope: r.Scope, sum: r.Sum}
	case attempt:
		if kind := b.hooks[r.Hook].Behaviour; kind != "" {
			b.outcomes[kind][r.Code]++
		}
	case refused:
		b.counted.refused++
	case overtaken:
		b.counted.overtaken++
	case accepted:
		e := b.events[r.ID]
		e.accepted = true
		b.counted.accepted++
		for _, h := range b.scopes[e.scope] {
			if a := b.seen[key{h.ID, r.ID}]; h.Behaviour == "" && (a == nil || a.by == "") {
				b.counted.open++
			}
		}
	}
}

// received records a receipt of the receiver.
func (b *book) received(r receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hooks[r.Hook]
	k := key{h.ID, r.Event}
	b.counted.requests++
	if h.Behaviour != "" {
		b.counted.hostile++
	}
	if r.Fault != "" {
		b.faulty("event %s, %s: %s", r.Event, r.Hook, r.Fault)
	}
	a := b.seen[k]
	if a == nil {
		a = &arrival{sum: r.Sum}
		b.seen[k] = a
	}
	a.requests++
	if a.sum != r.Sum {
		b.faulty("request %d of event %s to %s has another body than the first", a.requests, r.Event, r.Hook)
	}
	if h.Behaviour != "" || r.Status/100 != 2 {
		return
	}
	if a.by != "" {
		b.repeated(k, a)
	} else if e := b.events[r.Event]; e != nil && e.accepted {
		b.counted.open--
	}
	a.by, a.at = r.Sender, time.Now()
}

// repeated records that a healthy webhook got again a delivery that it had accepted from a life. A
// request in flight when the life was killed was claimed less than a lease before.
func (b *book) repeated(k key, a *arrival) {
	b.counted.repeats++
	if d := b.dead[a.by]; d != nil && d.at.Sub(a.at) < lease {
		d.repeats++
		return
	}
	b.strange = append(b.strange, k)
}

func (b *book) counts() counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counted
}
