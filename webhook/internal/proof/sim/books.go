package sim

import (
	"sync"
	"time"
)

// books has the events that the library and the story reported.
type books struct {
	mu          sync.Mutex
	violations  []string
	accepted    map[string]booked
	byEvent     map[int]string
	results     map[string]int  // attempts that counted
	counted     map[string]bool // their leases, because a settlement may be repeated
	requeues    map[string]int
	leases      map[string]lease // leases without a settlement
	told        map[string]int
	events      map[int]said
	handed      int                  // deliveries that were stored held
	changed     map[string]time.Time // the last change of a webhook
	disruptions int
}

// lease is a lease that a claim or an Enqueue gave.
type lease struct {
	number int64
	until  time.Time
}

// said has the results of an event's Dispatch calls.
type said struct {
	scope          string
	stored, denied bool // at least one call stored, or may have stored; at least one stored nothing
}

type booked struct {
	scope  string
	at     time.Time
	within time.Duration // of the first request, in a calm story
	first  time.Time     // of the first request
}

func (b *books) init() {
	b.accepted, b.byEvent = map[string]booked{}, map[int]string{}
	b.counted = map[string]bool{}
	b.results, b.requeues = map[string]int{}, map[string]int{}
	b.leases, b.changed = map[string]lease{}, map[string]time.Time{}
	b.told, b.events = map[string]int{}, map[int]said{}
}

func (b *books) accept(event int, id, scope string, at time.Time, within time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if had, known := b.accepted[id]; !known || had.at.IsZero() {
		b.accepted[id] = booked{scope: scope, at: at, within: within, first: had.first}
	}
	b.byEvent[event] = id
}

func (b *books) delivery(event int) (id, scope string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id = b.byEvent[event]
	return id, b.accepted[id].scope
}

// say records the result of a Dispatch of an event.
func (b *books) say(event int, scope string, mayBeStored bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.events[event]
	e.scope = scope
	e.stored, e.denied = e.stored || mayBeStored, e.denied || !mayBeStored
	b.events[event] = e
}

// ended records an end that the Observer reported.
func (b *books) ended(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told[id]++
}

func (b *books) requeued(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requeues[id]++
}

func (b *books) change(hook string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed[hook] = time.Now()
}
