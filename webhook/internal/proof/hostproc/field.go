package hostproc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Field is the database and the webhooks of hosts, with the parent's own access.
type Field struct {
	Profile  string // its name
	Database Database
	DB       *sql.DB
	Store    *sqlstore.Store
	// Dispatcher does not run.
	Dispatcher *webhook.Dispatcher
	Manager    *webhook.Manager
	// Secret signs the requests to all webhooks.
	Secret sign.Secret
	// Hooks are the IDs of the webhooks. Each listens to every event.
	Hooks []string
}

// Prepare makes the tables and so many webhooks, for hosts with profile Standard.
func Prepare(ctx context.Context, d Database, hooks int) (*Field, error) {
	return PrepareFor(ctx, Standard, d, hooks)
}

// PrepareFor makes the tables and so many webhooks, for hosts with a profile.
func PrepareFor(ctx context.Context, profile string, d Database, hooks int) (*Field, error) {
	secret, err := sign.GenerateSecret()
	if err != nil {
		return nil, err
	}
	f := &Field{Profile: profile, Database: d, Secret: secret}
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
	if f.Dispatcher, err = webhook.New(f.Store, NewProfile(f.Profile, nil), nil); err != nil {
		return err
	}
	if f.Manager, err = f.Dispatcher.Manager(); err != nil {
		return err
	}
	for i := range hooks {
		if err := f.Add(ctx, fmt.Sprintf("hook%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// Add adds a webhook that listens to every event.
func (f *Field) Add(ctx context.Context, id string) error {
	w := webhook.Webhook{ID: id, Scope: Scope, Name: "Ops", URL: receiver.URL(id), Events: []string{EventType(f.Profile)}, Active: true,
		Secrets: []webhook.Secret{f.Secret}, CreatedAt: time.Now()}
	if err := f.Store.Create(ctx, w, 0); err != nil {
		return err
	}
	f.Hooks = append(f.Hooks, w.ID)
	return nil
}

// Dispatch stores events for the next process.
func (f *Field) Dispatch(ctx context.Context, ids ...string) error {
	for batch := range slices.Chunk(ids, 100) {
		events := make([]payload.Event, len(batch))
		for i, id := range batch {
			var err error
			if events[i], err = NewEvent(f.Profile, id, 0); err != nil {
				return err
			}
		}
		if _, err := f.Dispatcher.Dispatch(ctx, events...); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the parent's pool.
func (f *Field) Close() { _ = f.DB.Close() }

// Keys returns the secrets of a webhook, for the receiver.
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

// Until waits until the deliveries that match q satisfy ok.
func (f *Field) Until(ctx context.Context, q webhook.Query, what string, ok func([]webhook.Delivery) bool) error {
	for {
		ds, err := f.All(ctx, q)
		if err == nil && ok(ds) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("hostproc: waiting until %s, with %d deliveries: %w", what, len(ds), errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
