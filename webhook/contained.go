package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// The Manager and Explain call a Store in the host's goroutine, where its panic would end the host. The
// methods below turn panics into errors.

// protectRead is protect for a call that returns a value and changes nothing.
func protectRead[T any](what string, call func() (T, error)) (out T, err error) {
	defer contain("Store."+what, &err)
	return call()
}

// protectWrite is protect for a call that changes something: after a panic the change may have been
// made.
func protectWrite(what string, call func() error) error {
	err := protect(what, call)
	if errors.Is(err, ErrPanic) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// keepable reports whether every Store can hold a text. IDs come from links, where anything may
// stand, and PostgreSQL answers a statement with other bytes with an error, not with no row.
func keepable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

type containedRegistry struct{ Registry }

func (c containedRegistry) Create(ctx context.Context, w Webhook, max int) error {
	return protectWrite("Create", func() error { return c.Registry.Create(ctx, w, max) })
}

func (c containedRegistry) Update(ctx context.Context, w Webhook) error {
	return protectWrite("Update", func() error { return c.Registry.Update(ctx, w) })
}

func (c containedRegistry) Delete(ctx context.Context, scope, id string) error {
	if !keepable(id) {
		return ErrNotFound
	}
	return protectWrite("Delete", func() error { return c.Registry.Delete(ctx, scope, id) })
}

func (c containedRegistry) DeleteScope(ctx context.Context, scope string) error {
	return protectWrite("DeleteScope", func() error { return c.Registry.DeleteScope(ctx, scope) })
}

func (c containedRegistry) Webhook(ctx context.Context, scope, id string) (Webhook, error) {
	if !keepable(id) {
		return Webhook{}, ErrNotFound
	}
	return protectRead("Webhook", func() (Webhook, error) { return c.Registry.Webhook(ctx, scope, id) })
}

func (c containedRegistry) Webhooks(ctx context.Context, scope string) ([]Webhook, error) {
	return protectRead("Webhooks", func() ([]Webhook, error) { return c.Registry.Webhooks(ctx, scope) })
}

type containedHistory struct{ History }

func (c containedHistory) Delivery(ctx context.Context, scope, id string) (d Delivery, as []Attempt, err error) {
	if !keepable(id) {
		return Delivery{}, nil, ErrNotFound
	}
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
	if !keepable(id) {
		return ErrNotFound
	}
	return protectWrite("Requeue", func() error { return c.History.Requeue(ctx, scope, id, due) })
}

func (c containedHistory) Cancel(ctx context.Context, scope, id string, now time.Time) (d Delivery, ended bool, err error) {
	if !keepable(id) {
		return Delivery{}, false, ErrNotFound
	}
	err = protectWrite("Cancel", func() (err error) {
		d, ended, err = c.History.Cancel(ctx, scope, id, now)
		return err
	})
	return d, ended, err
}

type containedKeyOrder struct{ KeyOrder }

func (c containedKeyOrder) Ahead(ctx context.Context, scope, id string) (Delivery, error) {
	return protectRead("Ahead", func() (Delivery, error) { return c.KeyOrder.Ahead(ctx, scope, id) })
}

func (c containedKeyOrder) Newest(ctx context.Context, scope, id string) (Delivery, error) {
	return protectRead("Newest", func() (Delivery, error) { return c.KeyOrder.Newest(ctx, scope, id) })
}

func (c containedKeyOrder) HeldBack(ctx context.Context, scope, webhookID string, limit int) ([]Delivery, error) {
	return protectRead("HeldBack", func() ([]Delivery, error) { return c.KeyOrder.HeldBack(ctx, scope, webhookID, limit) })
}

// containedHandler isolates the host's log handler, which is called by goroutines of this package.
type containedHandler struct{ slog.Handler }

func (c containedHandler) Enabled(ctx context.Context, l slog.Level) (is bool) {
	isolate(func() { is = c.Handler.Enabled(ctx, l) })
	return is
}

func (c containedHandler) Handle(ctx context.Context, r slog.Record) error {
	return isolated("Logger", func() error { return c.Handler.Handle(ctx, r) })
}

func (c containedHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return containedHandler{c.Handler.WithAttrs(as)}
}

func (c containedHandler) WithGroup(name string) slog.Handler {
	return containedHandler{c.Handler.WithGroup(name)}
}
