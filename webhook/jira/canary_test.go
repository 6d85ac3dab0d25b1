package jira_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/canary"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/memstore"
)

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Rule: the secret, the signature made with it, and the URL of a webhook with the values of its
// variables are in no error, log line or record.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts   []jira.Option
		answer func(int, *http.Request) (int, error)
		edit   func(*webhook.Webhook) // bypasses the Manager
	}{
		"success":      {answer: func(int, *http.Request) (int, error) { return 200, nil }},
		"unauthorised": {answer: func(int, *http.Request) (int, error) { return 401, nil }},
		"a transport that tells all": {answer: func(_ int, r *http.Request) (int, error) {
			return 0, fmt.Errorf("Post %q: %v", r.URL, r.Header)
		}},
		"a transport that panics":     {answer: func(_ int, r *http.Request) (int, error) { panic(fmt.Sprint(r.URL, r.Header)) }},
		"a variable without a value":  {opts: []jira.Option{jira.WithMissing(jira.MissingFails)}, edit: func(w *webhook.Webhook) { w.URL += "&x={worklog.id}" }},
		"a URL that breaks the rules": {edit: func(w *webhook.Webhook) { w.URL = "http://203.0.113.77/pathCanary" }},
		"a URL that is none":          {edit: func(w *webhook.Webhook) { w.URL = "https://u:secretCanary@h/\x7f%zz" }},
		"a secret that cannot sign":   {edit: func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{webhook.NewSecret("")} }},
		"a header that cannot be":     {edit: func(w *webhook.Webhook) { w.Headers = map[string]string{"X-Key": "headerCanary\n"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var all canary.Notes
				to := &receiver{answer: c.answer}
				delivery := func(_ context.Context, d webhook.Delivery) { all.Add("delivery", d.State, d.LastCode, d.Lane) } // Vars and Body belong to the event
				store, err := memstore.New(nil)
				noError(t, err)
				hooks, err := webhook.New(store, jira.Profile(c.opts...), &webhook.Options{Transport: to, Poll: time.Hour,
					Logger: slog.New(slog.NewTextHandler(&all, &slog.HandlerOptions{Level: slog.LevelDebug})),
					Observer: &webhook.Observer{Enqueued: delivery, Settled: delivery, Lost: delivery,
						Attempted: func(_ context.Context, _ webhook.Delivery, a webhook.Attempt) { all.Add("attempted", a) },
						Disabled:  func(_ context.Context, w webhook.Webhook) { all.Add("disabled", w) },
						Attention: func(_ context.Context, w webhook.Webhook, c webhook.Code, _ *webhook.Attempt) {
							all.Add("attention", w, c)
						}}})
				noError(t, err)
				manager, err := hooks.Manager()
				noError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				ran := make(chan error, 1)
				go func() { ran <- hooks.Run(ctx) }()
				defer func() { cancel(); noError(t, <-ran) }()
				h := &host{t, hooks, manager, store, to}
				w := h.add(webhook.Webhook{URL: "https://hooks.example.com/pathCanary/{issue.key}?q=queryCanary",
					Secrets: []webhook.Secret{webhook.NewSecret("secretCanary")}, Headers: map[string]string{"X-Key": "headerCanary"}})
				if c.edit != nil {
					c.edit(&w)
					noError(t, store.Update(t.Context(), w))
				}
				callback := sample(t, "jira:issue_updated")
				r := h.dispatch(event(t, callback))
				time.Sleep(2 * time.Hour)

				id := r.Events[0].Deliveries[0]
				all.Add("status", h.hooks.Status())
				health, err := h.manager.Health(t.Context(), "acme", w.ID)
				all.Add("health", health, err)
				list, err := h.manager.List(t.Context(), "acme")
				all.Add("list", list, err)
				d, attempts, err := h.manager.Delivery(t.Context(), "acme", id)
				all.Add("attempts", d.LastCode, attempts, err)
				why, err := h.hooks.Explain(t.Context(), "acme", id)
				all.Add("explanation", why.Reasons, err)
				a, err := h.manager.Test(t.Context(), "acme", w.ID)
				all.Add("test", a, err)
				_, err = h.manager.Edit(t.Context(), w)
				all.Add("edit", err)
				if !strings.Contains(all.String(), "attempted: ") || d.State == webhook.StatePending {
					t.Fatalf("the delivery did not end: %v\n%s", d.State, all.String())
				}
				canaries := []string{"Canary", "203.0.113.77"}
				for _, r := range to.all() {
					if hub := r.Header.Get("X-Hub-Signature"); hub != "" {
						canaries = append(canaries, hub, strings.TrimPrefix(hub, "sha256="))
					}
				}
				all.MustNotHold(t, canaries...)
			})
		})
	}
}

