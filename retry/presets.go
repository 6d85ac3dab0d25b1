package retry

import (
	"fmt"
	"math"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// None returns the policy that never retries: the zero value.
func None() Policy { return Policy{} }

// Automation returns the policy for incoming webhooks of Atlassian Automation:
// three retries within about six minutes. Such a receiver is one well-run
// service, so the retries cover a short outage; a longer one needs an operator.
func Automation() Policy {
	return Policy{
		Slots: []Slot{
			{5 * time.Second, 10 * time.Second},
			{30 * time.Second, 60 * time.Second},
			{2 * time.Minute, 5 * time.Minute},
		},
		MaxAfter: 15 * time.Minute,
	}
}

// Jira returns the policy that Jira Cloud documents for its own webhooks: five
// retries with randomised exponential intervals, the first at least 10 seconds
// after the failure and the last between 15 and 30 minutes after the first
// failure. The last one stays 10 seconds before the end of that window, and each
// earlier retry 10 seconds more, also with a Retry-After.
func Jira() Policy {
	const window, gap = 30 * time.Minute, 10 * time.Second
	return Policy{
		Slots:    jittered(5, 15*time.Second, 15*time.Minute, 2.76),
		MaxAfter: window,
		Last:     Slot{15 * time.Minute, window - gap},
	}
}

// Standard returns the policy that Standard Webhooks 1.0.0 recommends: nine
// retries over a bit more than three days. The specification asks for jitter:
// a retry is up to a fifth of its interval late, and never early.
func Standard() Policy {
	intervals := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	p := Policy{MaxAfter: 24 * time.Hour}
	for _, d := range intervals {
		p.Slots = append(p.Slots, Slot{d, d + d/5})
	}
	return p
}

// Exponential returns the slots of a number of retries. The intervals start
// at initial and grow by multiplier up to longest. Jitter is a third either
// way: an interval of 15 s becomes the slot from 10 s to 20 s.
//
// retries must be from 1 to [MaxRetries], initial from 3 ns, longest at least
// initial and at most three quarters of [MaxWait], multiplier from 1 to 1000;
// otherwise the error is [ErrInvalid].
func Exponential(retries int, initial, longest time.Duration, multiplier float64) ([]Slot, error) {
	switch {
	case retries < 1 || retries > MaxRetries:
		return nil, fmt.Errorf("%w argument of Exponential: retries is %d, want from 1 to %d", ErrInvalid, retries, MaxRetries)
	case initial < 3:
		return nil, fmt.Errorf("%w argument of Exponential: initial is %v, want at least 3ns", ErrInvalid, initial)
	case longest < initial || longest > MaxWait/4*3:
		return nil, fmt.Errorf("%w argument of Exponential: longest is %v, want from initial (%v) to %v", ErrInvalid, longest, initial, MaxWait/4*3)
	case math.IsNaN(multiplier) || multiplier < 1 || multiplier > 1000:
		return nil, fmt.Errorf("%w argument of Exponential: multiplier is %v, want from 1 to 1000", ErrInvalid, multiplier)
	}
	return jittered(retries, initial, longest, multiplier), nil
}

// jittered is Exponential for valid arguments. Package backoff computes only the
// intervals, because its jitter uses the global random source and cannot be
// repeated from a seed.
func jittered(retries int, initial, longest time.Duration, multiplier float64) []Slot {
	curve := backoff.ExponentialBackOff{
		InitialInterval:     initial,
		Multiplier:          multiplier,
		MaxInterval:         longest,
		RandomizationFactor: 0,
		MaxElapsedTime:      0, // never stop: the number of slots is the budget
		Stop:                backoff.Stop,
		Clock:               noClock{},
	}
	curve.Reset()
	slots := make([]Slot, retries)
	for i := range slots {
		interval := curve.NextBackOff()
		slots[i] = Slot{interval - interval/3, interval + interval/3}
	}
	return slots
}

// noClock keeps backoff from reading the time for a MaxElapsedTime that is not
// set.
type noClock struct{}

func (noClock) Now() time.Time { return time.Time{} }
