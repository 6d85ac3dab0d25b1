package oracle

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// rotating is a running host with one webhook.
type rotating struct {
	t        *testing.T
	endpoint *webhooktest.Endpoint
	hooks    *webhook.Dispatcher
	manager  *webhook.Manager
	hook     webhook.Webhook
	arrived  int
}

// newRotating starts a host whose webhook has a generated secret, or the given one.
func newRotating(t *testing.T, secrets ...webhook.Secret) *rotating {
	t.Helper()
	r := &rotating{t: t, endpoint: webhooktest.New(t, &webhooktest.Options{Generic: true})}
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.hooks, err = webhook.New(store, webhook.Standard(), &webhook.Options{DialContext: r.endpoint.DialContext, RootCAs: r.endpoint.RootCAs()}); err != nil {
		t.Fatal(err)
	}
	if r.manager, err = r.hooks.Manager(); err != nil {
		t.Fatal(err)
	}
	r.hook, err = r.manager.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "all", URL: r.endpoint.URL(), Secrets: secrets, Events: []string{"*"}, Active: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.hooks.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// send sends one event and returns the request.
func (r *rotating) send() webhooktest.Request {
	r.t.Helper()
	e, err := payload.New("acme", payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Deactivate",
		ActionTypes: []string{"addToGroups"}, DeepLink: "https://your-site.atlassian.net/"}, payload.WithID("evt_"+string(rune('a'+r.arrived))))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.hooks.Dispatch(r.t.Context(), e); err != nil {
		r.t.Fatal(err)
	}
	wait, stop := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer stop()
	r.arrived++
	all, err := r.endpoint.Wait(wait, r.arrived)
	if err != nil {
		r.t.Fatal(err)
	}
	return all[r.arrived-1]
}

// end ends the older secret now.
func (r *rotating) end() {
	r.t.Helper()
	w, err := r.manager.Webhook(r.t.Context(), "acme", r.hook.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	old := w.Secrets[1]
	w.Secrets[1] = old.WithLife(old.ID(), old.CreatedAt(), time.Now())
	if _, err := r.manager.Edit(r.t.Context(), w); err != nil {
		r.t.Fatal(err)
	}
}

// Rule: before, during and after an overlap the libraries of Standard Webhooks, for JavaScript and
// for Go, accept a request with the valid secrets, and with no other.
func TestOverlap(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	first := r.hook.Secrets[0]
	before := r.send()
	rotated, err := r.manager.RotateSecret(t.Context(), "acme", r.hook.ID, webhook.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	next := rotated.Secrets[0]
	during := r.send()
	r.end()
	after := r.send()
	var asked []judged
	var want []bool
	for _, c := range []struct {
		r           webhooktest.Request
		first, next bool
	}{{before, true, false}, {during, true, true}, {after, false, true}} {
		headers := map[string]string{}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			headers[name] = c.r.Header.Get(name)
		}
		asked = append(asked, judged{first.Reveal(), headers, string(c.r.Body)}, judged{next.Reveal(), headers, string(c.r.Body)})
		want = append(want, c.first, c.next)
	}
	when := []string{"before, first", "before, next", "during, first", "during, next", "after, first", "after, next"}
	for i, a := range asked {
		library, err := standardwebhooks.NewWebhook(a.Secret)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		for name, value := range a.Headers {
			h.Set(name, value)
		}
		if err := library.Verify([]byte(a.Body), h); (err == nil) != want[i] {
			t.Errorf("%s, the library for Go: %v, want accepted = %t", when[i], err, want[i])
		}
	}
	for i, problem := range ask[[]*string](t, "standard", asked) {
		if (problem == nil) != want[i] {
			t.Errorf("%s, the library for JavaScript: %v, want accepted = %t", when[i], problem, want[i])
		}
	}
}

// Rule: jose finds each key of a set by its kid, which is the thumbprint that jose computes itself,
// and verifies signatures with it; with both keys during an overlap.
func TestKeySet(t *testing.T) {
	t.Parallel()
	private, _, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	r := newRotating(t, private)
	if _, err := r.manager.RotateSecret(t.Context(), "acme", r.hook.ID, next); err != nil {
		t.Fatal(err)
	}
	infos, err := r.manager.Secrets(t.Context(), "acme", r.hook.ID)
	if err != nil {
		t.Fatal(err)
	}
	var public []string
	for _, info := range infos {
		public = append(public, info.Public)
	}
	set, err := sign.JWKS(public...)
	if err != nil {
		t.Fatal(err)
	}
	got := r.send()
	question := keySet{Set: set, Message: got.Header.Get("webhook-id") + "." + got.Header.Get("webhook-timestamp") + "." + string(got.Body), Signatures: v1a(t, got)}
	type verdict struct {
		Thumbprints []bool
		Verified    [][]bool
	}
	v := ask[verdict](t, "jwks", question)
	if !slices.Equal(v.Thumbprints, []bool{true, true}) {
		t.Errorf("a kid is the thumbprint of its key: %v", v.Thumbprints)
	}
	if len(v.Verified) != 2 || !slices.Equal(v.Verified[0], []bool{true, false}) || !slices.Equal(v.Verified[1], []bool{false, true}) {
		t.Errorf("which signatures each key verifies: %v", v.Verified)
	}
}
