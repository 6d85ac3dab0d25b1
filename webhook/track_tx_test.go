package webhook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// buffered is a transaction of a Store: enqueued deliveries reach the Store at commit.
type buffered struct {
	*memstore.Store
	ds  []webhook.Delivery
	err error
}

func (b *buffered) Enqueue(_ context.Context, ds []webhook.Delivery) ([]bool, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.ds = append(b.ds, ds...)
	added := make([]bool, len(ds))
	for i := range added {
		added[i] = true
	}
	return added, nil
}

// Rule: TrackTx dispatches the result of a task when the host's transaction commits, after a panic
// too, and never without a commit.
func TestTrackTx(t *testing.T) {
	t.Parallel()
	taskErr := errors.New("directory is read-only")
	for name, c := range map[string]struct {
		task error
		want string
	}{"nil": {nil, "taskSuccess"}, "error": {taskErr, "taskFailure"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, webhook.Automation(), nil, func(h *host) {
				h.add("one")
				store := h.store.(*memstore.Store)
				tx := &buffered{Store: store}
				ending, cancel := context.WithCancel(ctx)
				err := webhook.TrackTx(ending, h.Dispatcher, tx, run(), func(context.Context) error { cancel(); return c.task })
				if err != c.task || len(tx.ds) != 1 {
					h.t.Errorf("TrackTx returned %v with %d deliveries, want %v with one", err, len(tx.ds), c.task)
				}
				h.wantTriggers()
				if _, err := store.Enqueue(ctx, tx.ds); err != nil { // commit
					h.t.Fatal(err)
				}
				h.Wake()
				h.wantTriggers(c.want + " " + processID)
			})
		})
	}
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	h.add("one")
	tx := &buffered{Store: h.store.(*memstore.Store)}
	func() {
		defer func() {
			if r := recover(); r != "boom" || len(tx.ds) != 1 || tx.ds[0].Type != "taskFailure" {
				t.Errorf("recovered %v with %d deliveries", r, len(tx.ds))
			}
		}()
		_ = webhook.TrackTx(ctx, h.Dispatcher, tx, run(), func(context.Context) error { panic("boom") })
	}()
	tx.err = errors.New("transaction is aborted")
	err := webhook.TrackTx(ctx, h.Dispatcher, tx, run(), func(context.Context) error { return nil })
	var missed *webhook.DispatchError
	if !errors.As(err, &missed) || missed.Task != nil || !errors.Is(err, tx.err) {
		t.Errorf("TrackTx returned %v, want a DispatchError", err)
	}
}
