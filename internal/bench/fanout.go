package main

import (
	"context"
	"time"
)

const fanScope = "everybody"

// fanOut sends one event to many webhooks, again and again, and measures the time from Dispatch
// until every outcome is stored.
func fanOut(ctx context.Context, j job) (figures, error) {
	outcomes := make(chan error, j.Fan)
	p, err := newPostrider(ctx, setup{j, func(err error) { outcomes <- err }})
	if err != nil {
		return nil, err
	}
	defer p.close()
	for i := range j.Fan {
		if err := p.register(ctx, j, fanScope, j.Endpoints+i); err != nil {
			return nil, err
		}
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(running) }()

	var took, accepted []float64
	f := figures{failures: 0}
	for i := range max(3, j.Deliveries/j.Fan) {
		began := time.Now()
		if err := p.dispatchTo(ctx, fanScope, eventID(i)); err != nil {
			return nil, err
		}
		accepted = append(accepted, ms(time.Since(began)))
		for range j.Fan {
			select {
			case err := <-outcomes:
				if err != nil {
					f[failures]++
				}
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		took = append(took, ms(time.Since(began)))
	}
	stop()
	f[fanAccepted], f[fanTook] = median(accepted), median(took)
	f[perSecond] = float64(j.Fan) / median(took) * 1000
	return f, <-ended
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
