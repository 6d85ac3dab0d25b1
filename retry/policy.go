// Package retry decides when a failed delivery is tried again. The caller
// decides which failures are retried.
//
// A [Policy] is a list of slots, one for each retry. The four presets are
// ready to use:
//
//	p := retry.Automation()
//	at, ok := p.Next(retry.Failure{Made: 0, First: end, Now: end, Seed: seed})
//
// Any other schedule is a composite literal, perhaps with slots from
// [Exponential]:
//
//	p := retry.Policy{
//		Slots:    []retry.Slot{{Min: time.Second, Max: 2 * time.Second}, {Min: time.Minute, Max: 2 * time.Minute}},
//		MaxAfter: 15 * time.Minute,
//	}
//	err := p.Validate()
//
// All functions are pure: they read no clock and share no random source, and the
// same arguments give the same time on every host and after every restart.
package retry

import (
	"errors"
	"fmt"
	"time"
)

// Bounds that [Policy.Validate] enforces. They keep every sum of a Policy
// within a [time.Duration].
const (
	MaxRetries = 100                 // slots of a Policy
	MaxWait    = 30 * 24 * time.Hour // each duration of a Policy
)

// ErrInvalid is matched by every error of [Policy.Validate] and [Exponential].
// The text names the field and its allowed values.
var ErrInvalid = errors.New("retry: invalid")

// Slot is a range of time in which a retry may fall, both ends included. The
// Failure's Seed determines the moment; all moments are equally likely.
type Slot struct{ Min, Max time.Duration }

// Policy is a schedule of retries. It is a plain value: copy it and change the
// copy, but do not change Slots in place while the Policy is in use. The zero
// value never retries.
//
// The methods of a Policy that [Policy.Validate] refuses are safe, but their
// results are meaningless.
type Policy struct {
	// Slots has one entry for each retry, counted from the end of the previous
	// attempt. Its length is the budget: the number of retries after the first
	// attempt.
	Slots []Slot

	// MaxAfter bounds the delay that a receiver can ask for with Retry-After,
	// counted from the end of the failed attempt. 0 means that Retry-After is
	// ignored.
	MaxAfter time.Duration

	// Last, unless zero, is the range in which the last retry must fall,
	// counted from the end of the first failed attempt. The last retry is
	// moved into the range. Each earlier retry stays so far before the range's
	// end that the later ones fit, Slots[0].Min apart. When the range is over,
	// because the process was down, the rest of the budget is still used, from
	// Slots[0].Min after the failure on.
	Last Slot
}

// Validate returns nil for a usable Policy, otherwise an error that is
// [ErrInvalid] and names the field.
func (p Policy) Validate() error {
	if len(p.Slots) > MaxRetries {
		return fmt.Errorf("%w policy: Slots has %d entries, want at most %d", ErrInvalid, len(p.Slots), MaxRetries)
	}
	for i, s := range p.Slots {
		if err := s.validate(fmt.Sprintf("Slots[%d]", i)); err != nil {
			return err
		}
		if s.Min == 0 {
			return fmt.Errorf("%w policy: Slots[%d].Min is 0: a retry without a pause only adds load, give it at least 1ns", ErrInvalid, i)
		}
	}
	if p.MaxAfter < 0 || p.MaxAfter > MaxWait {
		return fmt.Errorf("%w policy: MaxAfter is %v, want from 0 to %v", ErrInvalid, p.MaxAfter, MaxWait)
	}
	return p.validateLast()
}

func (p Policy) validateLast() error {
	if p.Last == (Slot{}) {
		return nil
	}
	if err := p.Last.validate("Last"); err != nil {
		return err
	}
	if len(p.Slots) == 0 {
		return fmt.Errorf("%w policy: Last is set, but without Slots there is no last retry", ErrInvalid)
	}
	var soonest time.Duration
	for i, s := range p.Slots {
		soonest += s.Min
		if end := p.end(len(p.Slots) - i); soonest > end {
			return fmt.Errorf("%w policy: Last.Max %v leaves retry %d until %v, but the Min of its Slots add up to %v",
				ErrInvalid, p.Last.Max, i+1, end, soonest)
		}
	}
	return nil
}

func (s Slot) validate(field string) error {
	switch {
	case s.Min < 0:
		return fmt.Errorf("%w policy: %s.Min is %v, want no negative time", ErrInvalid, field, s.Min)
	case s.Max < s.Min:
		return fmt.Errorf("%w policy: %s.Max (%v) is less than %s.Min (%v)", ErrInvalid, field, s.Max, field, s.Min)
	case s.Max > MaxWait:
		return fmt.Errorf("%w policy: %s.Max is %v, want at most %v", ErrInvalid, field, s.Max, MaxWait)
	}
	return nil
}

// Horizon returns the longest time from the first failure to the last retry
// when attempts take no time and no receiver sends Retry-After: the sum of all
// Slots' Max, moved into Last where that is set. An attempt that takes d delays
// the later ones by d, and a Retry-After delays one retry by up to MaxAfter;
// Last, where it is set, bounds both.
func (p Policy) Horizon() time.Duration {
	var sum time.Duration
	for _, s := range p.Slots {
		sum += s.Max
	}
	if p.Last.Max > 0 {
		sum = min(max(sum, p.Last.Min), p.Last.Max)
	}
	return sum
}

// MaxStep returns the longest time from Failure.Now to the next attempt that
// [Policy.Next] returns for any clocks and receivers. A retry that is due later
// than that in a Store was written with a wrong clock, and may be moved forward.
// MaxStep is 0 for a policy without retries.
func (p Policy) MaxStep() time.Duration {
	if len(p.Slots) == 0 {
		return 0
	}
	step := max(p.MaxAfter, p.Last.Min)
	for _, s := range p.Slots {
		step = max(step, s.Max)
	}
	return step
}

// Step is one line of a schedule.
type Step struct {
	Retry            int           // 1 is the first retry
	Earliest, Latest time.Duration // from the end of the first failed attempt
}

// Preview returns the schedule for display, one Step for each retry, under the
// assumptions of [Policy.Horizon].
func (p Policy) Preview() []Step {
	steps := make([]Step, len(p.Slots))
	var at Slot
	for i, s := range p.Slots {
		at = Slot{at.Min + s.Min, at.Max + s.Max}
		if left := len(p.Slots) - i; p.Last.Max > 0 {
			end := p.end(left)
			at = Slot{min(at.Min, end), min(at.Max, end)}
			if left == 1 {
				at = Slot{max(at.Min, p.Last.Min), max(at.Max, p.Last.Min)}
			}
		}
		steps[i] = Step{Retry: i + 1, Earliest: at.Min, Latest: at.Max}
	}
	return steps
}

// end returns the latest time, from the first failure, of a retry, where left
// counts this retry and the later ones. Only for a Policy with a Last.
func (p Policy) end(left int) time.Duration {
	return p.Last.Max - time.Duration(left-1)*p.Slots[0].Min
}
