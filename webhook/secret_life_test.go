package webhook_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: Add generates a missing secret if the profile demands one and can generate it, and returns
// it.
func TestAddGeneratesSecret(t *testing.T) {
	t.Parallel()
	optional, broken, panics := webhook.Standard(), webhook.Standard(), webhook.Standard()
	optional.Form.RequireSecret = false
	optional.Form.Check, optional.Prepare.Sign = nil, nil
	broken.Form.NewSecret = func() (webhook.Secret, error) { return webhook.Secret{}, errors.New("no random numbers") }
	panics.Form.NewSecret = func() (webhook.Secret, error) { panic("whsec_canary") }
	for name, c := range map[string]struct {
		profile webhook.Profile
		given   []webhook.Secret
		want    int
	}{
		"missing":               {webhook.Standard(), nil, 1},
		"zero":                  {webhook.Standard(), []webhook.Secret{{}}, 1},
		"missing, not demanded": {optional, nil, 0},
		"zero, not demanded":    {optional, []webhook.Secret{{}}, 1},
		"generator fails":       {broken, nil, -1},
		"generator panics":      {panics, nil, -1},
	} {
		h := newHost(t, newStore(t), c.profile, nil)
		in := webhook.Webhook{Scope: scope, Name: "one", URL: publicURL, Events: []string{"*"}, Active: true, Secrets: c.given}
		w, err := h.hooks.Add(ctx, in)
		if c.want < 0 {
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(w.Secrets) != c.want {
			t.Errorf("%s: %d secrets, %v; want %d", name, len(w.Secrets), err, c.want)
			continue
		}
		if c.want == 1 && (!strings.HasPrefix(w.Secrets[0].Reveal(), "whsec_") || w.Secrets[0].ID() == "" || !slices.Equal(texts(w), texts(h.webhook(w.ID)))) {
			t.Errorf("%s: secret %s is not the stored one", name, w.Secrets[0].ID())
		}
	}
}

// Rule: secrets that were stored without ID and times have no known age and no end. They get IDs by
// which they can be revoked, also after the webhook was written.
func TestSecretsOfUnknownAge(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	h := newHost(t, store, webhook.Standard(), nil)
	first, second := generated(t), generated(t)
	w := h.add("one", standardHook)
	w.Secrets = []webhook.Secret{second, first}
	if err := store.Update(ctx, w); err != nil {
		t.Fatal(err)
	}
	before := h.infos(w.ID)
	for _, s := range before {
		if s.ID == "" || !s.CreatedAt.IsZero() || !s.ExpiresAt.IsZero() {
			t.Errorf("%+v, want a name and nothing else", s)
		}
	}
	if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, h.infos(w.ID)); diff != "" {
		t.Errorf("after a write (-want +got):\n%s", diff)
	}
	if _, err := h.hooks.RevokeSecret(ctx, scope, w.ID, before[1].ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{second.Reveal()}, texts(h.webhook(w.ID))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Rule: a secret that Edit gets as it was read keeps its ID and times, a new one begins, one that
// is left out ends at once, and the newest never has an end.
func TestEditKeepsLives(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Standard(), nil)
	first, second := generated(t), generated(t)
	w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{first} })
	w = h.rotate(w.ID, second)
	was := h.infos(w.ID)
	h.edit(w)
	if diff := cmp.Diff(was, h.infos(w.ID)); diff != "" {
		t.Errorf("after an edit of nothing (-want +got):\n%s", diff)
	}
	w = h.webhook(w.ID)
	w.Secrets = []webhook.Secret{webhook.NewSecret(first.Reveal()), webhook.NewSecret(second.Reveal())}
	h.edit(w)
	want := []webhook.SecretInfo{was[1], was[0]}
	want[0].ExpiresAt = time.Time{}
	if diff := cmp.Diff(want, h.infos(w.ID)); diff != "" {
		t.Errorf("after the two changed places (-want +got):\n%s", diff)
	}
	w = h.webhook(w.ID)
	third := generated(t)
	w.Secrets = []webhook.Secret{third}
	h.edit(w)
	if got := h.infos(w.ID); len(got) != 1 || got[0].ID == was[0].ID || got[0].CreatedAt.IsZero() {
		t.Errorf("%+v, want a new one alone", got)
	}
	// With an option the new one comes in by rotation, in the same write.
	w = h.webhook(w.ID)
	w.Name, w.Secrets = "renamed", []webhook.Secret{first}
	if _, err := h.hooks.Edit(ctx, w, webhook.Overlap(time.Hour)); err != nil {
		t.Fatal(err)
	}
	is := h.webhook(w.ID)
	if diff := cmp.Diff([]string{first.Reveal(), third.Reveal()}, texts(is)); diff != "" || is.Name != "renamed" || is.Secrets[1].ExpiresAt().IsZero() {
		t.Errorf("%s, end %v (-want +got):\n%s", is.Name, is.Secrets[1].ExpiresAt(), diff)
	}
	is.Name, is.Secrets = "again", []webhook.Secret{second}
	if _, err := h.hooks.Edit(ctx, is, webhook.Overlap(time.Hour)); !errors.Is(err, webhook.ErrRotating) || h.webhook(w.ID).Name != "renamed" {
		t.Errorf("an edit within a rotation: %v, want ErrRotating and no change", err)
	}
}

