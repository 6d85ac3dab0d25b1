package webhook

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const maxSettle = 500

// outcome is a settlement on its way to the Store.
type outcome struct {
	delivery   *Delivery
	settlement Settlement
	leave      func() // frees the slot; nil when none was taken
}

// settler writes outcomes. While one batch is being written the next one gathers, so
// batches grow with the load and a lone outcome does not wait.
type settler struct {
	d       *Dispatcher
	mu      sync.Mutex
	pending []outcome
	closed  bool
	signal  chan struct{}
	freed   chan struct{}   // slots became free
	taken   map[string]bool // deliveries of the batch that is being put together; only take uses it
	ctx     context.Context // ends some time after close
	giveUp  context.CancelFunc
	failing bool // the latest write failed; only run uses it
}

func newSettler(d *Dispatcher) *settler {
	s := &settler{d: d, signal: make(chan struct{}, 1), freed: make(chan struct{}, 1), taken: make(map[string]bool)}
	s.ctx, s.giveUp = context.WithCancel(context.Background())
	return s
}

func (s *settler) add(o outcome) {
	s.mu.Lock()
	s.pending = append(s.pending, o)
	s.mu.Unlock()
	s.poke()
}

func (s *settler) poke() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// close lets run end when everything is written, or after the store timeout: what is
// left then is sent again when its lease has ended.
func (s *settler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	late := time.AfterFunc(storeTimeout, s.giveUp)
	context.AfterFunc(s.ctx, func() { late.Stop() })
	s.poke()
}

// take adds to a batch what has gathered, up to maxSettle and to the second outcome of a
// delivery: a Store names what was lost by the delivery's ID.
func (s *settler) take(batch []outcome) (_ []outcome, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(batch) == 0 { // the usual case copies nothing
		batch, s.pending = s.pending, batch
	} else {
		batch = append(batch, s.pending...)
		s.pending = emptied(s.pending)
	}
	n := 0
	for ; n < min(len(batch), maxSettle) && !s.taken[batch[n].settlement.ID]; n++ {
		s.taken[batch[n].settlement.ID] = true
	}
	clear(s.taken)
	s.pending = append(s.pending, batch[n:]...)
	clear(batch[n:])
	return batch[:n], s.closed
}

func (s *settler) run() {
	defer s.giveUp()
	failing := backoff{least: 50 * time.Millisecond, most: 5 * time.Second}
	var batch []outcome
	for {
		var closed bool
		batch, closed = s.take(batch)
		if len(batch) == 0 {
			if closed {
				return
			}
			<-s.signal
			runtime.Gosched() // whoever is about to add an outcome goes first
			continue
		}
		if s.write(batch) {
			failing.reset()
			batch = emptied(batch)
			continue
		}
		if s.ctx.Err() != nil {
			s.abandon(batch)
			batch = emptied(batch)
			continue
		}
		failing.sleep(s.ctx)
		batch = s.dropEnded(batch)
	}
}

// emptied forgets what was in a batch and keeps its room.
func emptied(batch []outcome) []outcome {
	clear(batch)
	return batch[:0]
}

// write settles a batch. It returns false when it must be tried again.
func (s *settler) write(batch []outcome) (ok bool) {
	ss := make([]Settlement, len(batch))
	for i := range batch {
		ss[i] = batch[i].settlement
	}
	ctx, cancel := context.WithTimeout(s.ctx, storeTimeout)
	defer cancel()
	var lost []string
	err := protect("Settle", func() (err error) {
		lost, err = s.d.store.Settle(ctx, ss)
		return err
	})
	if err != nil {
		if !s.failing {
			s.d.log.ErrorContext(ctx, "webhook: outcomes could not be stored, trying again until their leases end", "outcomes", len(ss), "error", err)
		}
		s.failing = true
		return false
	}
	s.failing = false
	var isLost map[string]bool
	if len(lost) > 0 {
		isLost = make(map[string]bool, len(lost))
		for _, id := range lost {
			isLost[id] = true
		}
	}
	for i := range batch { // all slots at once: the next claim takes what it finds
		s.free(&batch[i])
	}
	select {
	case s.freed <- struct{}{}:
	default:
	}
	for i := range batch {
		s.tell(ctx, &batch[i], isLost[batch[i].delivery.ID])
	}
	return true
}

// tell lets the Observer and the log know.
func (s *settler) tell(ctx context.Context, o *outcome, lost bool) {
	obs := s.d.o.Observer
	switch {
	case lost:
		s.d.log.WarnContext(ctx, "webhook: another process took over a delivery before its outcome was stored", "delivery", o.delivery.ID)
		if obs.Lost != nil {
			s.d.observe(ctx, "Lost", func() { obs.Lost(ctx, *o.delivery) })
		}
	case o.settlement.State == StatePending:
		if o.settlement.Due.Before(s.d.now().Add(s.d.o.Poll)) {
			s.d.Wake() // due before the loop would look by itself
		}
	case obs.Settled != nil:
		s.d.observe(ctx, "Settled", func() { obs.Settled(ctx, o.settlement.after(*o.delivery)) })
	}
	if o.settlement.State == StateFailed && !lost {
		s.d.log.WarnContext(ctx, "webhook: delivery failed", "delivery", o.delivery.ID, "webhook", o.delivery.WebhookID,
			"scope", o.delivery.Scope, "code", string(o.settlement.Code), "exhausted", o.settlement.Exhausted)
	}
}

func (s *settler) free(o *outcome) {
	if o.leave != nil {
		o.leave()
		s.d.left(o.delivery.Lane)
	}
}

// dropEnded gives up on outcomes whose lease is over: somebody else has the delivery
// now, and to write would only be refused. A success is kept, because the Store takes it
// from anybody.
func (s *settler) dropEnded(batch []outcome) []outcome {
	now := s.d.now()
	kept := batch[:0]
	for i := range batch {
		if o := &batch[i]; o.settlement.State == StateDelivered || o.delivery.Due.After(now) {
			kept = append(kept, *o)
		} else {
			s.abandon(batch[i : i+1])
		}
	}
	return kept
}

func (s *settler) abandon(batch []outcome) {
	for i := range batch {
		s.d.log.Error("webhook: an outcome could not be stored before its lease ended, the delivery will be sent again",
			"delivery", batch[i].delivery.ID, "code", string(batch[i].settlement.Code))
		s.free(&batch[i])
	}
}
