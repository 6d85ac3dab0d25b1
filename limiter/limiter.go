// Package limiter decides how much may be under way at once: in total and for
// each key, where a key is whatever must not crowd out the rest — a webhook, a
// tenant, a host.
//
// Work passes two doors. [Limiter.Reserve] waits for room in the total, before
// the caller has looked for work:
//
//	grant, err := l.Reserve(ctx, 10) // at least 1 slot, at most 10
//	defer grant.Close()              // gives back what was not used
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
// [Limiter.Room] tells a queue beforehand which keys to skip, [Limiter.Pause]
// stops a key for a while (Retry-After, a circuit breaker that opened) and
// [Limiter.Cap] lets it resume carefully.
//
// The package starts no goroutine and forgets keys that are idle, so its size
// follows the work under way and not the number of keys ever seen.
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
// package refuses. The text names it and says what is allowed.
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

	// Burst is how many times a key that was idle may be entered at once, from
	// 1 to 1,000,000 and at most what Rate makes up in thirty years. It is
	// refused without a Rate. Default one second's worth, at least 1.
	Burst int

	// Limits gives a key limits of its own; nil gives every key the ones
	// above. A zero n stands for PerKey, a zero rate for Rate and Burst, a
	// zero burst beside a rate for one second's worth. A rate below zero means
	// none for this key. Values outside the bounds above count as the nearest
	// bound, because this call has no caller that could get an error.
	//
	// It is asked whenever a key wakes from being idle, with the limiter
	// locked: it must be quick and must not call the Limiter. Should it panic,
	// the panic passes through the method that asked, with nothing taken.
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
	sweepAt  int    // the number of keys at which idle ones are looked for
	inFlight int
}

// New returns a Limiter. It refuses settings that contradict each other or
// that nothing could enforce with an error that is [ErrInvalid].
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

// Reserve waits until a slot of the total is free and takes it, and then as
// many more as are free at that moment, up to most in all. Callers are served
// in the order in which they came. The caller must Close the Grant.
//
// The error wraps that of ctx when ctx ends first (also when it had ended
// before), and is [ErrInvalid] when most is below 1.
func (l *Limiter) Reserve(ctx context.Context, most int) (*Grant, error) {
	if most < 1 {
		return nil, fmt.Errorf("%w argument of Reserve: most is %d, want at least 1", ErrInvalid, most)
	}
	if err := l.total.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("limiter: reserve: %w", err)
	}
	n := 1
	for n < most && l.total.TryAcquire(1) { // false while a caller waits, so none is overtaken
		n++
	}
	return newGrant(l, n), nil
}

// InFlight returns the number of slots that were entered and not left yet.
// Slots that are only reserved do not count.
func (l *Limiter) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight
}
