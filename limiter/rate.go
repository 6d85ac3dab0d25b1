package limiter

import (
	"fmt"
	"math"
	"time"
)

// Bounds of a rate. With them all arithmetic fits in an int64 of nanoseconds.
const (
	minRate  = 1e-6
	maxRate  = 1e6
	maxBurst = 1_000_000
	maxFill  = 1e9 // seconds, about thirty years: an empty bucket is full again by then
)

// rate is a token bucket, written as the generic cell rate algorithm (ITU-T
// I.371, annex A). Instead of a count and a time it stores one time per key, at
// which the bucket is full again, and uses no floating point. The zero value
// does not limit.
type rate struct {
	every time.Duration // one token comes per every
	fill  time.Duration // from empty to full: burst times every
}

// checkedRate returns the rate for settings, or an error that names the wrong one.
func checkedRate(perSecond float64, burst int) (rate, error) {
	switch {
	case perSecond == 0 && burst == 0:
		return rate{}, nil
	case perSecond == 0:
		return rate{}, fmt.Errorf("%w Options: Burst is %d but Rate is 0: a burst limits nothing without a rate, set Rate or leave Burst out",
			ErrInvalid, burst)
	case !(perSecond >= minRate && perSecond <= maxRate): // also NaN
		return rate{}, fmt.Errorf("%w Options: Rate is %v per second, want 0 or from %v to %v", ErrInvalid, perSecond, minRate, float64(maxRate))
	case burst < 0 || burst > maxBurst:
		return rate{}, fmt.Errorf("%w Options: Burst is %d, want from 1 to %d, or 0 for one second's worth", ErrInvalid, burst, maxBurst)
	case float64(burst)/perSecond > maxFill:
		return rate{}, fmt.Errorf("%w Options: Burst %d at a Rate of %v per second takes more than thirty years to fill", ErrInvalid, burst, perSecond)
	}
	return newRate(perSecond, burst), nil
}

// nearestRate returns the permitted rate that is closest to a callback's
// values, and no rate for a perSecond that is negative or not a number.
func nearestRate(perSecond float64, burst int) rate {
	if !(perSecond > 0) {
		return rate{}
	}
	perSecond = min(max(perSecond, minRate), maxRate)
	burst = int(min(float64(max(burst, 0)), maxBurst, maxFill*perSecond))
	return newRate(perSecond, burst)
}

func newRate(perSecond float64, burst int) rate {
	if burst == 0 {
		burst = max(1, int(math.Ceil(perSecond)))
	}
	every := time.Duration(float64(time.Second) / perSecond)
	return rate{every: every, fill: time.Duration(burst) * every}
}

func (r rate) limited() bool { return r.every > 0 }

// tokens returns how many may enter at once at now, where full is the time at
// which the bucket is full again.
func (r rate) tokens(full, now time.Time) int {
	switch {
	case !r.limited():
		return math.MaxInt
	case !full.After(now):
		return int(r.fill / r.every)
	}
	return int(max(0, r.fill-full.Sub(now)) / r.every)
}

// take returns the time at which the bucket is full again after a token was taken at now.
func (r rate) take(full, now time.Time) time.Time {
	if !r.limited() {
		return time.Time{}
	}
	if full.Before(now) {
		full = now
	}
	return full.Add(r.every)
}

// next returns the time at which there is one more token than at now, zero for
// a full bucket.
func (r rate) next(full, now time.Time) time.Time {
	if !full.After(now) {
		return time.Time{}
	}
	more := time.Duration(r.tokens(full, now) + 1)
	return full.Add(more*r.every - r.fill)
}
