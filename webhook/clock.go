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
// error in either direction.
type instant struct {
	store, process time.Time
	uncertain      time.Duration
}

// uncertaintyAt is the uncertainty of the instant at now.
func (i *instant) uncertaintyAt(now time.Time) time.Duration {
	return i.uncertain + time.Duration(clockDrift*float64(now.Sub(i.process)))
}

// betterThan reports whether an older reading is better than a new one: it is more certain, and the
// new one does not contradict it. A contradiction means that the Store's clock was set.
func (i *instant) betterThan(than *instant) bool {
	age := i.uncertaintyAt(than.process)
	apart := i.store.Add(than.process.Sub(i.process)).Sub(than.store).Abs()
	return age < than.uncertain && apart <= age+than.uncertain
}

// now is the time for calls to the Store: the database's time if the Store is a [Clock], otherwise
// the process's. Between two readings of the database's clock the monotonic clock counts, so that a
// jump of the wall clock changes nothing.
func (d *Dispatcher) now() time.Time { return d.storeTime(time.Now()) }

func (d *Dispatcher) storeTime(at time.Time) time.Time { return d.dbTime.Load().storeTime(at) }

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
	if i == nil {
		return now, now
	}
	return now.Add(-i.uncertain), now.Add(i.uncertain)
}

// ensureClock reads the Store's clock if there is no reading, or the last one is older than stale.
func (d *Dispatcher) ensureClock(ctx context.Context, stale time.Duration) {
	if d.clock == nil {
		return
	}
	if i := d.dbTime.Load(); i == nil || time.Since(i.process) > stale {
		d.measureClock(ctx)
	}
}

// measureClock reads the Store's clock, twice if the first reading was slow, and keeps the best
// reading.
func (d *Dispatcher) measureClock(ctx context.Context) {
	if d.clock == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
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
