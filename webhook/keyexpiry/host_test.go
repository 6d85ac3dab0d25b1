package keyexpiry_test

import (
	"context"
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
	"github.com/postrider/postrider/webhook/keyexpiry"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	scope    = "acme"
	base     = "https://api-private.atlassian.com/automation/webhooks/jira/a/11111111-2222-3333-4444-555555555555/"
	settings = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/notifications"
	week     = 7 * 24 * time.Hour
)

// request is a request to a receiver.
type request struct{ To, ID, Body string }

// receiver answers requests with the status that is set for a webhook's name, else 200.
type receiver struct {
	mu       sync.Mutex
	status   map[string]int
	requests []request
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	to := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
	r.requests = append(r.requests, request{to, req.Header.Get("Webhook-Id"), string(body)})
	status := r.status[to]
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func (r *receiver) answer(name string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status[name] = status
}

// drain returns the requests since the last call.
func (r *receiver) drain() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.requests
	r.requests = nil
	return out
}

// host is a small host application. Several may share a Store, as several hosts or as one
// host that restarts.
type host struct {
	t       *testing.T
	store   webhook.Store
	hooks   *webhook.Dispatcher
	manager *webhook.Manager
	to      *receiver
	log     *canary.Notes
}

func newHost(t *testing.T, store webhook.Store, to *receiver) *host {
	t.Helper()
	h := &host{t: t, store: store, to: to, log: &canary.Notes{}}
	var err error
	if h.hooks, err = webhook.New(store, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if h.manager, err = h.hooks.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

// inBubble runs a test in fake time with a host whose Dispatcher runs.
func inBubble(t *testing.T, f func(t *testing.T, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, newStore(t), &receiver{status: map[string]int{}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.hooks.Run(ctx) }()
		f(t, h)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func newStore(t *testing.T) *memstore.Store {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// restarted returns the same application after a restart, which keeps only the Store of h.
func (h *host) restarted() *host { return newHost(h.t, h.store, h.to) }

func (h *host) checker(o *keyexpiry.Options, keys ...keyexpiry.Key) *keyexpiry.Checker {
	h.t.Helper()
	return h.checkerOf(o, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) { return keys, nil }))
}

func (h *host) checkerOf(o *keyexpiry.Options, source keyexpiry.Source) *keyexpiry.Checker {
	h.t.Helper()
	opts := keyexpiry.Options{}
	if o != nil {
		opts = *o
	}
	opts.Logger = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := keyexpiry.New(h.hooks, h.store, source, &opts)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// add stores a webhook that listens to expiring keys.
func (h *host) add(name string) webhook.Webhook {
	h.t.Helper()
	w, err := h.manager.Add(h.t.Context(), webhook.Webhook{Scope: scope, Name: name, URL: base + name,
		Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef0123456789abcdef01234567")}, Events: []string{"orgKeyExpiry"}, Active: true})
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// check runs one check now, waits until its deliveries have ended, with all retries, and
// returns the outcomes.
func (h *host) check(c *keyexpiry.Checker) []string {
	h.t.Helper()
	r, err := c.Check(h.t.Context(), time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	time.Sleep(30 * time.Minute) // fake time: longer than all retries of automation
	return outcomes(r)
}

func outcomes(r keyexpiry.Report) []string {
	out := []string{}
	for _, k := range r.Keys {
		out = append(out, k.Key.ID+" "+k.Outcome.String())
	}
	return out
}

// key returns a key that expires after a duration from now.
func key(id string, in time.Duration) keyexpiry.Key {
	return keyexpiry.Key{Scope: scope, ID: id, Name: "Key " + id, ExpiresAt: time.Now().Add(in), SettingsURL: settings}
}
