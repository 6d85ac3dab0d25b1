package webhook

import (
	"context"
	"sync"
	"time"
)

// worker is what one Run is made of: it claims, sends and hands outcomes to the settler.
type worker struct {
	d        *Dispatcher
	settler  *settler
	sending  context.Context // ends when the drain period is over
	claiming context.Context // the same, for a claim that is under way when Run is stopped
	attempts *sync.WaitGroup
	jobs     chan job // to goroutines that have made an attempt and wait for the next

	perLane map[string]int // of the batch that is being started
	keys    []string       // of its delivery
}

// watch holds the lanes that the last claim found short of room. Whoever leaves one of
// them wakes the loop, because the Store has more of it.
type watch struct {
	all  bool // the claim is still being prepared: everybody wakes
	room map[string]int
}

var watchAll = &watch{all: true}

func (d *Dispatcher) left(lane string) {
	w := d.watched.Load()
	if w == nil {
		return
	}
	if _, short := w.room[lane]; w.all || short {
		d.Wake()
	}
}

// claimLoop takes from the Store what can be sent now, and no more.
func (w *worker) claimLoop(ctx context.Context) {
	d := w.d
	w.jobs, w.perLane = make(chan job), make(map[string]int)
	defer w.dismiss()
	failing := backoff{least: 100 * time.Millisecond, most: 5 * time.Second}
	full, took := false, time.Duration(0) // of the latest claim
	for ctx.Err() == nil {
		if full {
			w.gather(ctx, took)
		}
		if d.paused.Load() {
			w.rest(ctx, d.o.Lease)
			continue
		}
		grant, err := d.limiter.Reserve(ctx, d.o.Capacity)
		if err != nil {
			return // ctx has ended
		}
		d.knowTime(ctx)
		d.watched.Store(watchAll) // before looking at the room: nobody who leaves meanwhile is missed
		room, roomNext := d.room()
		c := Claim{Now: d.now(), Limit: grant.N(), PerLane: d.o.PerLane, Room: room}
		c.Until = c.Now.Add(d.o.Lease)
		d.watched.Store(&watch{room: room})
		began := time.Now()
		batch, err := w.claim(ctx, c)
		full, took = false, time.Since(began)
		if err != nil {
			grant.Close()
			if ctx.Err() == nil {
				failing.sleep(ctx)
			}
			continue
		}
		failing.reset()
		if ctx.Err() != nil {
			grant.Close() // nothing new starts: put the batch back
		}
		more := w.start(&c, &batch, grant.Enter)
		grant.Close()
		if full = len(batch.Deliveries) >= c.Limit; full || more {
			continue
		}
		wait := d.o.Poll
		if batch.Next.After(c.Now) {
			wait = min(wait, max(0, batch.Next.Sub(d.now())))
		}
		if !roomNext.IsZero() {
			wait = min(wait, max(0, time.Until(roomNext)))
		}
		w.rest(ctx, wait)
	}
}

// A claim that filled every slot is followed by a large one: the loop waits until half of
// the slots are free, as long as the claim took, within these bounds. That costs a slot no
// more than the claim did, and a slow Store is asked half as often.
const (
	leastGather = 100 * time.Microsecond
	mostGather  = 10 * time.Millisecond
)

func (w *worker) gather(ctx context.Context, took time.Duration) {
	half := w.d.o.Capacity / 2
	if w.d.limiter.InFlight() <= half {
		return
	}
	t := time.NewTimer(min(max(took, leastGather), mostGather))
	defer t.Stop()
	for w.d.limiter.InFlight() > half {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case <-w.settler.freed:
		}
	}
}

// rest waits for a wake-up, at most so long, and keeps no goroutine for what may come.
func (w *worker) rest(ctx context.Context, most time.Duration) {
	w.dismiss()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.d.wake:
	case <-t.C:
	}
}

// claim asks the Store. A claim that is under way when Run is stopped may end, so that
// its leases come back at once instead of running out.
func (w *worker) claim(ctx context.Context, c Claim) (Batch, error) {
	d := w.d
	asking, cancel := context.WithTimeout(w.claiming, d.o.Lease-d.o.Timeout)
	defer cancel()
	var b Batch
	err := protect("Claim", func() (err error) {
		b, err = d.store.Claim(asking, c)
		return err
	})
	if len(b.Deliveries) > 0 {
		d.keeper.claiming(asking)
	}
	var before error
	d.setStatus(func(s *Status) {
		before = s.StoreError
		if s.StoreError = err; err == nil {
			s.LastClaim, s.OldestDue = c.Now, b.Oldest
		}
	})
	switch {
	case err != nil && before == nil:
		d.log.ErrorContext(ctx, "webhook: the Store cannot be used, nothing is sent until it can", "error", err)
	case err == nil && before != nil:
		d.log.InfoContext(ctx, "webhook: the Store can be used again")
		d.sweep(ctx)
	}
	return b, err
}
