package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: the deliveries of a webhook that cannot be opened wait, and continue when it can.
func TestSealedWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sealing{Store: newStore(t)}
		h := newHost(t, s, webhook.Automation(), nil)
		h.add("one")
		s.sealed.Store(true)
		r, err := h.Dispatch(t.Context(), success(t, payload.WithID("evt-1")))
		if err != nil || r.Events[0].Added != 1 {
			t.Fatal(r, err)
		}
		h.start()
		defer h.stop()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if d, _ := h.delivery(r.Events[0].Deliveries[0]); d.State != webhook.StatePending || d.Interrupted != 0 || h.Status().Unreadable != 1 {
			t.Errorf("%v %q, %d interruptions, %d webhooks unreadable", d.State, d.LastCode, d.Interrupted, h.Status().Unreadable)
		}
		s.sealed.Store(false)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if d, _ := h.delivery(r.Events[0].Deliveries[0]); d.State != webhook.StateDelivered {
			t.Errorf("%v %q once it can be opened", d.State, d.LastCode)
		}
	})
}

// Rule: a webhook that could not be opened and is deleted, here or by another process, is not
// counted as unreadable any more.
func TestSealedIsDeleted(t *testing.T) {
	t.Parallel()
	s := &sealing{Store: newStore(t)}
	h := newHost(t, s, webhook.Automation(), nil)
	for name, remove := range map[string]func(w webhook.Webhook) error{
		"Delete":      func(w webhook.Webhook) error { return h.hooks.Delete(t.Context(), scope, w.ID) },
		"DeleteScope": func(webhook.Webhook) error { return h.hooks.DeleteScope(t.Context(), scope) },
		"elsewhere": func(w webhook.Webhook) error {
			err := s.Store.Delete(t.Context(), scope, w.ID)
			_, dispatched := h.Dispatch(t.Context(), success(t))
			return errors.Join(err, dispatched)
		},
	} {
		s.sealed.Store(false)
		w := h.add("one")
		s.sealed.Store(true)
		if _, err := h.Dispatch(t.Context(), success(t)); err != nil || h.Status().Unreadable != 1 {
			t.Fatalf("%s: %v, %d webhooks unreadable before", name, err, h.Status().Unreadable)
		}
		if err := remove(w); err != nil || h.Status().Unreadable != 0 {
			t.Errorf("%s: %v, %d webhooks unreadable", name, err, h.Status().Unreadable)
		}
	}
}

// sealing is a Store whose key service may be away.
type sealing struct {
	*memstore.Store
	sealed atomic.Bool
}

func (s *sealing) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := s.Store.Webhooks(ctx, scope)
	for i := range ws {
		if s.sealed.Load() {
			ws[i].URL, ws[i].Secrets, ws[i].Unreadable = "", nil, webhook.ErrSealed
		}
	}
	return ws, err
}

func (s *sealing) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	if s.sealed.Load() {
		for _, d := range b.Deliveries {
			b.Unreadable = append(b.Unreadable, webhook.Unreadable{ID: d.ID, Lease: d.Lease, Lane: d.Lane(), Due: d.Due, Err: webhook.ErrSealed})
		}
		b.Deliveries, b.Webhooks = nil, nil
	}
	return b, err
}

func (s *sealing) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := s.Store.Webhook(ctx, scope, id)
	if s.sealed.Load() {
		w.URL, w.Secrets, w.Headers, w.Unreadable = "", nil, nil, webhook.ErrSealed
		w.Auth = webhook.Auth{Scheme: w.Auth.Scheme}
	}
	return w, err
}

