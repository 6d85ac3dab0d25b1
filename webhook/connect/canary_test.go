package connect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/canary"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
)

// notes collects everything that a host could log, show or keep.
type notes struct {
	canary.Notes
	mu     sync.Mutex
	tokens []string // signatures of the tokens that were sent
}

// sent records the signature of a request.
func (n *notes) sent(r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	token := r.Header.Get("Authorization")
	n.tokens = append(n.tokens, token[strings.LastIndexByte(token, '.')+1:])
}

func (n *notes) observer() *webhook.Observer {
	delivery := func(_ context.Context, d webhook.Delivery) { n.Add("delivery", d) }
	return &webhook.Observer{Enqueued: delivery, Settled: delivery, Lost: delivery,
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) { n.Add("attempted", d, a) },
		Disabled:  func(_ context.Context, w webhook.Webhook) { n.Add("disabled", w) },
		Attention: func(_ context.Context, w webhook.Webhook, c webhook.Code, _ *webhook.Attempt) {
			n.Add("attention", w, c)
		}}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Rule: the shared secret, tokens made with it, and the URL of a module are in no error, log line
// or record, for every answer of the add-on.
func TestCanary(t *testing.T) {
	t.Parallel()
	echo := func(status int) transportFunc {
		return func(r *http.Request) (*http.Response, error) {
			var b strings.Builder
			_ = r.Header.Write(&b)
			fmt.Fprintf(&b, "%s\n%s\n%s", r.URL, r.URL.RequestURI(), r.Header.Get("Authorization"))
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(b.String()))}, nil
		}
	}
	for name, c := range map[string]struct {
		to   transportFunc
		edit func(*webhook.Webhook) // bypasses the Manager
	}{
		"an echo of success": {to: echo(200)},
		"an echo of failure": {to: echo(401)},
		"a transport that tells all": {to: func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("Post %q: %v", r.URL, r.Header)
		}},
		"a transport that panics": {to: func(r *http.Request) (*http.Response, error) { panic(fmt.Sprint(r.URL, r.Header)) }},
		"outside the base URL":    {to: echo(200), edit: func(w *webhook.Webhook) { w.URL = "https://other.example.com/pathCanary" }},
		"a URL that is none":      {to: echo(200), edit: func(w *webhook.Webhook) { w.URL = "https://u:secretCanary@h/\x7f%zz" }},
		"no secret":               {to: echo(200), edit: func(w *webhook.Webhook) { w.Secrets = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var all notes
				to := transportFunc(func(r *http.Request) (*http.Response, error) {
					all.sent(r)
					return c.to(r)
				})
				h := newHost(t, connect.Profile(), webhook.Options{Transport: to, Observer: all.observer(),
					Logger: slog.New(slog.NewTextHandler(&all, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				d := descriptor(t, `[{"event": "jira:issue_updated", "url": "/pathCanary/{issue.key}?q=queryCanary", "params": {"p": "v"}}]`)
				in := connect.Installation{Scope: scope, ClientKey: clientKey, SharedSecret: webhook.NewSecret("secretCanary-0123456789")}
				ws, err := d.Install(in)
				all.Add("install", in, ws, err)
				if err != nil {
					t.Fatal(err)
				}
				w, err := h.manager.Add(t.Context(), ws[0])
				all.Add("add", w, err)
				if err != nil {
					t.Fatal(err)
				}
				defer h.run()()
				if c.edit != nil {
					c.edit(&w)
					if err := h.store.Update(t.Context(), w); err != nil {
						t.Fatal(err)
					}
				}
				h.dispatch(issueUpdated(t))
				time.Sleep(time.Minute)
				all.ask(t, h, w)
				all.check(t)
			})
		})
	}
}

// ask records everything that a host can read about a webhook.
func (n *notes) ask(t *testing.T, h *host, w webhook.Webhook) {
	t.Helper()
	n.Add("status", h.hooks.Status())
	health, err := h.manager.Health(t.Context(), scope, w.ID)
	n.Add("health", health, err)
	list, err := h.manager.List(t.Context(), scope)
	n.Add("list", list, err)
	ds, _, err := h.manager.Deliveries(t.Context(), webhook.Query{Scope: scope})
	n.Add("deliveries", err)
	if len(ds) != 1 {
		t.Fatalf("%d deliveries, want 1", len(ds))
	}
	d, attempts, err := h.manager.Delivery(t.Context(), scope, ds[0].ID)
	n.Add("delivery", d, attempts, err)
	why, err := h.hooks.Explain(t.Context(), scope, d.ID)
	n.Add("explanation", why, err)
	a, err := h.manager.Test(t.Context(), scope, w.ID)
	n.Add("test", a, err)
	_, err = h.manager.Edit(t.Context(), w)
	n.Add("edit", err)
}

func (n *notes) check(t *testing.T) {
	t.Helper()
	if text := n.String(); strings.Count(text, "\n") < 20 || !strings.Contains(text, "attempted") {
		t.Errorf("too little was collected:\n%s", text)
	}
	n.MustNotHold(t, append(n.tokens, "Canary")...)
}

// Rule: the error of a refused descriptor or installation repeats none of its values.
func TestCanaryOfInstall(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*connect.Descriptor, *connect.Installation){
		"no secret":          func(_ *connect.Descriptor, in *connect.Installation) { in.SharedSecret = webhook.Secret{} },
		"no key":             func(d *connect.Descriptor, _ *connect.Installation) { d.Key = "keyCanary/" },
		"a base URL":         func(d *connect.Descriptor, _ *connect.Installation) { d.BaseURL = "http://u:secretCanary@h/pathCanary" },
		"a module's URL":     func(d *connect.Descriptor, _ *connect.Installation) { d.Webhooks[0].URL = "//h/pathCanary" },
		"a module's dots":    func(d *connect.Descriptor, _ *connect.Installation) { d.Webhooks[0].URL = "/../pathCanary" },
		"a module's escapes": func(d *connect.Descriptor, _ *connect.Installation) { d.Webhooks[0].URL = "/pathCanary%z" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := descriptor(t, `[{"event": "jira:issue_updated", "url": "/pathCanary"}]`)
			in := connect.Installation{Scope: scope, ClientKey: clientKey, SharedSecret: webhook.NewSecret("secretCanary")}
			change(&d, &in)
			_, err := d.Install(in)
			var refused *connect.DescriptorError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v, want a DescriptorError", err)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, in, refused); strings.Contains(text, "Canary") {
				t.Errorf("what was refused came back: %s", text)
			}
		})
	}
}