// Rule: hooks that make a request get no secret that has ended.
func TestHooksSeeLiveSecrets(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	p := webhook.Automation()
	p.Prepare.Target = func(w webhook.Webhook, _ webhook.Delivery) (string, error) {
		seen["Target"] = texts(w)
		return w.URL, nil
	}
	p.Prepare.Header = func(w webhook.Webhook, _ webhook.Delivery, _ http.Header) { seen["Header"] = texts(w) }
	p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) { seen["Sign"] = texts(w); return nil, nil }
	send, _ := sender(t, p)
	past, future := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	ends := func(text string, end time.Time) webhook.Secret {
		return webhook.NewSecret(text).WithLife("sec_"+text, time.Time{}, end)
	}
	for name, c := range map[string]struct {
		secrets []webhook.Secret
		want    []string
	}{
		"one has ended":      {[]webhook.Secret{ends("a", time.Time{}), ends("b", past), ends("c", future)}, []string{"a", "c"}},
		"the newest":         {[]webhook.Secret{ends("a", past), ends("b", future)}, []string{"b"}},
		"all have":           {[]webhook.Secret{ends("a", past.Add(-1)), ends("b", past)}, []string{"b"}},
		"the only one":       {[]webhook.Secret{ends("a", past)}, []string{"a"}},
		"none has":           {[]webhook.Secret{ends("a", future), ends("b", future)}, []string{"a", "b"}},
		"there are no lives": {secrets("a", "b"), []string{"a", "b"}},
	} {
		clear(seen)
		w := someWebhook()
		w.Secrets = c.secrets
		send(w)
		for _, hook := range []string{"Target", "Header", "Sign"} {
			if diff := cmp.Diff(c.want, seen[hook]); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, hook, diff)
			}
		}
	}
}

// Rule: a page gets the kind of a secret and never its text.
func TestSecretKinds(t *testing.T) {
	t.Parallel()
	private, public, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, newStore(t), webhook.Standard(), nil)
	w := h.add("one", standardHook, func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{private} })
	if got := h.infos(w.ID)[0]; got.Kind != webhook.SecretPrivate || got.Public != public {
		t.Errorf("%+v, want a private key and its public half", got)
	}
	a := newHost(t, newStore(t), webhook.Automation(), nil)
	if got := a.infos(a.add("one").ID)[0]; got.Kind != webhook.SecretToken || got.Public != "" {
		t.Errorf("%+v, want a token", got)
	}
}
