package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// Status is the state of a Dispatcher, for a readiness probe. In JSON, "store_error" is the text of
// StoreError: show it to operators only.
type Status struct {
	// Running: Run is under way. Paused: SetPaused(true) is in force.
	Running bool `json:"running"`
	Paused  bool `json:"paused"`
	// InFlight is the number of requests under way, tests included. Active is how many of
	// them hold one of Options.Capacity slots, because they began less than
	// Options.SlowAfter ago.
	InFlight int `json:"in_flight"`
	Active   int `json:"active"`
	// Waiting is the number of deliveries that this process has leased and not begun to
	// send, Unwritten that of outcomes that are not stored yet, with leases that are given back.
	Waiting   int `json:"waiting"`
	Unwritten int `json:"unwritten"`
	// LastAnswer is when the Store last answered a call of Due or Claim.
	LastAnswer time.Time `json:"last_answer,omitzero"`
	// StoreError is why the Store cannot be used right now, nil when it can. It covers every call
	// of this process. An error is over when the same call has succeeded, or when the call has not
	// been made again for two minutes.
	StoreError error `json:"-"`
	// Unreadable counts the webhooks whose secrets could not be opened when they were last
	// read. Nothing is sent to them, and nothing is lost.
	Unreadable int `json:"unreadable"`
	// Egress: the latest request could not leave this process, because its proxy, its route
	// or its name server does not work. It counts against no webhook.
	Egress bool `json:"egress"`
	// OldestDue shows how far behind the queue is: the earliest due time in the latest claim. Zero
	// once a look has found nothing due.
	OldestDue time.Time `json:"oldest_due,omitzero"`
	// Delivered and Failed count the deliveries of which this process has stored the end, or
	// ended them, since New. A superseded one counts as neither.
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
	// StoreErrors counts the calls of this process to the Store that failed since New, by
	// method. nil where none did.
	StoreErrors map[string]int64 `json:"store_errors,omitempty"`
}

// MarshalJSON adds the text of StoreError, because an error has no fields to encode.
func (s Status) MarshalJSON() ([]byte, error) {
	type fields Status
	out := struct {
		fields
		StoreError string `json:"store_error,omitempty"`
	}{fields: fields(s)}
	if s.StoreError != nil {
		out.StoreError = s.StoreError.Error()
	}
	return json.Marshal(out)
}

// status records how calls to the Store ended.
type status struct {
	mu             sync.Mutex
	errs           map[string]failedCall // by method
	failures       map[string]int64      // of calls since New, by method
	delivered      atomic.Int64
	failed         atomic.Int64
	lastAnswer     time.Time
	oldestDue      time.Time
	egress         atomic.Bool
	sealed         map[webhookKey]bool
	warnedScopes   map[string]bool // without webhooks, logged once each
	inactiveScopes map[string]bool // without active webhooks, logged once each
	warnedHooks    map[string]bool // versions of webhooks that the Profile cannot use, logged once each
	warnedRules    map[string]bool // rules that the Store breaks, logged once each
}

// failedCall is a call to the Store that ended in an error when it was made last.
type failedCall struct {
	err error
	at  time.Time
}

// errorLasts is how long the error of a call counts if the call is not made again. Some calls are
// rare. While the Store is away, the frequent ones are made again within a minute.
const errorLasts = 2 * clockEvery

func (c failedCall) isOver() bool { return time.Since(c.at) >= errorLasts }

// Status returns the state of this process. It does no I/O.
func (d *Dispatcher) Status() Status {
	var c scheduler.Counts
	d.engine.inspect(func(s *scheduler.Scheduler) { c = s.Counts() })
	t := &d.status
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Status{
		Running: d.running.Load(), Paused: c.Paused, InFlight: c.InFlight + c.Tests, Active: c.Active,
		Waiting: c.Waiting, Unwritten: c.Unwritten,
		LastAnswer: t.lastAnswer, OldestDue: t.oldestDue, Unreadable: len(t.sealed), Egress: t.egress.Load(),
		Delivered: t.delivered.Load(), Failed: t.failed.Load(), StoreErrors: maps.Clone(t.failures),
	}
	for _, what := range slices.Sorted(maps.Keys(t.errs)) {
		if c := t.errs[what]; !c.isOver() {
			s.StoreError = c.err
			break
		}
	}
	return s
}

