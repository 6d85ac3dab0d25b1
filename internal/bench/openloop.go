package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const settleDown = 2 * time.Second // after the last event: who is later counts as not delivered in time

// openLoop hands over events at a steady rate, each by a call of its own, whether the
// ones before have left or not. How long they took is known to the receiver.
func openLoop(ctx context.Context, j job) (figures, error) {
	n := int(float64(j.Rate) * j.Seconds)
	t := newTally(j.healthy())
	s, err := newSender(ctx, setup{j, t.done})
	if err != nil {
		return nil, err
	}
	defer s.close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }()
	time.Sleep(300 * time.Millisecond) // what a contender does at its start is not the question

	forgetPeak()
	before := used(j.StorePID)
	var refused atomic.Int64
	var calls sync.WaitGroup
	began := time.Now()
	for i := range n {
		due := time.Duration(i) * time.Second / time.Duration(j.Rate)
		if wait := due - time.Since(began); wait > 0 {
			time.Sleep(wait)
		}
		calls.Go(func() {
			if s.dispatch(ctx, event{eventID(i), i % j.Endpoints}) != nil {
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
	return f, <-ended
}
