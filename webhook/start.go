package webhook

import (
	"context"
	"time"
)

// job is a delivery to be sent.
type job struct {
	delivery *Delivery
	hook     *Webhook
	leave    func()
	result   *Attempt // where to put it
}

// start sends each delivery of a batch, or settles what is not to be sent. It reports
// whether a lane gave all its room, so that it may have more.
func (w *worker) start(c *Claim, b *Batch, enter func(...string) (func(), bool)) (more bool) {
	hooks := hooksByID(b.Webhooks)
	clear(w.perLane)
	results := make([]Attempt, len(b.Deliveries))
	for i := range b.Deliveries {
		dl := &b.Deliveries[i]
		dl.Due = c.Until // the end of the lease, also where a Store returns the time before
		w.perLane[dl.Lane]++
		more = more || w.perLane[dl.Lane] >= c.RoomFor(dl.Lane)
		hook := hooks(dl.WebhookID)
		if code := w.d.refused(dl, hook, c.Now); code != CodeOK {
			w.settler.add(outcome{delivery: dl, settlement: Settlement{
				ID: dl.ID, Lease: dl.Lease, State: StateFailed, Code: code, Due: c.Now}})
			continue
		}
		var err error
		if w.keys, err = w.d.keysOf(w.keys[:0], hook, dl.Lane); err != nil {
			w.settler.add(outcome{delivery: dl, settlement: Settlement{
				ID: dl.ID, Lease: dl.Lease, State: StateFailed, Code: CodeConfig, Due: c.Now}})
			continue
		}
		leave, ok := enter(w.keys...)
		if !ok {
			w.release(dl, nil)
			more = true // the room is known better now
			continue
		}
		w.hand(job{dl, hook, leave, &results[i]})
	}
	return more
}

// hand gives a job to a goroutine that waits for one, whose stack has its size already, or
// to a new one.
func (w *worker) hand(j job) {
	w.attempts.Add(1)
	select {
	case w.jobs <- j:
	default:
		go w.work(j, w.jobs)
	}
}

func (w *worker) work(j job, more <-chan job) {
	for ok := true; ok; j, ok = <-more {
		w.send(j)
		j = job{} // the batch that it is of shall not stay in memory
	}
}

// dismiss ends the goroutines that wait, once their work is done.
func (w *worker) dismiss() {
	close(w.jobs)
	w.jobs = make(chan job)
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
func (w *worker) send(j job) {
	defer w.attempts.Done()
	d, dl, hook, a := w.d, j.delivery, j.hook, j.result
	if dl.Due.Sub(d.now()) < d.sender.timeoutOf(hook) {
		w.release(dl, j.leave) // the lease could end during the request
		return
	}
	*a = d.around(w.sending, hook, dl)
	if w.sending.Err() != nil && a.Status == 0 {
		w.release(dl, j.leave) // cut off by the end of the drain period
		return
	}
	if f := d.o.Observer.Attempted; f != nil {
		d.observe(w.sending, "Attempted", func() { f(w.sending, *dl, *a) })
	}
	s := d.profile.settlement(dl, a)
	afterwards := d.keeper.result(w.sending, hook, a, s.retryAt()) // before the slot is free
	w.settler.add(outcome{delivery: dl, leave: j.leave, settlement: s})
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
