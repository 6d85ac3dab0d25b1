package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

const memoryUnit = 10_000

// memory measures the memory at rest: 10,000 pending deliveries, 10,000 webhooks.
func memory(ctx context.Context, j job) (figures, error) {
	j.Hanging = j.Endpoints // nothing ends during the measurement
	p, err := newPostrider(ctx, setup{j, func(error) {}})
	if err != nil {
		return nil, err
	}
	defer p.close()
	f := figures{}

	j.Deliveries = j.Endpoints * 100 // the limiter and the lanes are full
	if err := load(ctx, p, j); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(running) }()
	time.Sleep(time.Second) // requests are in flight

	j.Deliveries = memoryUnit
	heapBefore, goroutines := heap(), runtime.NumGoroutine()
	if err := load(ctx, p, j); err != nil {
		return nil, err
	}
	f[pendingMB] = (heap() - heapBefore - memoryUnit*float64(len(body))) / 1e6
	f[pendingGoroutines] = float64(max(0, runtime.NumGoroutine()-goroutines)) / memoryUnit

	heapBefore = heap()
	for i := range memoryUnit {
		if err := p.register(ctx, j, fmt.Sprintf("crowd-%d", i/10), j.Endpoints+i); err != nil {
			return nil, err
		}
	}
	f[webhooksMB] = (heap() - heapBefore) / 1e6
	stop()
	return f, <-ended
}

// heap is the live heap in bytes.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// idle runs without deliveries and counts the remaining work.
func idle(ctx context.Context, j job) (figures, error) {
	p, err := newPostrider(ctx, setup{j, func(error) {}})
	if err != nil {
		return nil, err
	}
	defer p.close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(running) }()
	time.Sleep(3 * time.Second) // after the start
	before, looks := used(j.StorePID), p.calls.looks.Load()
	time.Sleep(time.Duration(j.Seconds * float64(time.Second)))
	after := used(j.StorePID)
	minutes := after.at.Sub(before.at).Minutes()
	f := figures{
		idleLooks: float64(p.calls.looks.Load()-looks) / minutes,
		idleCPU:   ms(after.cpu-before.cpu) / minutes,
	}
	stop()
	return f, <-ended
}

const (
	resumeTimeout = 4 * time.Second
	resumeLease   = 15 * time.Second
)

// hold starts deliveries to endpoints that hang, and waits to be killed.
func hold(ctx context.Context, j job) (figures, error) {
	p, err := newPostrider(ctx, setup{j, func(error) {}})
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := load(ctx, p, j); err != nil {
		return nil, err
	}
	return nil, p.run(ctx)
}

// resume continues after another process was killed, until everything has been delivered.
func resume(ctx context.Context, j job) (figures, error) {
	t := newTally(j.Deliveries)
	p, err := newPostrider(ctx, setup{j, t.done})
	if err != nil {
		return nil, err
	}
	defer p.close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(running) }()
	select {
	case <-t.all:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	stop()
	return figures{failures: float64(t.failed.Load())}, <-ended
}
