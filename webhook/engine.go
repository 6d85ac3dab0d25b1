package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// engine owns the scheduler: it locks, steps, unlocks, and carries out the commands. It exists from
// New on, so Dispatch, Test, Status and Explain need no Run. carryOut starts every goroutine that
// works for a Dispatcher.
type engine struct {
	d *Dispatcher

	mu              sync.Mutex // guards everything below
	s               *scheduler.Scheduler
	lease           int64 // the latest number
	busy            int   // commands that are being carried out
	timer           *time.Timer
	timerAt         time.Time     // when it fires; zero when it does not
	quiet           chan struct{} // closed once no command is in progress; nil until Run drains
	schedulerErr    error         // the panic of a step
	schedulerFailed chan struct{} // closed after it

	workers workers

	process int64 // the random part of lease numbers
	claim   Claim // the latest one, for a repetition; only doClaim uses it
}

// job is a delivery in this process, from the moment it is leased until its outcome is stored.
type job struct {
	scheduler.Job
	delivery   Delivery
	attempt    Attempt
	settlement Settlement // stored where Outcome is Written
}

// jobBlock allocates jobs together, but not too many: the memory of a block is freed once all of its
// jobs have ended, and a single one may take as long as Options.Timeout.
type jobBlock struct {
	wanted int // jobs that are still to be allocated
	free   []job
}

// blockSize is the number of jobs that use the largest size class of Go's allocator, 32 KiB, best.
const blockSize = 31

func (b *jobBlock) next() *job {
	if len(b.free) == 0 {
		b.free = make([]job, min(b.wanted, blockSize))
		b.wanted -= len(b.free)
	}
	j := &b.free[0]
	b.free = b.free[1:]
	return j
}

func newEngine(d *Dispatcher) *engine {
	o := &d.o
	g := &engine{d: d, process: nextProcess(), schedulerFailed: make(chan struct{})}
	g.s = scheduler.New(scheduler.Config{
		Capacity: o.Capacity, MaxInFlight: o.MaxInFlight, PerLane: o.PerLane,
		SlowAfter: o.SlowAfter, Lease: o.Lease, Poll: o.Poll, Rate: o.Rate, Burst: o.Burst,
		Breaker: scheduler.Breaker(o.Breaker), MaxPause: d.profile.Retry.MaxAfter, DisableAfter: d.profile.DisableAfter,
		Notifier: d.notifier != nil, HealthStore: d.health != nil, Sweeper: d.sweeper != nil, KeyOrder: d.keys != nil,
	})
	g.timer = time.AfterFunc(time.Hour, g.tick)
	g.timer.Stop()
	return g
}

// post steps the scheduler with an event and carries out its commands.
func (g *engine) post(e scheduler.Event) { g.carryOut(g.step(e, 0, nil)) }

// finish is post for the event that ends a command.
func (g *engine) finish(e scheduler.Event) { g.carryOut(g.step(e, 1, nil)) }

// finishSilently ends a command without an event.
func (g *engine) finishSilently() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.checkQuiet()
}

func (g *engine) tick() {
	g.mu.Lock()
	g.timerAt = time.Time{}
	g.mu.Unlock()
	g.post(scheduler.Ticked{})
}

// step is the only caller of the scheduler's Step. done is the number of commands that the event
// ends. The new commands are appended to room.
func (g *engine) step(e scheduler.Event, done int, room []scheduler.Command) (todo []scheduler.Command) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.checkQuiet()
	g.busy -= done
	if g.schedulerErr != nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			g.schedulerErr = fmt.Errorf("webhook: the scheduler panicked, this is a bug of Postrider: %v\n%s", p, debug.Stack())
			close(g.schedulerFailed)
			todo = nil
		}
	}()
	todo = g.s.Step(time.Now(), e, room)
	g.busy += len(todo)
	g.arm()
	return todo
}

// arm sets the timer to the time that the scheduler wants. A timer that fires too early is
// harmless.
func (g *engine) arm() {
	at := g.s.Wake()
	if at.IsZero() || !g.timerAt.IsZero() && !at.Before(g.timerAt) {
		return
	}
	g.timerAt = at
	g.timer.Reset(max(0, time.Until(at)))
}

// checkQuiet lets Run return once no command is in progress, or the scheduler has failed.
func (g *engine) checkQuiet() {
	if g.quiet != nil && (g.schedulerErr != nil || g.busy == 0 && g.s.Quiet()) {
		close(g.quiet)
		g.quiet = nil
	}
}

