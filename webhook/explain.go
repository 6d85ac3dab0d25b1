package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// Explanation answers why a delivery has not been sent.
type Explanation struct {
	Delivery Delivery `json:"delivery"`
	// Reasons hold it back: first those whose end is not known, then the longest lasting
	// ones. A delivery that could go right now has the single reason ReasonReady.
	Reasons []Reason `json:"reasons"`
}

// Reason is one thing that holds a delivery back.
type Reason struct {
	Kind ReasonKind `json:"kind"`
	// Until is when it ends by itself; zero when that is not known.
	Until time.Time `json:"until,omitzero"`
	// Shared says that the reason depends on the process: another one on the same Store may cause
	// it, or may send although this one cannot. It is false for facts that the Store holds about
	// the delivery and its webhook.
	Shared bool `json:"shared"`
	// Text is one sentence for people.
	Text string `json:"text"`
}

// ReasonKind names a reason.
type ReasonKind string

// The reasons.
const (
	ReasonEnded      ReasonKind = "ended"       // delivered or failed: nothing is left to do
	ReasonNoWebhook  ReasonKind = "no_webhook"  // its webhook is gone; the next claim ends it
	ReasonInactive   ReasonKind = "inactive"    // its webhook is switched off
	ReasonExpired    ReasonKind = "expired"     // its webhook has expired
	ReasonHeld       ReasonKind = "held"        // leased: it is being sent, or a process died with it
	ReasonRetry      ReasonKind = "retry"       // waits for its next try
	ReasonScheduled  ReasonKind = "scheduled"   // due later, as by a replay
	ReasonPaused     ReasonKind = "paused"      // the endpoint asked to wait
	ReasonBreaker    ReasonKind = "breaker"     // the endpoint failed too often in a row
	ReasonStopped    ReasonKind = "stopped"     // SetPaused(true)
	ReasonNotRunning ReasonKind = "not_running" // Run is not under way
	ReasonStore      ReasonKind = "store"       // the Store answers with errors
	ReasonLane       ReasonKind = "lane"        // the lane, or a limit it shares, has no room
	ReasonSlots      ReasonKind = "slots"       // every slot of Options.Capacity is taken
	ReasonSealed     ReasonKind = "sealed"      // its webhook's secrets cannot be opened
	ReasonOrder      ReasonKind = "order"       // another delivery of its key comes first, or it holds its key for a person
	ReasonReady      ReasonKind = "ready"       // its turn comes with the next claim
)

// Explain tells why a delivery has not been sent, from the Store's record of it, the health of its
// webhook, and the limits of this process. Errors: [ErrNotFound], [ErrUnsupported] when the Store
// has no [History].
func (d *Dispatcher) Explain(ctx context.Context, scope, deliveryID string) (Explanation, error) {
	if d.history == nil {
		return Explanation{}, fmt.Errorf("webhook: explain: %w: it has no History", ErrUnsupported)
	}
	dl, _, err := d.history.Delivery(ctx, scope, deliveryID)
	if err != nil {
		return Explanation{}, fmt.Errorf("webhook: explain %s: %w", deliveryID, err)
	}
	xs, err := d.explainEach(ctx, []Delivery{dl})
	if err != nil {
		return Explanation{}, fmt.Errorf("webhook: explain %s: %w", deliveryID, err)
	}
	return xs[0], nil
}

// ExplainAll is [Dispatcher.Explain] for deliveries of a scope as [Manager.Deliveries] returned
// them, in the same order. It reads each of their webhooks once, and for a delivery that waits in
// order the one ahead. Errors: [ErrInvalid] for a delivery of another scope.
func (d *Dispatcher) ExplainAll(ctx context.Context, scope string, ds []Delivery) (xs []Explanation, err error) {
	if slices.ContainsFunc(ds, func(dl Delivery) bool { return dl.Scope != scope }) {
		err = fmt.Errorf("%w: a delivery is of another scope", ErrInvalid)
	} else {
		xs, err = d.explainEach(ctx, ds)
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: explain deliveries of scope %q: %w", scope, err)
	}
	return xs, nil
}

