package settings_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// plain is a Store without any optional capability; a test can make it fail.
type plain struct {
	s   *memstore.Store
	err error
}

func (p plain) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if p.err != nil {
		return nil, p.err
	}
	return p.s.Webhooks(ctx, scope)
}
func (p plain) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	return p.s.Enqueue(ctx, ds)
}
func (p plain) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	return p.s.Due(ctx, q)
}
func (p plain) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	return p.s.Claim(ctx, c)
}
func (p plain) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	return p.s.Settle(ctx, ss)
}
func (p plain) Create(ctx context.Context, w webhook.Webhook, max int) error {
	return p.s.Create(ctx, w, max)
}
func (p plain) Update(ctx context.Context, w webhook.Webhook) error { return p.s.Update(ctx, w) }
func (p plain) Delete(ctx context.Context, scope, id string) error  { return p.s.Delete(ctx, scope, id) }
func (p plain) DeleteScope(ctx context.Context, scope string) error {
	return p.s.DeleteScope(ctx, scope)
}
func (p plain) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	return p.s.Webhook(ctx, scope, id)
}

func pageOver(t *testing.T, store webhook.Store) (http.Handler, *webhook.Manager) {
	t.Helper()
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	check(t, err)
	page, err := settings.New(hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	m, err := hooks.Manager()
	check(t, err)
	return page, m
}

// Rule: over a Store without history everything else works, and the page names what is missing.
func TestStore_withoutHistory(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	page, m := pageOver(t, plain{s: store})
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Ops", URL: goodURL,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}, Active: true})
	check(t, err)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/": {200, "None yet"}, "/webhooks/" + w.ID: {200, "keeps no record of deliveries"}, "/webhooks/" + w.ID + "/deliveries/x": {501, "keeps no record"},
	} {
		got := httptest.NewRecorder()
		page.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
		if got.Code != want.status || !strings.Contains(got.Body.String(), want.text) {
			t.Errorf("%s: status %d, want %d and %q:\n%s", path, got.Code, want.status, want.text, got.Body)
		}
	}
}

// Rule: a Store that does not answer gets a friendly text without the error.
func TestStore_broken(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	page, _ := pageOver(t, plain{s: store, err: errors.New("dial tcp 10.1.2.3: password canary")})
	got := httptest.NewRecorder()
	page.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/", nil))
	if text := got.Body.String(); got.Code != 503 || !strings.Contains(text, "Nothing is lost") || strings.Contains(text, "canary") {
		t.Errorf("status %d:\n%s", got.Code, text)
	}
}

// Rule: without a Registry there are no webhooks to manage.
func TestNew_withoutRegistry(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(struct{ webhook.Store }{store}, webhook.Automation(), nil)
	check(t, err)
	_, err = settings.New(hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	if !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}

// Rule: an endpoint that asks for a delay shows as paused, with the time of its next delivery.
func TestHealth_paused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	s.status.Store(429)
	s.after.Store("300")
	s.run(1, func() bool {
		d, _, err := s.m.Delivery(t.Context(), "acme", id)
		check(t, err)
		return d.Tries == 1
	})
	s.get("/").wants(t, 200, "Paused by the endpoint", "Next attempt in 5 min")
	s.get("/webhooks/"+w.ID+"/deliveries/"+id).wants(t, 200, "The endpoint asked to wait", "Refused: 429 Too Many Requests")
}

// Rule: a delivery that is being sent cannot be queued again or cancelled.
func TestRedeliver_held(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.block = make(chan struct{})
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	page := "/webhooks/" + w.ID + "/deliveries/" + id
	var once bool
	s.run(1, func() bool {
		if !once {
			once = true
			s.get(page).wants(t, 200, "being sent")
			s.post(page+"/redeliver", nil).wants(t, 409, "It is being sent at this moment")
			s.post(page+"/cancel", nil).wants(t, 409, "It is being sent at this moment")
			close(s.block)
		}
		d, _, err := s.m.Delivery(t.Context(), "acme", id)
		check(t, err)
		return d.State == webhook.StateDelivered
	})
}

// serve asks for a page.
func serve(page http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
