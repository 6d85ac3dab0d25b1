package webhook_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
)

// generated is a new secret of Standard Webhooks.
func generated(t *testing.T) webhook.Secret {
	t.Helper()
	s, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rotate rotates the secret and fails the test on an error.
func (h *host) rotate(id string, next webhook.Secret, opts ...webhook.RotateOption) webhook.Webhook {
	h.t.Helper()
	w, err := h.hooks.RotateSecret(ctx, scope, id, next, opts...)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// infos are the secrets of a webhook as a page sees them.
func (h *host) infos(id string) []webhook.SecretInfo {
	h.t.Helper()
	infos, err := h.hooks.Secrets(ctx, scope, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return infos
}

// accepts returns for each secret whether a receiver with it accepts a request.
func accepts(r request, secrets ...webhook.Secret) (out []bool) {
	for _, s := range secrets {
		out = append(out, sign.VerifyStandard(r.Header, []byte(r.Body), r.At, 0, s) == nil)
	}
	return out
}

// Rule: during the overlap requests carry a signature of both secrets, and from its end on only of
// the newest, although the webhook is not written and the signer was in use just before.
func TestOverlapEndsOnItsOwn(t *testing.T) {
	t.Parallel()
	inLongBubble(t, webhook.Standard(), nil, func(h *host) {
		first, next := generated(t), generated(t)
		w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{first} })
		sent := func() []bool {
			t.Helper()
			h.to.reset()
			h.dispatch()
			synctest.Wait()
			rs := h.to.seen()
			if len(rs) != 1 {
				t.Fatalf("%d requests, want 1", len(rs))
			}
			return accepts(rs[0], first, next)
		}
		want := func(when string, want ...bool) {
			t.Helper()
			if got := sent(); !slices.Equal(got, want) {
				t.Errorf("%s: accepted with the first secret and the next %v, want %v", when, got, want)
			}
		}
		want("before", true, false)
		version := h.rotate(w.ID, next, webhook.Overlap(time.Hour)).Version
		end := h.infos(w.ID)[1].ExpiresAt
		want("during", true, true)
		settled(time.Until(end) - time.Nanosecond)
		want("at the last moment", true, true)
		settled(time.Nanosecond)
		want("at the end", false, true)
		if got := h.infos(w.ID); len(got) != 1 {
			t.Errorf("%d secrets count, want the newest alone", len(got))
		}
		settled(24 * time.Hour)
		want("much later", false, true)
		if stored := h.webhook(w.ID); stored.Version != version || len(stored.Secrets) != 2 {
			t.Errorf("version %d with %d secrets: something wrote the webhook", stored.Version, len(stored.Secrets))
		}
		if err := h.hooks.SetActive(ctx, scope, w.ID, true); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{next.Reveal()}, texts(h.webhook(w.ID))); diff != "" {
			t.Errorf("what has ended goes with the next write (-want +got):\n%s", diff)
		}
	})
}

