package stores_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
	"github.com/postrider/postrider/webhook/storetest"
)

// TestStore runs the conformance suite, each case on tables of its own.
func TestStore(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		n := 0
		storetest.RunAll(t, func(t *testing.T) webhook.Store {
			n++
			s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Prefix: fmt.Sprintf("t%d_", n)})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
}

// TestStoreOfSeveralHosts runs the cases with their calls spread over three hosts that
// share the tables, and what former cases left in them. One of them claims, because
// each goes round the lanes on its own; the one that does changes from case to case. A
// sweep precedes every claim, because a lane that another host fills may have to wait
// for the next look, and the time of the cases stands still.
func TestStoreOfSeveralHosts(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		var stores []*sqlstore.Store
		for range 3 {
			stores = append(stores, d.migrated(t, nil))
		}
		n := 0
		open := func(*testing.T) webhook.Store {
			n++
			return &hosts{Store: stores[n%3], all: stores}
		}
		storetest.Run(t, open)
		storetest.RunRegistry(t, open)
		storetest.RunHistory(t, open)
		storetest.RunSweeper(t, open)
	})
}

// hosts passes most calls to the next of several Stores.
type hosts struct {
	*sqlstore.Store // claims and sweeps
	all             []*sqlstore.Store
	calls           atomic.Int64
}

func (h *hosts) next() *sqlstore.Store { return h.all[int(h.calls.Add(1))%len(h.all)] }

func (h *hosts) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return h.next().Webhooks(ctx, scope)
}

func (h *hosts) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	return h.next().Enqueue(ctx, ds)
}

func (h *hosts) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	if err := h.Sweep(ctx, webhook.Sweep{Now: c.Now}); err != nil {
		return webhook.Batch{}, err
	}
	return h.Store.Claim(ctx, c)
}

func (h *hosts) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	return h.next().Settle(ctx, ss)
}

func (h *hosts) Create(ctx context.Context, w webhook.Webhook, max int) error {
	return h.next().Create(ctx, w, max)
}

func (h *hosts) Update(ctx context.Context, w webhook.Webhook) error { return h.next().Update(ctx, w) }

func (h *hosts) Delete(ctx context.Context, scope, id string) error {
	return h.next().Delete(ctx, scope, id)
}

func (h *hosts) DeleteScope(ctx context.Context, scope string) error {
	return h.next().DeleteScope(ctx, scope)
}

func (h *hosts) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	return h.next().Webhook(ctx, scope, id)
}

func (h *hosts) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	return h.next().Delivery(ctx, scope, id)
}

func (h *hosts) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	return h.next().Deliveries(ctx, q)
}

func (h *hosts) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	return h.next().Requeue(ctx, scope, id, due)
}

func (h *hosts) Cancel(ctx context.Context, scope, id string) error {
	return h.next().Cancel(ctx, scope, id)
}
