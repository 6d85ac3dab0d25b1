package main

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/examples/internal/hostproc"
	"github.com/postrider/postrider/examples/internal/receiver"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
)

// clock is rows P13 to P15: between the processes of a host the clock goes an hour ahead,
// then three hours, which is longer than the whole retry schedule, then back again. Every
// request but those of the last process is refused.
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
			if last {
				return 200
			}
			return 503
		})
		cfg := l.config(0)
		if i == 0 {
			cfg.Events = events
		}
		cfg.ClockOffset = step.offset
		l.receiver.SetClock(step.offset) // signatures must carry the time that it is
		cfg.Slots = []retry.Slot{{Min: 4 * time.Minute, Max: 5 * time.Minute}, {Min: 4 * time.Minute, Max: 5 * time.Minute}, {Min: 4 * time.Minute, Max: 5 * time.Minute}}
		if last {
			cfg.Slots = []retry.Slot{{Min: time.Second, Max: 5 * time.Second}}
		}
		p, _, err := l.start(cfg)
		if err == nil {
			err = p.Wait(ctx, hostproc.Loaded, 1)
		}
		if err == nil {
			err = l.field.Until(ctx, webhook.Query{}, fmt.Sprintf("everything was tried %d times", i+1), func(ds []webhook.Delivery) bool {
				for _, d := range ds {
					if d.Tries != i+1 || d.Held {
						return false
					}
				}
				return len(ds) == events*len(l.field.Hooks)
			})
		}
		if err != nil {
			l.wrong(step.rule, "with the clock %v ahead: %v", step.offset, err)
		}
		if stopErr := p.Stop(); stopErr != nil {
			l.wrong(step.rule, "%v", stopErr)
		}
		if requests, _ := l.receiver.Requests(); len(requests) != (i+1)*events*len(l.field.Hooks) {
			l.wrong(step.rule, "there were %d requests, want %d", len(requests), (i+1)*events*len(l.field.Hooks))
		}
		if step.rule != "" {
			l.did(step.rule)
		}
		if err != nil {
			return
		}
	}
	l.audit(ctx)
}