// Rule: an overlap is 24 hours, or the given 0 to 7 days. During it another rotation is refused
// with its end, and RevokeNow ends every older secret.
func TestRotateSecret(t *testing.T) {
	t.Parallel()
	inLongBubble(t, webhook.Standard(), nil, func(h *host) {
		first, second, third := generated(t), generated(t), generated(t)
		w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{first} })
		born := h.infos(w.ID)[0]
		settled(time.Hour)
		begun := time.Now()
		h.rotate(w.ID, second)
		h.rotate(w.ID, second) // a repeated call
		got := h.infos(w.ID)
		want := []webhook.SecretInfo{
			{ID: got[0].ID, CreatedAt: begun, Kind: webhook.SecretShared},
			{ID: born.ID, CreatedAt: born.CreatedAt, ExpiresAt: begun.Add(24 * time.Hour), Kind: webhook.SecretShared},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("secrets (-want +got):\n%s", diff)
		}
		if got[0].ID == got[1].ID || !strings.HasPrefix(got[0].ID, "sec_") {
			t.Errorf("IDs %s and %s", got[0].ID, got[1].ID)
		}
		for _, next := range []webhook.Secret{third, first, {}} {
			var open *webhook.RotatingError
			_, err := h.hooks.RotateSecret(ctx, scope, w.ID, next, webhook.Overlap(0))
			if !errors.Is(err, webhook.ErrRotating) || !errors.As(err, &open) || !open.Until.Equal(got[1].ExpiresAt) {
				t.Errorf("a rotation within a rotation: %v, want ErrRotating until %v", err, got[1].ExpiresAt)
			}
		}
		if diff := cmp.Diff(got, h.infos(w.ID)); diff != "" {
			t.Errorf("a refused rotation changed something (-want +got):\n%s", diff)
		}
		h.rotate(w.ID, third, webhook.RevokeNow())
		if diff := cmp.Diff([]string{third.Reveal()}, texts(h.webhook(w.ID))); diff != "" {
			t.Errorf("after RevokeNow (-want +got):\n%s", diff)
		}
		h.rotate(w.ID, first, webhook.Overlap(0))
		if diff := cmp.Diff([]string{first.Reveal()}, texts(h.webhook(w.ID))); diff != "" {
			t.Errorf("after a rotation without overlap (-want +got):\n%s", diff)
		}
		h.rotate(w.ID, second, webhook.Overlap(webhook.MaxOverlap))
		settled(webhook.MaxOverlap)
		if w := h.rotate(w.ID, webhook.Secret{}); len(w.Secrets) != 2 || !strings.HasPrefix(w.Secrets[0].Reveal(), "whsec_") || w.Secrets[0].Equal(second) {
			t.Errorf("%d secrets after a generated one came in", len(w.Secrets))
		}
	})
}

// Rule: a bad secret, a bad overlap, and an overlap where requests hold one credential are refused
// by field and rule, and change nothing.
func TestRotateSecretRefuses(t *testing.T) {
	t.Parallel()
	hub := func() webhook.Profile {
		p := webhook.Standard()
		p.Form.Check = nil
		p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) { return sign.HMAC(w.Secrets[0]), nil }
		return p
	}
	inPath := func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath) }
	const other = "other-secret-0123456789"
	for name, c := range map[string]struct {
		profile webhook.Profile
		change  func(*webhook.Webhook)
		next    string
		opts    []webhook.RotateOption
		want    string
	}{
		"token":                     {webhook.Automation(), nil, other, []webhook.RotateOption{webhook.Overlap(time.Hour)}, "overlap unsupported"},
		"token in the path":         {webhook.Automation(), inPath, other, []webhook.RotateOption{webhook.Overlap(time.Hour)}, "overlap unsupported"},
		"X-Hub-Signature":           {hub(), standardHook, other, []webhook.RotateOption{webhook.Overlap(time.Hour)}, "overlap unsupported"},
		"token, no overlap asked":   {webhook.Automation(), nil, other, nil, "<nil>"},
		"token, none at all":        {webhook.Automation(), nil, other, []webhook.RotateOption{webhook.Overlap(0)}, "<nil>"},
		"token, revoked":            {webhook.Automation(), nil, other, []webhook.RotateOption{webhook.RevokeNow()}, "<nil>"},
		"too long":                  {webhook.Standard(), standardHook, "", []webhook.RotateOption{webhook.Overlap(webhook.MaxOverlap + 1)}, "overlap range"},
		"negative":                  {webhook.Standard(), standardHook, "", []webhook.RotateOption{webhook.Overlap(-1)}, "overlap range"},
		"no secret that fits":       {webhook.Standard(), standardHook, other, nil, "secret format"},
		"characters":                {webhook.Automation(), nil, "a\nb", nil, "secret characters"},
		"nothing to generate it by": {webhook.Automation(), nil, "", nil, "secret required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, newStore(t), c.profile, nil)
			var change []func(*webhook.Webhook)
			if c.change != nil {
				change = append(change, c.change)
			}
			w := h.add("one", change...)
			_, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(c.next), c.opts...)
			if complaint(err) != c.want {
				t.Fatalf("%v, want %s", err, c.want)
			}
			is := h.webhook(w.ID)
			if err == nil && (len(is.Secrets) != 1 || is.Secrets[0].Reveal() != c.next) {
				t.Errorf("%d secrets, want the next alone", len(is.Secrets))
			}
			if err != nil && (is.Version != w.Version || !cmp.Equal(is, w)) {
				t.Error("a refused rotation changed the webhook")
			}
		})
	}
}

