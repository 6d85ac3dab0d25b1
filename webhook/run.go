package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	clockEvery  = time.Minute
	clockStale  = 10 * time.Minute // of a process in which Run does not run
	healthEvery = 30 * time.Second
	// healthTimeout is short, because what was claimed waits and its lease runs.
	healthTimeout = 2 * time.Second
	pruneEvery    = time.Hour
	pruneBatch    = 1000
	clockDrift    = time.Second // above this the operator hears of it
)

// Run sends what is due until ctx ends. Then it starts nothing new, gives requests in
// flight Options.Drain to finish, puts back what did not, uncounted, and returns nil. It
// returns [ErrRunning] when another Run of this Dispatcher is under way. It keeps going
// through every error of the Store; [Dispatcher.Status] and the Logger tell of them.
// No goroutine is left when it has returned.
func (d *Dispatcher) Run(ctx context.Context) error {
	if !d.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer d.running.Store(false)
	d.measureClock(ctx)
	d.keeper.refresh(ctx)

	var background, attempts sync.WaitGroup
	every := func(period time.Duration, job func(context.Context)) {
		background.Go(func() { repeat(ctx, period, job) })
	}
	if d.clock != nil {
		every(clockEvery, d.measureClock)
	}
	if d.health != nil {
		every(healthEvery, d.keeper.attend)
	}
	if d.sweeper != nil {
		background.Go(func() { d.sweep(ctx); repeat(ctx, d.o.Lease, d.sweep) })
	}
	if d.pruner != nil && d.o.History > 0 {
		background.Go(func() { d.prune(ctx); repeat(ctx, pruneEvery, d.prune) })
	}
	if d.notifier != nil {
		background.Go(func() { d.listen(ctx) })
	}

	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	settler := newSettler(d)
	background.Go(settler.run)
	claiming, stopClaiming := context.WithCancel(context.WithoutCancel(ctx))
	defer stopClaiming()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(d.o.Drain, stopClaiming) })()
	w := &worker{d: d, settler: settler, sending: sending, claiming: claiming, attempts: &attempts}
	w.claimLoop(ctx)

	idle := make(chan struct{})
	go func() { attempts.Wait(); close(idle) }()
	drain := time.NewTimer(d.o.Drain)
	defer drain.Stop()
	select {
	case <-idle:
	case <-drain.C:
		stopSending() // what is cut off now goes back uncounted
		<-idle
	}
	settler.close()
	background.Wait()
	if d.sender.own != nil {
		d.sender.own.CloseIdleConnections()
	}
	return nil
}

// repeat runs a job periodically, off the beat of other hosts.
func repeat(ctx context.Context, period time.Duration, job func(context.Context)) {
	for {
		t := time.NewTimer(period - rand.N(period/10+1))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
			job(ctx)
		}
	}
}

// knowTime makes sure that the Store's clock has been read, where it can be, and not too
// long ago for a process that only dispatches.
func (d *Dispatcher) knowTime(ctx context.Context) {
	if d.clock == nil {
		return
	}
	if i := d.dbTime.Load(); i == nil || time.Since(i.process) > clockStale {
		d.measureClock(ctx)
	}
}

// measureClock reads the Store's clock. The reading belongs to the middle of the call.
func (d *Dispatcher) measureClock(ctx context.Context) {
	if d.clock == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	began := time.Now()
	var at time.Time
	err := protect("Now", func() (err error) {
		at, err = d.clock.Now(ctx)
		return err
	})
	took := time.Since(began)
	if err != nil {
		d.logFailure(ctx, "the Store's clock could not be read", err)
		return
	}
	middle := began.Add(took / 2)
	d.dbTime.Store(&instant{store: at.UTC().Round(0), process: middle})
	if off := middle.Round(0).Sub(at); off.Abs() > clockDrift {
		d.log.WarnContext(ctx, "webhook: this host's clock differs from the Store's, whose time counts", "ahead", off)
	}
}

func (d *Dispatcher) sweep(ctx context.Context) {
	if d.sweeper == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Lease)
	defer cancel()
	now := d.now()
	s := Sweep{Now: now, QueuedBefore: now.Add(-d.profile.maxAge()),
		LatestDue: now.Add(max(d.profile.Retry.MaxStep(), d.o.Lease))}
	d.logFailure(ctx, "sweep failed", protect("Sweep", func() error { return d.sweeper.Sweep(ctx, s) }))
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
		d.logFailure(ctx, "history could not be pruned", err)
		if err != nil || n == 0 {
			return // whole events may be fewer than were asked for, with more to come
		}
	}
}

// listen turns notifications of other hosts into wake-ups.
func (d *Dispatcher) listen(ctx context.Context) {
	wait := backoff{least: 100 * time.Millisecond, most: 30 * time.Second}
	for ctx.Err() == nil {
		err := protect("Wait", func() error { return d.notifier.Wait(ctx) })
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrUnsupported):
			return
		case err != nil:
			d.logFailure(ctx, "no notifications from other hosts, polling", err)
			wait.sleep(ctx)
		default:
			wait.reset()
		}
		d.Wake() // after an error too: something may have been missed
	}
}

func (d *Dispatcher) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "webhook: "+what, "error", err)
	}
}

// backoff waits longer after each failure in a row.
type backoff struct{ least, most, next time.Duration }

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) sleep(ctx context.Context) {
	b.next = min(max(2*b.next, b.least), b.most)
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
