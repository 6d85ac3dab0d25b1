package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const settleDown = 2 * time.Second // after the last event; a later delivery counts as not in time

// warmUp is how long events are sent before any of them counts, so that connections to the
// endpoints and to the store are open, and statements prepared.
const warmUp = 1.0 // seconds

// events are the numbers of events of an open loop that do not count and that do.
func (j job) events() (warm, counted int) {
	return int(float64(j.Rate) * warmUp), int(float64(j.Rate) * j.Seconds)
}

// healthy is the number of events in [from, to) to endpoints that answer.
func (j job) healthy(from, to int) (n int) {
	for i := from; i < to; i++ {
		if i%j.Endpoints >= j.Hanging {
			n++
		}
	}
	return n
}

// openLoop dispatches events at a steady rate, each by its own call, without waiting for the ones
// before. The receiver measures how long they took.
func openLoop(ctx context.Context, j job) (figures, error) {
	warm, n := j.events()
	t := newTally(j.healthy(0, warm+n))
	s, err := newSender(ctx, setup{j, t.done})
	if err != nil {
		return nil, err
	}
	defer s.close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }()
	time.Sleep(300 * time.Millisecond) // the start of a contender is not measured

	var before usage
	profiled := func() error { return nil }
	var refused atomic.Int64
	var calls sync.WaitGroup
	began := time.Now()
	for i := range warm + n {
		due := time.Duration(i) * time.Second / time.Duration(j.Rate)
		if wait := due - time.Since(began); wait > 0 {
			time.Sleep(wait)
		}
		name := eventID
		if i < warm {
			name = warmID
		} else if i == warm {
			forgetPeak()
			if profiled, err = profile(j); err != nil {
				return nil, err
			}
			before = used(j.StorePID)
		}
		calls.Go(func() {
			if s.dispatch(ctx, event{name(i), i % j.Endpoints}) != nil {
				refused.Add(1)
			}
		})
	}
	calls.Wait()
	select {
	case <-t.all:
	case <-time.After(settleDown):
	case err := <-ended:
		return nil, errors.Join(errors.New("stopped early"), err)
	}
	f := figures{failures: float64(t.failed.Load() + refused.Load())}
	used(j.StorePID).since(before, n, f)
	stop()
	return f, errors.Join(<-ended, profiled())
}