// Rule: the answer to a refused or failed request to the registration APIs has neither its URL, nor
// its secret, nor the internal error.
func TestCanaryOfRegistration(t *testing.T) {
	t.Parallel()
	admin, _ := newAdmin(t, nil)
	_, path := create(t, admin, "acme/ann", currentBody)
	record := func(change string) string {
		return `{"name":"n","url":"https://www.example.org/pathCanary","events":["*"],"secret":"secretCanary"` + change + `}`
	}
	refused := map[string]string{
		"http":          `{"name":"n","url":"http://www.example.org/pathCanary","events":["*"],"secret":"secretCanary"}`,
		"a user":        `{"name":"n","url":"https://u:secretCanary@www.example.org/","events":["*"]}`,
		"an address":    `{"name":"n","url":"https://203.0.113.77/pathCanary","events":["*"]}`,
		"a variable":    `{"name":"n","url":"https://www.example.org/pathCanary/{nothing}","events":["*"]}`,
		"a broken URL":  `{"name":"n","url":"https://www.example.org/pathCanary%zz\u0000","events":["*"]}`,
		"a long URL":    `{"name":"n","url":"https://www.example.org/pathCanary` + strings.Repeat("a", 3000) + `","events":["*"]}`,
		"no event":      record(`,"events":["nothing"]`),
		"no JQL":        record(`,"filters":{"issue-related-events-section":"project in ("}`),
		"no name":       record(`,"name":""`),
		"a long secret": record(`,"secret":"secretCanary` + strings.Repeat("a", 5000) + `"`),
		"not text":      record(`,"secret":["secretCanary"]`),
		"cut off":       record(`,"name":"`),
	}
	var all canary.Notes
	for name, body := range refused {
		for method, to := range map[string]string{"POST": hooksPath, "PUT": path} {
			code, answer := call(t, admin, "acme/ann", method, to, body)
			if code < 400 {
				t.Errorf("%s %s: status %d, want a refusal", method, name, code)
			}
			all.Add("admin: "+name, code, answer)
		}
	}
	dynamic := newAPI(t, new(jira.Memory), nil)
	for name, body := range map[string]string{
		"http":       `{"url":"http://a.example.com/pathCanary","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`,
		"a user":     `{"url":"https://u:secretCanary@a.example.com/","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`,
		"an address": `{"url":"https://203.0.113.77/pathCanary","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`,
		"an item":    `{"url":"https://a.example.com/pathCanary","webhooks":[{"jqlFilter":"project in (","events":["jira:issue_updated"]},{"events":["nothing"]}]}`,
		"cut off":    `{"url":"https://a.example.com/pathCanary"`,
	} {
		code, answer := call(t, dynamic, "acme/one", "POST", path2, body)
		if code < 400 && strings.Contains(answer, "createdWebhookId") {
			t.Errorf("%s: %d %s, want a refusal", name, code, answer)
		}
		all.Add("dynamic: "+name, code, answer)
	}
	code, answer := call(t, newAPI(t, new(failing), nil), "acme/one", "POST", path2, three)
	all.Add("away", code, answer)
	code, answer = call(t, dynamic, "broken", "GET", path2, "")
	all.Add("no app", code, answer)
	broken, err := jira.NewAdmin(manager(t, jira.Profile()), func(*http.Request) (jira.Administrator, error) {
		return jira.Administrator{}, errors.New("secretCanary")
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	code, answer = call(t, broken, "acme/ann", "GET", hooksPath, "")
	all.Add("no administrator", code, answer)
	all.MustNotHold(t, "Canary", "canary", "203.0.113.77", "10.0.0.7")
}
