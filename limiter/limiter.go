// Package limiter bounds concurrent work in total and for each key. A key names
// a webhook, a tenant, a host or another source of work that must not crowd out
// the rest.
//
// Work passes two steps. [Limiter.Reserve] waits for free slots of the total, before
// the caller looks for work:
//
//	grant, err := l.Reserve(ctx, 10) // at least 1 slot, at most 10
//	defer grant.Close()              // frees the slots that were not used
//
// [Grant.Enter] then turns one slot of the grant into one piece of work, if
// every key of that work has room. It never waits:
//
//	leave, ok := grant.Enter("webhook-1", "tenant-7")
//	if !ok {
//		return // busy or paused: put the work back, and give another key its turn
//	}
//	defer leave() // also when the work panics
//
// [Limiter.Room] tells a queue in advance which keys to skip, [Limiter.Pause]
// stops a key for a while (Retry-After, an open circuit breaker) and
// [Limiter.Cap] lets the key resume carefully.
//
// The package starts no goroutine and forgets idle keys, so its memory
// depends on the current work and not on the number of keys ever used.
package limiter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"
)

// ErrInvalid is matched by every error about a setting or an argument that the
// package refuses. The text names the setting or argument and its allowed values.
var ErrInvalid = errors.New("limiter: invalid")

// Defaults of [Options].
const (
	DefaultTotal  = 64
	DefaultPerKey = 4
)

// Options are the settings of a [Limiter]. A nil *Options and the zero value
// both mean the defaults.
type Options struct {
	// Total is the number of slots over all keys. Default [DefaultTotal].
	Total int

	// PerKey is the number of slots that one key may have at once, at most
	// Total. Default [DefaultPerKey], or Total where that is less.
	PerKey int

	// Rate is how many times per second a key may be entered in the long run,
	// from 0.000001 to 1,000,000. Default 0: no rate.
	Rate float64

	// Burst is how many times an idle key may be entered at once, from
	// 1 to 1,000,000 and at most Rate times thirty years. It is refused
	// without a Rate. Default one second of Rate, at least 1.
	Burst int

	// Limits returns the limits of a key; nil means that every key has the limits
	// above. A zero n means PerKey, a zero rate means Rate and Burst, and a
	// zero burst beside a rate means one second of that rate. A rate below zero means
	// no rate for this key. Values outside the bounds above count as the nearest
	// bound, because no caller could receive an error.
	//
	// The Limiter calls Limits when an idle key is used again, and holds its
	// lock meanwhile: Limits must be quick and must not call the Limiter. A panic
	// of Limits passes through the calling method, which then takes no slot.
	Limits func(key string) (n int, rate float64, burst int)
}

// Limiter bounds work in total and per key. Make one with [New]. All methods
// are safe for concurrent use.
type Limiter struct {
	opts  Options
	rate  rate // of Options.Rate and Burst
	total *semaphore.Weighted

	mu       sync.Mutex // guards everything below and all Grants
	keys     map[string]*key
	spare    []*key // forgotten keys, for reuse
	sweepAt  int    // the number of keys that starts the next sweep
	inFlight int
}

// New returns a Limiter. It refuses impossible settings and settings that
// contradict each other; the error is [ErrInvalid].
func New(o *Options) (*Limiter, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.Total = cmp.Or(opts.Total, DefaultTotal)
	opts.PerKey = cmp.Or(opts.PerKey, min(DefaultPerKey, opts.Total))

	switch {
	case opts.Total < 0:
		return nil, fmt.Errorf("%w Options: Total is %d, want at least 1", ErrInvalid, opts.Total)
	case opts.PerKey < 0:
		return nil, fmt.Errorf("%w Options: PerKey is %d, want at least 1", ErrInvalid, opts.PerKey)
	case opts.PerKey > opts.Total:
		return nil, fmt.Errorf("%w Options: PerKey %d is more than Total %d, which no key could use: lower PerKey or raise Total",
			ErrInvalid, opts.PerKey, opts.Total)
	}
	r, err := checkedRate(opts.Rate, opts.Burst)
	if err != nil {
		return nil, err
	}
	return &Limiter{
		opts:    opts,
		rate:    r,
		total:   semaphore.NewWeighted(int64(opts.Total)),
		keys:    make(map[string]*key),
		sweepAt: minSweep,
	}, nil
}

// Reserve waits until a slot of the total is free and takes it. It also takes
// further slots that are free at that moment, up to most in all. Waiting callers
// are served in the order of their calls. The caller must Close the Grant.
//
// The error wraps that of ctx when ctx ends first, also before the call, and is
// [ErrInvalid] when most is below 1.
func (l *Limiter) Reserve(ctx context.Context, most int) (*Grant, error) {
	if most < 1 {
		return nil, fmt.Errorf("%w argument of Reserve: most is %d, want at least 1", ErrInvalid, most)
	}
	if err := l.total.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("limiter: reserve: %w", err)
	}
	n := 1
	for n < most && l.total.TryAcquire(1) { // false while a caller waits, so that no caller is overtaken
		n++
	}
	return newGrant(l, n), nil
}

// InFlight returns the number of slots that were entered and not left yet,
// without slots that are only reserved.
func (l *Limiter) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight
}
