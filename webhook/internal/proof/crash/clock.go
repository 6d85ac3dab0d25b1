package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// clock is rows P13 to P15: between the processes of a host the clock goes an hour ahead, then
// three hours, which is longer than the whole retry schedule, then back again. Every request but
// those of the last process is refused, so that retries are due. Where the profile has no retries,
// other events wait for each process.
func clock(ctx context.Context, l *life) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	steps := []struct {
		rule   string
		offset time.Duration
	}{{"", 0}, {"P13", time.Hour}, {"P15", 4 * time.Hour}, {"P14", 3 * time.Hour}}
	const events = 10
	for i, step := range steps {
		last := i == len(steps)-1
		l.answers(func(r receiver.Request, _ <-chan struct{}) int {
			if last || !l.retries() {
				return 200
			}
			return 503
		})
		cfg := l.config(0)
		if l.retries() {
			cfg.Timeout, cfg.Lease = timeout, lease // a delivery that the clock has moved away is found once a lease
		}
		cfg.ClockOffset = step.offset
		l.receiver.SetClock(step.offset) // signatures must carry the receiver's time
		cfg.Slots = []retry.Slot{{Min: 4 * time.Minute, Max: 5 * time.Minute}, {Min: 4 * time.Minute, Max: 5 * time.Minute}, {Min: 4 * time.Minute, Max: 5 * time.Minute}}
		if last {
			cfg.Slots = []retry.Slot{{Min: time.Second, Max: 5 * time.Second}}
		}
		tries, stored := i+1, events*len(l.field.Hooks)
		if !l.retries() {
			tries, stored = 1, (i+1)*stored
		}
		if i == 0 || !l.retries() {
			l.dispatch(ctx, step.rule, fmt.Sprintf("c%d", i), events)
		}
		if err := l.tried(ctx, cfg, tries, stored); err != nil {
			l.wrong(step.rule, "with the clock %v ahead: %v", step.offset, err)
			return
		}
		if requests, _ := l.receiver.Requests(); len(requests) != (i+1)*events*len(l.field.Hooks) {
			l.wrong(step.rule, "there were %d requests, want %d", len(requests), (i+1)*events*len(l.field.Hooks))
		}
		if step.rule != "" {
			l.did(step.rule)
		}
	}
	l.audit(ctx)
}

// tried runs a process until so many deliveries are stored and each had so many attempts.
func (l *life) tried(ctx context.Context, cfg hostproc.Config, tries, stored int) error {
	p, _, err := l.start(cfg)
	if err != nil {
		return err
	}
	err = p.Wait(ctx, hostproc.Loaded, 1)
	if err == nil {
		err = l.field.Until(ctx, webhook.Query{}, fmt.Sprintf("everything was tried %d times", tries), func(ds []webhook.Delivery) bool {
			for _, d := range ds {
				if d.Tries != tries || d.Held {
					return false
				}
			}
			return len(ds) == stored
		})
	}
	return errors.Join(err, p.Stop())
}