// explainEach explains deliveries of one scope.
func (d *Dispatcher) explainEach(ctx context.Context, ds []Delivery) ([]Explanation, error) {
	known := make(map[string]webhookState)
	out := make([]Explanation, len(ds))
	for i := range ds {
		x, dl := &out[i], &ds[i]
		x.Delivery = *dl
		if dl.State != StatePending {
			x.add(ReasonEnded, time.Time{}, false, ending(dl))
			continue
		}
		of, ok := known[dl.WebhookID]
		if !ok {
			var err error
			if of, err = d.stateOf(ctx, dl); err != nil {
				return nil, err
			}
			known[dl.WebhookID] = of
		}
		if err := d.explain(ctx, x, of); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// explain adds the reasons that hold a pending delivery back.
func (d *Dispatcher) explain(ctx context.Context, x *Explanation, of webhookState) error {
	now := d.now()
	x.explainWebhook(of, now)
	if err := d.explainOrder(ctx, x, of); err != nil {
		return err
	}
	d.explainProcess(x, now)
	slices.SortStableFunc(x.Reasons, func(a, b Reason) int {
		switch {
		case a.Until.Equal(b.Until):
			return 0
		case a.Until.IsZero():
			return -1
		case b.Until.IsZero():
			return 1
		}
		return b.Until.Compare(a.Until)
	})
	if len(x.Reasons) == 0 {
		x.add(ReasonReady, time.Time{}, false, "Nothing holds it back: it goes out when its lane's turn comes.")
	}
	return nil
}

// ending is one sentence on how a delivery ended.
func ending(dl *Delivery) string {
	switch {
	case dl.LastCode == CodeOK:
		return "It has ended as " + dl.State.String() + "."
	case dl.Exhausted:
		return "It has ended as " + dl.State.String() + ": " + string(dl.LastCode) + ", and no retry was left."
	}
	return "It has ended as " + dl.State.String() + ": " + string(dl.LastCode) + "."
}

func (x *Explanation) add(kind ReasonKind, until time.Time, shared bool, text string) {
	x.Reasons = append(x.Reasons, Reason{kind, until, shared, text})
}

// webhookState is the state of a webhook that explains its deliveries.
type webhookState struct {
	w      *Webhook // nil without a Registry, and if it is gone
	gone   bool
	health Health
}

func (d *Dispatcher) stateOf(ctx context.Context, dl *Delivery) (of webhookState, err error) {
	if d.registry != nil {
		w, err := d.readWebhook(ctx, dl.Scope, dl.WebhookID)
		switch {
		case errors.Is(err, ErrNotFound):
			of.gone = true
		case err != nil:
			return of, err
		default:
			of.w = &w
		}
	}
	of.health, err = d.healthOf(ctx, dl.Scope, dl.WebhookID)
	return of, err
}

// explainWebhook adds the reasons that hold for every process.
func (x *Explanation) explainWebhook(of webhookState, now time.Time) {
	dl, h := &x.Delivery, of.health
	switch {
	case of.gone:
		x.add(ReasonNoWebhook, time.Time{}, false, "Its webhook was deleted; it will end as cancelled.")
	case of.w == nil:
	case !of.w.Active:
		x.add(ReasonInactive, time.Time{}, false, "Its webhook is switched off.")
	case !of.w.Live(now):
		x.add(ReasonExpired, time.Time{}, false, "Its webhook has expired.")
	}
	if h.OpenUntil.After(now) {
		x.add(ReasonBreaker, h.OpenUntil, true, fmt.Sprintf("The endpoint failed %d times in a row; then one request will try it.", h.Failures))
	}
	if h.PausedUntil.After(now) {
		x.add(ReasonPaused, h.PausedUntil, true, "The endpoint asked to wait.")
	}
	switch {
	case dl.Held && dl.Due.After(now):
		x.add(ReasonHeld, dl.Due, true, "It is being sent, or the process that sent it is gone; then it is sent again when the lease ends.")
	case dl.Exhausted: // explainOrder adds the reason
	case dl.Due.After(now) && dl.Tries > 0:
		x.add(ReasonRetry, dl.Due, false, fmt.Sprintf("Attempt %d failed; it waits for the next one.", dl.Attempts))
	case dl.Due.After(now):
		x.add(ReasonScheduled, dl.Due, false, "It is scheduled for later.")
	}
}

// explainProcess adds the reasons of this process.
func (d *Dispatcher) explainProcess(x *Explanation, now time.Time) {
	dl := &x.Delivery
	s := d.Status()
	if !s.Running {
		x.add(ReasonNotRunning, time.Time{}, true, "Run is not under way in this process; another one may send it.")
	}
	if s.Paused {
		x.add(ReasonStopped, time.Time{}, true, "Sending was stopped in this process by SetPaused; another one may send it.")
	}
	if s.StoreError != nil {
		x.add(ReasonStore, time.Time{}, true, "The Store answers with errors at the moment.")
	}
	if dl.Held && dl.Due.After(now) {
		return // it waits for its turn here, or is being sent
	}
	var o scheduler.Obstacle
	d.engine.inspect(func(s *scheduler.Scheduler) { o = s.ObstacleOf(scheduler.Lane(dl.Lane()), time.Now()) })
	if o.Sealed.After(now) {
		x.add(ReasonSealed, o.Sealed, true, "The secrets of its webhook cannot be opened; the operator has to look at the sealing keys.")
	}
	if !slices.ContainsFunc(x.Reasons, func(r Reason) bool { return r.Kind == ReasonPaused || r.Kind == ReasonBreaker }) {
		switch {
		case o.Window:
			x.add(ReasonLane, time.Time{}, true, "Its webhook has as many requests in flight as it may have.")
		case o.Rate.After(now):
			x.add(ReasonLane, o.Rate, true, "Its webhook, or a limit that it shares with others, is ahead of its rate.")
		case o.Limit:
			x.add(ReasonLane, time.Time{}, true, "A limit that it shares with others leaves no room.")
		case o.Share:
			x.add(ReasonLane, time.Time{}, true, "Its tenant has as many requests in flight to endpoints that answer slowly as it may have.")
		}
	}
	if o.Slots {
		x.add(ReasonSlots, time.Time{}, true, "Every slot of this process is taken.")
	}
}
