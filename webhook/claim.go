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
	failing := backoff{least: 100 * time.Millisecond, most: 5 * time.Second}
	full, took := false, time.Duration(0) // of the latest claim
	for ctx.Err() == nil {
		if full {
			w.gather(ctx, took)
		}
		if d.paused.Load() {
			d.idle(ctx, d.o.Lease)
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
		d.idle(ctx, wait)
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

// idle waits for a wake-up, at most so long.
func (d *Dispatcher) idle(ctx context.Context, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
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

// start sends each delivery of a batch, or settles what is not to be sent. It reports
// whether a lane gave all its room, so that it may have more.
func (w *worker) start(c *Claim, b *Batch, enter func(...string) (func(), bool)) (more bool) {
	hooks := hooksByID(b.Webhooks)
	var perLane map[string]int
	if len(b.Deliveries) > 1 { // while everything is busy a claim brings one
		perLane = make(map[string]int, len(b.Deliveries))
	}
	var keys []string
	for i := range b.Deliveries {
		dl := &b.Deliveries[i]
		dl.Due = c.Until // the end of the lease, also where a Store returns the time before
		taken := 1
		if perLane != nil {
			perLane[dl.Lane]++
			taken = perLane[dl.Lane]
		}
		more = more || taken >= c.RoomFor(dl.Lane)
		hook := hooks(dl.WebhookID)
		if code := w.d.refused(dl, hook, c.Now); code != CodeOK {
			w.settler.add(outcome{delivery: dl, settlement: Settlement{
				ID: dl.ID, Lease: dl.Lease, State: StateFailed, Code: code, Due: c.Now}})
			continue
		}
		var err error
		if keys, err = w.d.keysOf(keys[:0], hook, dl.Lane); err != nil {
			w.settler.add(outcome{delivery: dl, settlement: Settlement{
				ID: dl.ID, Lease: dl.Lease, State: StateFailed, Code: CodeConfig, Due: c.Now}})
			continue
		}
		leave, ok := enter(keys...)
		if !ok {
			w.release(dl, nil)
			more = true // the room is known better now
			continue
		}
		w.attempts.Add(1)
		go w.send(dl, hook, leave)
	}
	return more
}

// hooksByID finds the webhooks of a batch, of which there are few as a rule.
func hooksByID(hooks []Webhook) func(id string) *Webhook {
	const few = 8
	if len(hooks) <= few {
		return func(id string) *Webhook {
			for i := range hooks {
				if hooks[i].ID == id {
					return &hooks[i]
				}
			}
			return nil
		}
	}
	byID := make(map[string]*Webhook, len(hooks))
	for i := range hooks {
		byID[hooks[i].ID] = &hooks[i]
	}
	return func(id string) *Webhook { return byID[id] }
}

// refused tells why a delivery must end without an attempt.
func (d *Dispatcher) refused(dl *Delivery, hook *Webhook, now time.Time) Code {
	switch {
	case hook == nil:
		return CodeCancelled
	case dl.Interrupted >= maxInterrupted:
		return CodeInterrupted
	case now.Sub(dl.queued(now)) > d.profile.maxAge():
		return CodeExpired
	case d.profile.Keep != nil && !d.wanted(dl, hook):
		return CodeCancelled
	}
	return CodeOK
}

// wanted asks the Profile. A hook that panics has not said no.
func (d *Dispatcher) wanted(dl *Delivery, hook *Webhook) (keep bool) {
	defer func() {
		if recover() != nil {
			keep = true
		}
	}()
	return d.profile.Keep(*hook, *dl)
}

// queued is QueuedAt, as far as the Store keeps it.
func (d *Delivery) queued(now time.Time) time.Time {
	switch {
	case !d.QueuedAt.IsZero():
		return d.QueuedAt
	case !d.CreatedAt.IsZero():
		return d.CreatedAt
	}
	return now
}

// release gives a lease back: not a try, not an interruption.
func (w *worker) release(dl *Delivery, leave func()) {
	w.settler.add(outcome{delivery: dl, leave: leave, settlement: Settlement{
		ID: dl.ID, Lease: dl.Lease, State: StatePending, Due: w.d.now()}})
}

// send makes one attempt and hands its outcome on. The slot is freed by the settler.
func (w *worker) send(dl *Delivery, hook *Webhook, leave func()) {
	defer w.attempts.Done()
	d := w.d
	if dl.Due.Sub(d.now()) < d.sender.timeoutOf(hook) {
		w.release(dl, leave) // the lease could end during the request
		return
	}
	a := d.around(w.sending, hook, dl)
	if w.sending.Err() != nil && a.Status == 0 {
		w.release(dl, leave) // cut off by the end of the drain period
		return
	}
	if f := d.o.Observer.Attempted; f != nil {
		d.observe(w.sending, "Attempted", func() { f(w.sending, *dl, a) })
	}
	s := d.profile.settlement(dl, &a)
	afterwards := d.keeper.result(w.sending, hook, &a, s.retryAt()) // before the slot is free
	w.settler.add(outcome{delivery: dl, leave: leave, settlement: s})
	afterwards()
}

// around makes the attempt, inside the host's wrapper where there is one.
func (d *Dispatcher) around(ctx context.Context, hook *Webhook, dl *Delivery) Attempt {
	if d.o.Around == nil {
		return d.sender.attempt(ctx, hook, dl, d.now())
	}
	return d.wrapped(ctx, hook, dl)
}

// wrapped makes the attempt inside the host's wrapper. What the wrapper does to the
// result, or a panic of it, changes nothing: an attempt that was made counts as it was.
func (d *Dispatcher) wrapped(ctx context.Context, hook *Webhook, dl *Delivery) (a Attempt) {
	made := false
	send := func(ctx context.Context) Attempt {
		if !made {
			a = d.sender.attempt(ctx, hook, dl, d.now())
			made = true
		}
		return a
	}
	func() {
		defer func() {
			if recover() != nil {
				d.log.ErrorContext(ctx, "webhook: Options.Around panicked", "delivery", dl.ID)
			}
		}()
		d.o.Around(ctx, *dl, send)
	}()
	return send(ctx)
}