// Rule: a webhook that cannot be opened can be switched off and deleted, and everything about its
// deliveries works. What needs its secrets answers ErrSealed. No operation loses them.
func TestSealedManager(t *testing.T) {
	t.Parallel()
	type call func(h *host, w webhook.Webhook, delivery string) error
	just := func(err func(h *host, w webhook.Webhook) error) call {
		return func(h *host, w webhook.Webhook, _ string) error { return err(h, w) }
	}
	works, refused := error(nil), webhook.ErrSealed
	cases := []struct {
		method string
		call   call
		want   error
	}{
		{"SetActive", just(func(h *host, w webhook.Webhook) error { return h.hooks.SetActive(ctx, scope, w.ID, false) }), works},
		{"SetActive", just(func(h *host, w webhook.Webhook) error { return h.hooks.SetActive(ctx, scope, w.ID, true) }), refused},
		{"Delete", just(func(h *host, w webhook.Webhook) error { return h.hooks.Delete(ctx, scope, w.ID) }), works},
		{"DeleteScope", just(func(h *host, w webhook.Webhook) error { return h.hooks.DeleteScope(ctx, scope) }), works},
		{"Webhook", just(func(h *host, w webhook.Webhook) error {
			got, err := h.hooks.Webhook(ctx, scope, w.ID)
			if !errors.Is(got.Unreadable, webhook.ErrSealed) || got.Name != w.Name {
				h.t.Errorf("Webhook: %v, name %q", got.Unreadable, got.Name)
			}
			return err
		}), works},
		{"List", just(func(h *host, w webhook.Webhook) error { return second(h.hooks.List(ctx, scope)) }), works},
		{"Health", just(func(h *host, w webhook.Webhook) error { return second(h.hooks.Health(ctx, scope, w.ID)) }), works},
		{"Edit", just(func(h *host, w webhook.Webhook) error { return second(h.hooks.Edit(ctx, w)) }), refused},
		{"RotateSecret", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(token+"x"), webhook.RevokeNow()))
		}), refused},
		{"RevokeSecret", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.RevokeSecret(ctx, scope, w.ID, w.Secrets[0].ID()))
		}), refused},
		{"Secrets", just(func(h *host, w webhook.Webhook) error { return second(h.hooks.Secrets(ctx, scope, w.ID)) }), refused},
		{"CertificateRequest", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.CertificateRequest(ctx, scope, w.ID))
		}), refused},
		{"SetCertificate", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.SetCertificate(ctx, scope, w.ID, []byte("chain")))
		}), refused},
		{"Test", just(func(h *host, w webhook.Webhook) error { return second(h.hooks.Test(ctx, scope, w.ID)) }), refused},
		{"Preview", func(h *host, _ webhook.Webhook, d string) error { return second(h.hooks.Preview(ctx, scope, d)) }, refused},
		{"Deliveries", just(func(h *host, w webhook.Webhook) error {
			_, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: w.ID})
			return err
		}), works},
		{"Delivery", func(h *host, _ webhook.Webhook, d string) error { h.delivery(d); return nil }, works},
		{"Redeliver", func(h *host, _ webhook.Webhook, d string) error { return h.hooks.Redeliver(ctx, scope, d) }, works},
		{"Cancel", func(h *host, _ webhook.Webhook, d string) error { return h.hooks.Cancel(ctx, scope, d) }, works},
		{"Replay", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.Replay(ctx, webhook.Query{Scope: scope, WebhookID: w.ID}, 10))
		}), works},
		{"Held", just(func(h *host, w webhook.Webhook) error { return second(h.hooks.Held(ctx, scope, w.ID)) }), works},
		{"Ahead", func(h *host, _ webhook.Webhook, d string) error { return second(h.hooks.Ahead(ctx, scope, d)) }, works},
		{"Successor", func(h *host, _ webhook.Webhook, d string) error { return second(h.hooks.Successor(ctx, scope, d)) }, works},
		{"Standings", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.Standings(ctx, scope, []webhook.Webhook{w}))
		}), works},
		{"LatestAttempts", func(h *host, _ webhook.Webhook, d string) error {
			got, _ := h.delivery(d)
			return second(h.hooks.LatestAttempts(ctx, scope, []webhook.Delivery{got}))
		}, works},
		{"Counts", just(func(h *host, w webhook.Webhook) error {
			return second(h.hooks.Counts(ctx, scope, []string{w.ID}, time.Now().Add(-time.Hour)))
		}), works},
	}
	covered := map[string]bool{"Add": true, "Marks": true, "KeepsKeys": true, "Orders": true} // of no stored webhook
	for _, tc := range cases {
		covered[tc.method] = true
		s := &sealing{Store: newStore(t)}
		h := newHost(t, s, webhook.Automation(), &webhook.Options{AllowClearKeys: true})
		w := h.add("one")
		d := h.dispatch()
		s.sealed.Store(true)
		if err := tc.call(h, w, d); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.method, err, tc.want)
		}
		s.sealed.Store(false)
		switch got, err := h.hooks.Webhook(ctx, scope, w.ID); {
		case strings.HasPrefix(tc.method, "Delete"):
			if !errors.Is(err, webhook.ErrNotFound) {
				t.Errorf("%s: the webhook is still there: %v", tc.method, err)
			}
		case err != nil || got.URL != w.URL || len(got.Secrets) != 1 || !got.Secrets[0].Equal(w.Secrets[0]):
			t.Errorf("%s: stored with %d secrets, URL kept %t, %v", tc.method, len(got.Secrets), got.URL == w.URL, err)
		case got.Active == (tc.method == "SetActive" && tc.want == works):
			t.Errorf("%s: active %t", tc.method, got.Active)
		}
	}
	all := reflect.TypeFor[*webhook.Manager]()
	for i := range all.NumMethod() {
		if name := all.Method(i).Name; !covered[name] {
			t.Errorf("%s is not called", name)
		}
	}
}

// second returns the error of a call with another result.
func second[T any](_ T, err error) error { return err }

// manySealed is a Store in which more webhooks cannot be opened than Status remembers.
type manySealed struct{ *memstore.Store }

func (manySealed) Webhooks(context.Context, string) ([]webhook.Webhook, error) {
	ws := make([]webhook.Webhook, 10_100)
	for i := range ws {
		ws[i] = webhook.Webhook{ID: fmt.Sprint("whk_", i), Scope: scope, Events: []string{"*"}, Unreadable: webhook.ErrSealed}
	}
	return ws, nil
}

// Rule: the log and the Observer hear of a webhook that cannot be opened once, not at each read, however
// many there are.
func TestManySealed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, manySealed{newStore(t)}, webhook.Automation(), nil)
		for i := range 2 {
			h.dispatchAll(id("evt_%d", i))
			h.wantLines(10_000, "cannot be opened")
		}
	})
}