// Rule: a revoked secret signs nothing from the next request on; the last one stays.
func TestRevokeSecret(t *testing.T) {
	t.Parallel()
	inLongBubble(t, webhook.Standard(), nil, func(h *host) {
		first, next := generated(t), generated(t)
		w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{first} })
		only := h.infos(w.ID)[0].ID
		if _, err := h.hooks.RevokeSecret(ctx, scope, w.ID, only); !errors.Is(err, webhook.ErrLast) {
			t.Errorf("the only secret: %v, want ErrLast", err)
		}
		h.rotate(w.ID, next)
		h.dispatch()
		synctest.Wait()
		for _, id := range []string{"", "sec_none", next.Reveal()} {
			if _, err := h.hooks.RevokeSecret(ctx, scope, w.ID, id); !errors.Is(err, webhook.ErrNotFound) || strings.Contains(err.Error(), next.Reveal()) {
				t.Errorf("an unknown secret: %v, want ErrNotFound", err)
			}
		}
		if _, err := h.hooks.RevokeSecret(ctx, "other", w.ID, only); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("from another scope: %v, want ErrNotFound", err)
		}
		if _, err := h.hooks.RevokeSecret(ctx, scope, w.ID, only); err != nil {
			t.Fatal(err)
		}
		h.dispatch()
		synctest.Wait()
		rs := h.to.seen()
		if got := accepts(rs[0], first, next); !slices.Equal(got, []bool{true, true}) {
			t.Errorf("during the overlap: %v", got)
		}
		if got := accepts(rs[1], first, next); !slices.Equal(got, []bool{false, true}) {
			t.Errorf("after the revocation: %v", got)
		}
		// Of two, the newest may go too: then the older one is the newest and has no end.
		h.rotate(w.ID, first)
		newest := h.infos(w.ID)[0].ID
		if _, err := h.hooks.RevokeSecret(ctx, scope, w.ID, newest); err != nil {
			t.Fatal(err)
		}
		if got := h.infos(w.ID); len(got) != 1 || !got[0].ExpiresAt.IsZero() || texts(h.webhook(w.ID))[0] != next.Reveal() {
			t.Errorf("%+v, want the older one without an end", got)
		}
	})
}

// forgetful is a Store that drops the ends of secrets, like one from before they were stored.
type forgetful struct {
	*memstore.Store
	cannotRead error // after the first Update
	updates    int
}

func (f *forgetful) Update(ctx context.Context, w webhook.Webhook) error {
	f.updates++
	w = w.Clone()
	for i, s := range w.Secrets {
		w.Secrets[i] = webhook.NewSecret(s.Reveal())
	}
	return f.Store.Update(ctx, w)
}

func (f *forgetful) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	if f.updates > 0 && f.cannotRead != nil {
		return webhook.Webhook{}, f.cannotRead
	}
	return f.Store.Webhook(ctx, scope, id)
}

// Rule: in a Store that drops the end of a secret, a rotation with an overlap is undone. A rotation
// without one works.
func TestStoreThatDropsTheEnd(t *testing.T) {
	t.Parallel()
	f := &forgetful{Store: newStore(t)}
	h := newHost(t, f, webhook.Standard(), nil)
	first, next := generated(t), generated(t)
	w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{first} })
	if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, next); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("%v, want ErrUnsupported", err)
	}
	if _, err := h.hooks.Edit(ctx, webhook.Webhook{Scope: scope, ID: w.ID, Name: "renamed", Events: w.Events, Secrets: []webhook.Secret{next}}, webhook.Overlap(time.Hour)); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("Edit: %v, want ErrUnsupported", err)
	}
	if is := h.webhook(w.ID); is.Name != w.Name || !slices.Equal(texts(is), []string{first.Reveal()}) {
		t.Errorf("%s with %d secrets: it was not undone", is.Name, len(is.Secrets))
	}
	h.rotate(w.ID, next, webhook.RevokeNow())
	if diff := cmp.Diff([]string{next.Reveal()}, texts(h.webhook(w.ID))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.updates, f.cannotRead = 0, errors.New("the database is away")
	if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, first); !errors.Is(err, webhook.ErrUnknown) || !errors.Is(err, f.cannotRead) {
		t.Errorf("without an answer: %v, want ErrUnknown", err)
	}
}
