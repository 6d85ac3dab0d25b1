package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

const (
	pruneEvery = time.Hour
	pruneBatch = 1000
	sweepBatch = 500
)

// Run sends what is due until ctx ends. Then it starts nothing new, gives requests in
// flight Options.Drain to finish, puts back what did not, uncounted, and returns nil. It
// returns [ErrRunning] when another Run of this Dispatcher is under way. It keeps going
// through every error of the Store; [Dispatcher.Status] and the Logger tell of them.
// No goroutine is left when it has returned, unless a Store ignores the end of its context.
func (d *Dispatcher) Run(ctx context.Context) error {
	if !d.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer d.running.Store(false)
	d.log.InfoContext(ctx, "webhook: sending begins", "profile", d.profile.Name)
	d.measureClock(ctx)

	g := d.engine
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	storing, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStoring()
	d.sending.Store(&sending)
	d.storing.Store(&storing)
	var upkeep sync.WaitGroup
	upkeepCtx, stopUpkeep := context.WithCancel(ctx)
	defer stopUpkeep()
	d.startUpkeep(upkeepCtx, &upkeep)
	g.post(scheduler.Started{})

	select {
	case <-ctx.Done():
		d.drain(stopSending, stopStoring)
	case <-g.breaks:
	}
	g.mu.Lock()
	g.s.Ended()
	broken := g.broken
	g.mu.Unlock()
	stopUpkeep()
	upkeep.Wait()
	if d.sender.own != nil {
		d.sender.own.CloseIdleConnections()
	}
	d.log.InfoContext(ctx, "webhook: sending has ended", "profile", d.profile.Name)
	return broken
}

// drain lets requests in flight finish and stores what is known.
func (d *Dispatcher) drain(stopSending, stopStoring func()) {
	g := d.engine
	quiet := make(chan struct{})
	g.mu.Lock()
	g.quiet = quiet
	g.mu.Unlock()
	g.post(scheduler.Stopping{})
	limit := time.NewTimer(d.o.Drain)
	defer limit.Stop()
	for _, next := range []func(){
		stopSending, // what is cut off now goes back uncounted
		func() { stopStoring(); g.post(scheduler.Abandon{}) },
		func() {},
	} {
		select {
		case <-quiet:
			return
		case <-g.breaks:
			return
		case <-limit.C:
			next()
			limit.Reset(storeTimeout + 2*storeGrace)
		}
	}
	d.log.Error("webhook: the Store ignored the end of its context, calls to it are left behind")
}

// startUpkeep starts what goes on beside the sending until ctx ends.
func (d *Dispatcher) startUpkeep(ctx context.Context, upkeep *sync.WaitGroup) {
	if d.clock != nil {
		upkeep.Go(func() { repeat(ctx, clockEvery, d.keepTime) })
	}
	if d.pruner != nil && d.o.History > 0 {
		upkeep.Go(func() { d.prune(ctx); repeat(ctx, pruneEvery, d.prune) })
	}
	if d.notifier != nil {
		upkeep.Go(func() { d.listen(ctx) })
	}
}

// repeat runs a task periodically. Its periods differ at random, so hosts that started
// together do not stay together.
func repeat(ctx context.Context, period time.Duration, task func(context.Context)) {
	for {
		t := time.NewTimer(period - rand.N(period/10+1))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
			task(ctx)
		}
	}
}

// keepTime reads the Store's clock again, unless nothing needed it since and nothing is waited for.
func (d *Dispatcher) keepTime(ctx context.Context) {
	waits := false
	d.engine.look(func(s *scheduler.Scheduler) { waits = s.Waits() })
	if d.worked.Swap(false) || waits {
		d.measureClock(ctx)
	}
}

func (d *Dispatcher) prune(ctx context.Context) {
	before := d.now().Add(-d.o.History)
	for ctx.Err() == nil {
		var n int
		err := protect("Prune", func() (err error) {
			ctx, cancel := context.WithTimeout(ctx, d.o.Lease)
			defer cancel()
			n, err = d.pruner.Prune(ctx, before, pruneBatch)
			return err
		})
		if ctx.Err() == nil {
			d.answered(ctx, "Prune", err)
		}
		if err != nil || n == 0 {
			return // whole events may be fewer than were asked for, with more to come
		}
	}
}

// listen turns notifications of other hosts into wake-ups.
func (d *Dispatcher) listen(ctx context.Context) {
	wait := newBackOff(100*time.Millisecond, 30*time.Second)
	for ctx.Err() == nil {
		err := protect("Wait", func() error { return d.notifier.Wait(ctx) })
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrUnsupported):
			return
		case err != nil:
			d.answered(ctx, "Wait", err)
			pause(ctx, wait.NextBackOff())
		default:
			d.answered(ctx, "Wait", nil)
			wait.Reset()
		}
		d.engine.post(scheduler.Woken{Foreign: true}) // after an error too: something may have been missed
	}
}
