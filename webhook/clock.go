package webhook

import (
	"context"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

const (
	clockEvery = time.Minute
	clockStale = 10 * time.Minute // of a process in which Run does not run
	// clockSlow is a round trip after which the reading is repeated at once.
	clockSlow = 50 * time.Millisecond
	// clockDrift is how far two clocks may drift apart in a second: 200 millionths, twice
	// what is usual for quartz.
	clockDrift = 200e-6
)

// instant is one moment in the Store's time and in the process's time. uncertain is the greatest
// error in either direction, which grows with the time since.
type instant struct {
	store, process time.Time
	uncertain      time.Duration
}

// betterThan reports whether an older reading is better than a new one: it is more certain, and the
// new one does not contradict it. A contradiction means that the Store's clock was set.
func (i *instant) betterThan(than *instant) bool {
	passed := than.process.Sub(i.process)
	age := i.uncertain + time.Duration(clockDrift*float64(passed))
	apart := i.store.Add(passed).Sub(than.store).Abs()
	return age < than.uncertain && apart <= age+than.uncertain
}

// now is the time for calls to the Store: the database's time if the Store is a [Clock], otherwise
// the process's. Between two readings of the database's clock the monotonic clock counts, so that a
// jump of the wall clock changes nothing.
func (d *Dispatcher) now() time.Time { return d.dbTime.Load().storeTime(time.Now()) }

// storeTime converts a time of the process. Without a reading the two are the same.
func (i *instant) storeTime(at time.Time) time.Time {
	if i == nil {
		return at.UTC().Round(0)
	}
	return i.store.Add(at.Sub(i.process))
}

// timeBounds returns the earliest and the latest possible value of now. A delivery that is due at
// earliest is due in any case, and a lease that is counted from latest is never too short.
func (d *Dispatcher) timeBounds() (earliest, latest time.Time) {
	i := d.dbTime.Load()
	now := i.storeTime(time.Now())
	if i != nil {
		return now.Add(-i.uncertain), now.Add(i.uncertain)
	}
	return now, now
}

// useClock reads the Store's clock if there is no reading, or the last one is old.
func (d *Dispatcher) useClock(ctx context.Context) {
	d.clockUsed.Store(true)
	if i := d.dbTime.Load(); i == nil || time.Since(i.process) > clockStale {
		d.measureClock(ctx)
	}
}

// measureClock reads the Store's clock, twice if the first reading was slow, and keeps the best
// reading.
func (d *Dispatcher) measureClock(ctx context.Context) {
	if d.clock == nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, storeTimeout, errNoAnswer)
	defer cancel()
	best, err := d.readClock(ctx)
	if err == nil && best.uncertain > clockSlow/2 {
		if again, err := d.readClock(ctx); err == nil && again.uncertain < best.uncertain {
			best = again
		}
	}
	d.recordCall(ctx, "Now", err)
	if err != nil {
		return
	}
	if known := d.dbTime.Load(); known != nil && known.betterThan(best) {
		return
	}
	d.dbTime.Store(best)
	d.engine.post(scheduler.ClockRead{Store: best.store, Process: best.process, Uncertain: best.uncertain})
	if off := best.process.Round(0).Sub(best.store); off.Abs() > best.uncertain+warnDrift {
		d.log.WarnContext(ctx, "webhook: this host's clock differs from the Store's, whose time counts", "ahead", off)
	}
}

const warnDrift = time.Second // a smaller difference is not logged

func (d *Dispatcher) readClock(ctx context.Context) (*instant, error) {
	r, err := isolatedUntil(ctx, "Store.Now", func() (Reading, error) { return d.clock.Now(ctx) })
	if err != nil {
		return nil, err
	}
	half := max(0, r.After.Sub(r.Before)) / 2
	return &instant{store: r.Store.UTC().Round(0), process: r.Before.Add(half), uncertain: half}, nil
}
