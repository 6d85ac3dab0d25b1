package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

const (
	pruneEvery = time.Hour
	pruneBatch = 1000
	sweepBatch = 500
)

// Run sends deliveries that are due until ctx ends. Then it starts nothing new, gives requests in
// flight Options.Drain to finish, gives back unfinished deliveries, uncounted, and returns nil. It
// returns [ErrRunning] while another Run of this Dispatcher is in progress. It continues after
// every error of the Store; [Dispatcher.Status] and the Logger report them. No goroutine is left
// when it has returned, unless a Store ignores the end of its context.
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
	g.workers.keep(d.o.Capacity)
	defer g.workers.end()
	g.post(scheduler.Started{})

	select {
	case <-ctx.Done():
		d.drain(stopSending, stopStoring)
	case <-g.schedulerFailed:
	}
	g.mu.Lock()
	g.s.Ended()
	broken := g.schedulerErr
	g.mu.Unlock()
	stopUpkeep()
	upkeep.Wait()
	d.sender.closeIdleConnections()
	d.log.InfoContext(ctx, "webhook: sending has ended", "profile", d.profile.Name)
	return broken
}

// drain lets requests in flight finish and stores their settlements.
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
		stopSending, // requests that this cuts off go back uncounted
		func() { stopStoring(); g.post(scheduler.Abandon{}) },
		func() {},
	} {
		select {
		case <-quiet:
			return
		case <-limit.C:
			next()
			limit.Reset(storeTimeout + 2*storeGrace)
		}
	}
	d.reportLeftBehind(errNoAnswer)
}

// reportLeftBehind logs that Run returns although a call of the Store has not.
func (d *Dispatcher) reportLeftBehind(err error) {
	if errors.Is(err, errNoAnswer) {
		d.log.Error("webhook: the Store ignored the end of its context, calls to it are left behind")
	}
}

// startUpkeep starts the periodic tasks that run beside the sending until ctx ends.
func (d *Dispatcher) startUpkeep(ctx context.Context, upkeep *sync.WaitGroup) {
	if d.clock != nil {
		upkeep.Go(func() { repeat(ctx, clockEvery, d.refreshClock) })
	}
	if d.pruner != nil && d.o.History > 0 {
		upkeep.Go(func() { d.prune(ctx); repeat(ctx, pruneEvery, d.prune) })
	}
	if d.notifier != nil {
		upkeep.Go(func() { d.listen(ctx) })
	}
}

// repeat runs a task periodically. Periods have jitter, so that hosts that started together spread
// out.
func repeat(ctx context.Context, period time.Duration, task func(context.Context)) {
	for sleep(ctx, period-rand.N(period/10+1)) {
		task(ctx)
	}
}

// refreshClock reads the Store's clock again if it was used since the last reading or a delivery is
// pending.
func (d *Dispatcher) refreshClock(ctx context.Context) {
	pending := false
	d.engine.inspect(func(s *scheduler.Scheduler) { pending = s.Counts().Pending })
	if d.clockUsed.Swap(false) || pending {
		d.measureClock(ctx)
	}
}

func (d *Dispatcher) prune(ctx context.Context) {
	before := d.now().Add(-d.o.History)
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, d.o.Lease)
		n, err := isolatedUntil(limited, "Store.Prune", func() (int, error) { return d.pruner.Prune(limited, before, pruneBatch) })
		cancel()
		if ctx.Err() == nil {
			d.recordCall(ctx, "Prune", err)
		} else {
			d.reportLeftBehind(err)
		}
		if err != nil || n == 0 {
			return // fewer than pruneBatch is no end, because only whole events are removed
		}
	}
}

// listen turns notifications of other hosts into wake-ups.
func (d *Dispatcher) listen(ctx context.Context) {
	wait := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(time.Second),
		backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0)) // without an end
	for ctx.Err() == nil {
		_, err := isolatedUntil(ctx, "Store.Wait", func() (none struct{}, err error) { return none, d.notifier.Wait(ctx) })
		switch {
		case ctx.Err() != nil:
			d.reportLeftBehind(err)
			return
		case errors.Is(err, ErrUnsupported):
			return
		case err != nil:
			d.recordCall(ctx, "Wait", err)
			d.engine.post(scheduler.Woken{Foreign: true}) // the error may hide a notification
			sleep(ctx, wait.NextBackOff())
		default:
			d.recordCall(ctx, "Wait", nil)
			wait.Reset()
		}
		d.engine.post(scheduler.Woken{Foreign: true}) // after an error nobody has listened for a while
	}
}

// sleep waits for a time and reports true, or false if ctx ends before.
func sleep(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