// maxWarned bounds each set of warnings that are logged once.
const maxWarned = 1000

// firstTime adds a key to a set of logged warnings and reports whether it is new. A full set takes
// no more.
func (t *status) firstTime(warned *map[string]bool, key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if (*warned)[key] || len(*warned) >= maxWarned {
		return false
	}
	if *warned == nil {
		*warned = make(map[string]bool)
	}
	(*warned)[key] = true
	return true
}

// setOldestDue records the earliest due time in a claim, or zero if a look found nothing.
func (t *status) setOldestDue(oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.oldestDue = oldest
}

// recordCall records how a call to the Store ended. An outage is logged once when it begins and
// once when it is over, whatever calls it affects.
func (d *Dispatcher) recordCall(ctx context.Context, what string, err error) {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errNoAnswer) {
		return // the caller has ended the call, which says nothing about the Store
	}
	if errors.Is(err, ErrConflict) {
		err = nil // an answer of a Store that works
	}
	t := &d.status
	t.mu.Lock()
	before := len(t.errs)
	maps.DeleteFunc(t.errs, func(_ string, c failedCall) bool { return c.isOver() })
	if err == nil {
		delete(t.errs, what)
		if what == "Due" || what == "Claim" {
			t.lastAnswer = d.now()
		}
	} else {
		if t.errs == nil {
			t.errs, t.failures = make(map[string]failedCall), make(map[string]int64)
		}
		before = len(t.errs) // without those that are over
		t.errs[what] = failedCall{err, time.Now()}
		t.failures[what]++
	}
	after := len(t.errs)
	t.mu.Unlock()
	switch {
	case before == 0 && after > 0:
		d.log.ErrorContext(ctx, "webhook: the Store cannot be used, what it holds waits until it can", "call", what, "error", err)
	case before > 0 && after == 0:
		d.log.InfoContext(ctx, "webhook: the Store can be used again")
	}
}

// recordEgress records whether requests leave this process. An outage is logged once when it begins
// and once when it is over.
func (d *Dispatcher) recordEgress(ctx context.Context, a *Attempt) {
	was := d.status.egress.Load()
	switch {
	case a.Code == CodeEgress && !was && d.status.egress.CompareAndSwap(false, true):
		d.log.ErrorContext(ctx, "webhook: requests cannot leave this process, deliveries wait until they can", "detail", string(a.Detail))
	case a.Status != 0 && was && d.status.egress.CompareAndSwap(true, false):
		d.log.InfoContext(ctx, "webhook: requests leave this process again")
	}
}

const maxSealed = 10_000

// markSealed records that the secrets of a webhook cannot be opened, and reports it once.
func (d *Dispatcher) markSealed(ctx context.Context, key webhookKey, err error) {
	t := &d.status
	t.mu.Lock()
	known := t.sealed[key] || len(t.sealed) >= maxSealed // a full set must not report the same webhook at each read
	if !known {
		if t.sealed == nil {
			t.sealed = make(map[webhookKey]bool)
		}
		t.sealed[key] = true
	}
	t.mu.Unlock()
	if !known {
		d.log.ErrorContext(ctx, "webhook: the secrets of a webhook cannot be opened, its deliveries wait until they can; check the sealing keys of this process",
			"webhook", key.id, "scope", key.scope, "error", err)
		d.notifyAttention(ctx, Webhook{Scope: key.scope, ID: key.id}, CodeConfig, nil)
	}
}

// forgetSealed removes the records of webhooks of a scope that no longer exist. gone reports
// whether the one with an ID is among them.
func (d *Dispatcher) forgetSealed(scope string, gone func(id string) bool) {
	t := &d.status
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.sealed, func(key webhookKey, _ bool) bool { return key.scope == scope && gone(key.id) })
}

// markOpened removes the records of webhooks whose secrets could be opened.
func (d *Dispatcher) markOpened(hooks []Webhook) {
	t := &d.status
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.sealed) == 0 {
		return
	}
	for i := range hooks {
		if w := &hooks[i]; w.Unreadable == nil {
			delete(t.sealed, webhookKey{w.Scope, w.ID})
		}
	}
}
