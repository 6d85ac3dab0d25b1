package retry

import (
	"math/bits"
	"time"
)

// Failure is what [Policy.Next] needs to know about a failed attempt.
type Failure struct {
	// Made is the number of retries sent so far, the failed one included: 0
	// after the first attempt.
	Made int

	// First is the end of the first failed attempt of the delivery. Zero, or
	// later than Now, means that it is Now.
	First time.Time

	// Now is the end of the failed attempt.
	Now time.Time

	// After is what the receiver asked for with Retry-After, see [ParseAfter].
	// It is a floor that jitter never undercuts, as far as the Policy lets it
	// count. 0 and less mean that it asked for nothing.
	After time.Duration

	// Seed stands for the delivery, and is the same for all its attempts: a
	// hash of its identifier, say. Equal seeds give equal schedules.
	Seed uint64
}

// Next returns when to try again after a failed attempt, or false when the
// budget is spent. It is a pure function, allocates nothing, and never returns
// a time that is not after f.Now or more than [Policy.MaxStep] after it. The
// time carries no monotonic clock reading, as it is meant to be stored.
//
// Next does not care how late an attempt was: after downtime a delivery goes on
// with its next slot, counted from now (or sooner, where [Policy.Last] says
// so), and keeps what is left of its budget.
func (p Policy) Next(f Failure) (at time.Time, ok bool) {
	made := max(0, f.Made)
	if made >= len(p.Slots) {
		return time.Time{}, false
	}
	now, first := f.Now.Round(0), f.First.Round(0)
	if first.IsZero() || first.After(now) {
		first = now // a clock that was set back must not push the last retry away
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
		return gap // late: every bit of what is left of the window counts
	default:
		return p.Slots[0].draw(seed, made) // it is over: spread what waited for us
	}
}

// draw returns the moment in the slot that belongs to a delivery's seed and
// the number of the retry, each equally likely.
func (s Slot) draw(seed uint64, made int) time.Duration {
	// The high half of the product is uniform in [0, span) without a division.
	span := uint64(max(0, s.Max-s.Min)) + 1
	n, _ := bits.Mul64(mix(mix(seed)+uint64(made)), span)
	return s.Min + time.Duration(n)
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014): every bit of the input moves
// every bit of the output, so that neighbouring seeds share nothing.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
