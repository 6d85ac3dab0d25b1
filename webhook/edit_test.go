package webhook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: a form gets neither URL nor secrets nor header values back, so empty ones keep the stored
// values. The fields that Postrider sets cannot be edited.
func TestEditKeeps(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	was := h.add("one", func(w *webhook.Webhook) { w.Headers = headers("X-Key", "k", "X-Gone", "g") })
	got := h.edit(webhook.Webhook{Scope: scope, ID: was.ID, Name: "New", Events: []string{"taskFailure"}, Active: true,
		Headers: headers("x-key", "", "X-New", "n"), CreatedAt: time.Unix(1, 0), DisabledReason: "mine"})
	want := was
	want.Name, want.Events, want.Version, want.Headers = "New", []string{"taskFailure"}, 2, headers("x-key", "k", "X-New", "n")
	for what, w := range map[string]webhook.Webhook{"returned": got, "stored": h.webhook(was.ID)} {
		if diff := cmp.Diff(want, w, cmpopts.IgnoreFields(webhook.Webhook{}, "UpdatedAt")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if got.UpdatedAt.Before(was.UpdatedAt) {
		t.Errorf("UpdatedAt went from %v to %v", was.UpdatedAt, got.UpdatedAt)
	}
	got = h.edit(webhook.Webhook{Scope: scope, ID: was.ID, Name: "New", Events: []string{"*"}, URL: "HTTPS" + automation[5:] + "two", Secrets: secrets("next")})
	if got.URL != automation+"two" || len(got.Secrets) != 1 || got.Secrets[0].Reveal() != "next" || got.Headers != nil || got.Active {
		t.Errorf("replaced: %v", got)
	}
}

// Rule: of two edits of the same version one wins; version 0 overwrites.
func TestEditConflict(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	w := h.add("one")
	w.Name = "first"
	h.edit(w)
	w.Name = "second"
	if _, err := h.hooks.Edit(ctx, w); !errors.Is(err, webhook.ErrConflict) {
		t.Errorf("a stale version: %v, want ErrConflict", err)
	}
	if got := h.webhook(w.ID).Name; got != "first" {
		t.Errorf("name %q, want first", got)
	}
	w.Version = 0
	h.edit(w)
	if got := h.webhook(w.ID); got.Name != "second" || got.Version != 3 {
		t.Errorf("overwritten: %q version %d, want second 3", got.Name, got.Version)
	}
	w.Version = 99
	if _, err := h.hooks.Edit(ctx, w); !errors.Is(err, webhook.ErrConflict) {
		t.Errorf("a version to come: %v, want ErrConflict", err)
	}
}

// contested is a Store in which another change always comes first, a number of times.
type contested struct {
	*memstore.Store
	times int
}

func (s *contested) Update(ctx context.Context, w webhook.Webhook) error {
	if s.times > 0 {
		s.times--
		return webhook.ErrConflict
	}
	return s.Store.Update(ctx, w)
}

// Rule: a change that names no version starts over after a conflict, a few times.
func TestChangeStartsOver(t *testing.T) {
	t.Parallel()
	store := &contested{Store: newStore(t)}
	h := newHost(t, store, webhook.Automation(), nil)
	w := h.add("one")
	store.times = 4
	if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil || h.webhook(w.ID).Active {
		t.Errorf("after four conflicts: %v, active %t", err, h.webhook(w.ID).Active)
	}
	store.times = 1000
	if err := h.hooks.SetActive(ctx, scope, w.ID, true); !errors.Is(err, webhook.ErrConflict) {
		t.Errorf("without end: %v, want ErrConflict", err)
	}
	if store.times < 990 {
		t.Errorf("%d tries, want a few", 1000-store.times)
	}
}

// Rule: a rotation by Edit needs the new secret. Without one, RevokeNow would leave a leaked secret in use.
func TestEditRotatesNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Standard(), nil)
	w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{generated(t)} })
	_, err := h.hooks.Edit(ctx, webhook.Webhook{Scope: scope, ID: w.ID, Name: "renamed", Events: w.Events}, webhook.RevokeNow())
	if got := complaint(err); got != "secret required" {
		t.Errorf("%q, want the secret", got)
	}
	if is := h.webhook(w.ID); is.Name != w.Name || is.Version != w.Version {
		t.Error("it was changed although refused")
	}
}
