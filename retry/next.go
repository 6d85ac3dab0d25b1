package retry

import (
	"math/bits"
	"time"
)

// Failure describes a failed attempt for [Policy.Next].
type Failure struct {
	// Made is the number of retries sent so far, the failed one included: 0
	// after the first attempt.
	Made int

	// First is the end of the first failed attempt of the delivery. Zero, or
	// later than Now, means that it is Now.
	First time.Time

	// Now is the end of the failed attempt.
	Now time.Time

	// After is the wait of the receiver's Retry-After, see [ParseAfter]. Up to
	// the Policy's MaxAfter it is a minimum that jitter never undercuts. 0 and
	// less mean no Retry-After.
	After time.Duration

	// Seed identifies the delivery, and is the same for all its attempts, for
	// example a hash of its identifier. Equal seeds give equal schedules.
	Seed uint64
}

// Next returns the time of the next attempt after a failed one, or false when the
// budget is spent. It is a pure function and allocates nothing. The time is after
// f.Now and at most [Policy.MaxStep] after it. It has no monotonic clock
// reading, because callers store it.
//
// A late attempt costs no budget: after downtime a delivery continues with its
// next slot, counted from f.Now, or sooner where [Policy.Last] requires it.
func (p Policy) Next(f Failure) (at time.Time, ok bool) {
	made := max(0, f.Made)
	if made >= len(p.Slots) {
		return time.Time{}, false
	}
	now, first := f.Now.Round(0), f.First.Round(0)
	if first.IsZero() || first.After(now) {
		first = now // a clock that was set back must not delay the last retry
	}

	wait := p.Slots[made].draw(f.Seed, made)
	wait = max(wait, min(f.After, p.MaxAfter))
	if p.Last.Max > 0 {
		wait = p.within(wait, now.Sub(first), made, f.Seed)
	}
	return now.Add(wait), true
}

// within moves a wait so that Policy.Last holds. age is the time since the
// first failure.
func (p Policy) within(wait, age time.Duration, made int, seed uint64) time.Duration {
	left := len(p.Slots) - made
	if left == 1 {
		wait = max(wait, p.Last.Min-age)
	}
	latest, gap := p.end(left)-age, p.Slots[0].Min
	switch {
	case wait <= latest:
		return wait
	case latest >= gap:
		return latest
	case age+gap <= p.Last.Max:
		return gap // late: leave as much of the window as possible to later retries
	default:
		return p.Slots[0].draw(seed, made) // the window is over: spread the deliveries that have waited
	}
}

// draw returns a moment in the slot for a delivery's seed and the number of
// the retry. All moments are equally likely.
func (s Slot) draw(seed uint64, made int) time.Duration {
	// The high half of the product is uniform in [0, span) without a division.
	span := uint64(max(0, s.Max-s.Min)) + 1
	n, _ := bits.Mul64(mix(mix(seed)+uint64(made)), span)
	return s.Min + time.Duration(n)
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014). Every bit of the input affects
// every bit of the output, so that neighbouring seeds give independent values.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
