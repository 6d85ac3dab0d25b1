package jira_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// request is a request as a receiver sees it.
type request struct {
	URL    string
	Header http.Header
	Body   string
	At     time.Time
	Length int64
}

// receiver is a transport that answers without a network.
type receiver struct {
	mu       sync.Mutex
	requests []request
	answer   func(n int, r *http.Request) (status int, err error) // n counts from 1; nil: 200
	header   http.Header                                          // of every answer
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.requests = append(r.requests, request{req.URL.String(), req.Header.Clone(), string(body), time.Now(), req.ContentLength})
	n, header := len(r.requests), r.header.Clone()
	r.mu.Unlock()
	status := 200
	if r.answer != nil {
		var err error
		if status, err = r.answer(n, req); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

func (r *receiver) all() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.requests...)
}

// host is an application with a dispatcher that runs.
type host struct {
	t       *testing.T
	hooks   *webhook.Dispatcher
	manager *webhook.Manager
	store   *memstore.Store
	to      *receiver
}

// alone is a Store of one host: its Notifier reports nothing, so that an idle host looks for work once
// a minute, and days of simulated time cost little.
type alone struct{ *memstore.Store }

func (alone) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (alone) Notify(context.Context) error   { return nil }

// newHost starts a host. Call stop before a synctest bubble ends.
func newHost(t *testing.T, p webhook.Profile, o webhook.Options, to *receiver) (h *host, stop func()) {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Transport = to
	hooks, err := webhook.New(alone{store}, p, &o)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- hooks.Run(ctx) }()
	return &host{t, hooks, manager, store, to}, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// add stores a webhook of tenant acme with defaults for the fields that the test leaves empty.
func (h *host) add(w webhook.Webhook) webhook.Webhook {
	h.t.Helper()
	if w.Scope == "" {
		w.Scope = "acme"
	}
	if w.Name == "" {
		w.Name = "hook"
	}
	if w.URL == "" {
		w.URL = "https://hooks.example.com/in"
	}
	if w.Events == nil {
		w.Events = []string{"*"}
	}
	w.Active = true
	w, err := h.manager.Add(h.t.Context(), w)
	if err != nil {
		h.t.Fatalf("Add: %v", err)
	}
	return w
}

func (h *host) dispatch(events ...payload.Event) webhook.Receipt {
	h.t.Helper()
	r, err := h.hooks.Dispatch(h.t.Context(), events...)
	if err != nil {
		h.t.Fatalf("Dispatch: %v", err)
	}
	return r
}

// event makes an event of acme from a callback.
func event(t testing.TB, c jiraevent.Callback, opts ...payload.Option) payload.Event {
	t.Helper()
	e, err := jiraevent.New("acme", c, opts...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return e
}

// sample is the catalogue's example of an event.
func sample(t testing.TB, name string) jiraevent.Callback {
	t.Helper()
	c, ok := jiraevent.Sample(name)
	if !ok {
		t.Fatalf("no sample of %s", name)
	}
	return c
}

// target returns the final URL that the profile makes.
func target(t *testing.T, p webhook.Profile, url string, vars map[string]string) string {
	t.Helper()
	got, err := p.Prepare.Target(webhook.Webhook{URL: url}, webhook.Delivery{Vars: vars})
	if err != nil {
		t.Fatalf("Target(%s): %v", url, err)
	}
	return got
}
