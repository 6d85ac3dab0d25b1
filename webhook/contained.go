package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// What the Manager and Explain call of a Store runs in the host's goroutine, where a panic of it would
// end the host. The methods below contain them. One that writes may have done so before.

// read contains a call that changes nothing.
func read[T any](what string, call func() (T, error)) (out T, err error) {
	defer contain("Store."+what, &err)
	return call()
}

// written contains a call that changes something.
func written(what string, call func() error) error {
	err := protect(what, call)
	if errors.Is(err, ErrPanic) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

type containedRegistry struct{ Registry }

func containRegistry(store Store) Registry {
	if r, ok := store.(Registry); ok {
		return containedRegistry{r}
	}
	return nil
}

func (c containedRegistry) Create(ctx context.Context, w Webhook, max int) error {
	return written("Create", func() error { return c.Registry.Create(ctx, w, max) })
}

func (c containedRegistry) Update(ctx context.Context, w Webhook) error {
	return written("Update", func() error { return c.Registry.Update(ctx, w) })
}

func (c containedRegistry) Delete(ctx context.Context, scope, id string) error {
	return written("Delete", func() error { return c.Registry.Delete(ctx, scope, id) })
}

func (c containedRegistry) DeleteScope(ctx context.Context, scope string) error {
	return written("DeleteScope", func() error { return c.Registry.DeleteScope(ctx, scope) })
}

func (c containedRegistry) Webhook(ctx context.Context, scope, id string) (Webhook, error) {
	return read("Webhook", func() (Webhook, error) { return c.Registry.Webhook(ctx, scope, id) })
}

func (c containedRegistry) Webhooks(ctx context.Context, scope string) ([]Webhook, error) {
	return read("Webhooks", func() ([]Webhook, error) { return c.Registry.Webhooks(ctx, scope) })
}

type containedHistory struct{ History }

func containHistory(store Store) History {
	if h, ok := store.(History); ok {
		return containedHistory{h}
	}
	return nil
}

func (c containedHistory) Delivery(ctx context.Context, scope, id string) (d Delivery, as []Attempt, err error) {
	err = protect("Delivery", func() (err error) {
		d, as, err = c.History.Delivery(ctx, scope, id)
		return err
	})
	return d, as, err
}

func (c containedHistory) Deliveries(ctx context.Context, q Query) (ds []Delivery, next string, err error) {
	err = protect("Deliveries", func() (err error) {
		ds, next, err = c.History.Deliveries(ctx, q)
		return err
	})
	return ds, next, err
}

func (c containedHistory) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	return written("Requeue", func() error { return c.History.Requeue(ctx, scope, id, due) })
}

func (c containedHistory) Cancel(ctx context.Context, scope, id string, now time.Time) (d Delivery, ended bool, err error) {
	err = written("Cancel", func() (err error) {
		d, ended, err = c.History.Cancel(ctx, scope, id, now)
		return err
	})
	return d, ended, err
}

// containedHandler is the host's log handler, whose panic must not end a goroutine of ours.
type containedHandler struct{ slog.Handler }

func (c containedHandler) Enabled(ctx context.Context, l slog.Level) (is bool) {
	defer func() { _ = recover() }()
	return c.Handler.Enabled(ctx, l)
}

func (c containedHandler) Handle(ctx context.Context, r slog.Record) (err error) {
	defer contain("Logger", &err)
	return c.Handler.Handle(ctx, r)
}

func (c containedHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return containedHandler{c.Handler.WithAttrs(as)}
}

func (c containedHandler) WithGroup(name string) slog.Handler {
	return containedHandler{c.Handler.WithGroup(name)}
}
