package hostproc

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postrider/postrider/examples/internal/receiver"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Field is what hosts work on, and the parent's own view of it.
type Field struct {
	Database Database
	DB       *sql.DB
	Store    *sqlstore.Store
	Manager  *webhook.Manager
	// Secret signs the requests to all webhooks.
	Secret sign.Secret
	// Hooks are the IDs of the webhooks. Each listens to every event.
	Hooks []string
}

// Prepare makes the tables and so many webhooks.
func Prepare(ctx context.Context, d Database, hooks int) (*Field, error) {
	secret, err := sign.GenerateSecret()
	if err != nil {
		return nil, err
	}
	f := &Field{Database: d, Secret: secret}
	if f.DB, err = d.Open(); err != nil {
		return nil, err
	}
	if err := f.prepare(ctx, hooks); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Field) prepare(ctx context.Context, hooks int) error {
	var err error
	if f.Store, err = sqlstore.New(f.DB, f.Database.Dialect, nil); err != nil {
		return err
	}
	if err := f.Store.Migrate(ctx); err != nil {
		return err
	}
	if _, err := f.DB.ExecContext(ctx, Tasks); err != nil {
		return err
	}
	d, err := webhook.New(f.Store, Profile(nil), nil)
	if err != nil {
		return err
	}
	if f.Manager, err = d.Manager(); err != nil {
		return err
	}
	for i := range hooks {
		w := webhook.Webhook{ID: fmt.Sprintf("hook%d", i), Scope: Scope, Name: "Ops", Events: []string{"taskSuccess"}, Active: true,
			Secrets: []webhook.Secret{f.Secret}, CreatedAt: time.Now()}
		w.URL = receiver.URL(w.ID)
		if err := f.Store.Create(ctx, w, 0); err != nil {
			return err
		}
		f.Hooks = append(f.Hooks, w.ID)
	}
	return nil
}

// Close closes the parent's pool.
func (f *Field) Close() { _ = f.DB.Close() }

// Keys are the secrets of a webhook, for the receiver.
func (f *Field) Keys(string) []sign.Secret { return []sign.Secret{f.Secret} }

// All returns every delivery that matches q, without its body.
func (f *Field) All(ctx context.Context, q webhook.Query) ([]webhook.Delivery, error) {
	var all []webhook.Delivery
	q.Scope, q.Limit = Scope, 500
	for {
		page, next, err := f.Store.Deliveries(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if q.Cursor = next; next == "" {
			return all, nil
		}
	}
}

// Drained waits until nothing is pending.
func (f *Field) Drained(ctx context.Context) error {
	return f.Until(ctx, webhook.Query{States: []webhook.State{webhook.StatePending}}, "nothing is pending",
		func(ds []webhook.Delivery) bool { return len(ds) == 0 })
}

// Until waits until what matches q is as it should be.
func (f *Field) Until(ctx context.Context, q webhook.Query, what string, ok func([]webhook.Delivery) bool) error {
	for {
		ds, err := f.All(ctx, q)
		if err == nil && ok(ds) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("hostproc: waiting until %s: %w: %d deliveries, %v", what, ctx.Err(), len(ds), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