// carryOut carries out commands. Slow ones run in workers, so no caller waits for a Store or an
// endpoint.
func (g *engine) carryOut(todo []scheduler.Command) {
	for _, c := range todo {
		switch c := c.(type) {
		case scheduler.Send:
			g.start(c.Job.Value.(*job))
		case scheduler.Claim:
			g.workers.run(func() { g.doClaim(c) })
		case scheduler.Look:
			g.workers.run(func() { g.doLook(c) })
		case scheduler.LookAt:
			g.workers.run(func() { g.doLookAt(c) })
		case scheduler.Settle:
			g.workers.run(func() { g.doSettle(c.Jobs) })
		case scheduler.Sweep:
			g.workers.run(g.doSweep)
		case scheduler.Read:
			g.workers.run(func() { g.doRead(c) })
		case scheduler.Notify:
			g.workers.run(g.doNotify)
		case scheduler.ReadHealth:
			g.workers.run(g.doReadHealth)
		case scheduler.SaveHealth:
			g.workers.run(func() { g.doSaveHealth(c) })
		case scheduler.SwitchOff:
			g.workers.run(func() { g.doSwitchOff(c) })
		case scheduler.Attention:
			g.finishSilently()
			g.d.raiseAttention(c.Job.Value.(*job))
		case scheduler.BreakerOpened:
			g.finishSilently()
			g.d.log.Warn("webhook: breaker opened", "webhook", c.Health.WebhookID, "scope", c.Health.Scope,
				"failures", c.Health.Failures, "code", c.Code, "wait", c.Wait)
		case scheduler.Dropped:
			g.finishSilently()
			g.d.log.Error("webhook: an outcome could not be stored before its lease ended, the delivery will be sent again",
				"delivery", c.Job.ID, "code", string(c.Job.Value.(*job).settlement.Code))
		}
	}
}

// leaseBits are the low bits of a lease number: random for a process, so that two processes
// rarely give the same number, even if their clocks are wrong.
const leaseBits = 11

// processes counts up from a random number, so that Dispatchers of one process, which may share a
// Store in memory, never use the same number.
var (
	firstProcess = rand.Int64N(1 << leaseBits)
	processes    atomic.Int64
)

func nextProcess() int64 { return (firstProcess + processes.Add(1)) & (1<<leaseBits - 1) }

// nextLease returns a number for a claim or for a hand-off: the time, above the latest number.
func (g *engine) nextLease(now time.Time) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lease = max(g.lease+1<<leaseBits, now.UnixMicro()<<leaseBits|g.process)
	return g.lease
}

// inspect calls read with the scheduler, under the lock.
func (g *engine) inspect(read func(*scheduler.Scheduler)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	read(g.s)
}

// storingContext is for calls that must happen although Run's context may have ended. It ends when
// Run gives up on the Store.
func (d *Dispatcher) storingContext() context.Context {
	if c := d.storing.Load(); c != nil && d.running.Load() {
		return *c
	}
	return context.Background()
}

const (
	storeTimeout = 10 * time.Second
	// storeGrace is the time in which a Store must return after its context has ended.
	storeGrace = time.Second
)

var errNoAnswer = errors.New("webhook: the Store did not answer in time")

// callStore calls the Store within a time limit, records how the call ended, and calls done with the
// answer. A Store that ignores its context is abandoned: done gets errNoAnswer after the limit, and a
// later answer is dropped.
func callStore[T any](g *engine, limit time.Duration, what string, call func(context.Context) (T, error), done func(context.Context, T, error)) {
	ctx, cancel := context.WithTimeoutCause(g.d.storingContext(), limit, errNoAnswer)
	defer cancel()
	end := func(answer T, err error) {
		g.d.recordCall(ctx, what, err)
		done(ctx, answer, err)
	}
	late := time.AfterFunc(limit+storeGrace, func() {
		var none T
		end(none, errNoAnswer)
	})
	returned := false
	var answer T
	var err error
	defer func() { // the call may end this goroutine
		if !returned {
			err = fmt.Errorf("%w: Store.%s", ErrPanic, what)
		}
		if late.Stop() {
			end(answer, err)
		}
	}()
	err = protect(what, func() (err error) {
		answer, err = call(ctx)
		return err
	})
	returned = true
}
