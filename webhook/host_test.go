package webhook_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	scope      = "acme"
	processID  = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
	automation = "https://api-private.atlassian.com/automation/webhooks/jira/a/11111111-2222-3333-4444-555555555555/"
	token      = "0123456789abcdef0123456789abcdef01234567"
)

// request is a request as a receiver got it.
type request struct {
	At     time.Time
	URL    string
	Header http.Header
	Body   string
}

// receiver is a RoundTripper that records requests and sends set answers. It waits only in package
// time, so it can be used in a synctest bubble.
type receiver struct {
	answer func(n int, r request) answer // n counts the requests to this URL from 1

	mu       sync.Mutex
	requests []request
}

type answer struct {
	status int // 0: the connection breaks
	after  string
	body   string
	delay  time.Duration
	header http.Header
}

func status(code int) func(int, request) answer {
	return func(int, request) answer { return answer{status: code} }
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	got := request{time.Now(), req.URL.String(), req.Header.Clone(), string(body)}
	r.mu.Lock()
	r.requests = append(r.requests, got)
	n := 0
	for _, other := range r.requests {
		if other.URL == got.URL {
			n++
		}
	}
	r.mu.Unlock()
	a := answer{status: 200}
	if r.answer != nil {
		a = r.answer(n, got)
	}
	if a.delay > 0 {
		select {
		case <-time.After(a.delay):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if a.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	h := a.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if a.after != "" {
		h.Set("Retry-After", a.after)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}, nil
}

// seen returns the requests, only those to one URL if it is given.
func (r *receiver) seen(url ...string) []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.requests), func(q request) bool {
		return len(url) > 0 && !slices.Contains(url, q.URL)
	})
}

// host is a host application in miniature.
type host struct {
	*webhook.Dispatcher
	t     testing.TB
	store webhook.Store
	hooks *webhook.Manager
	to    *receiver
	stop  func()
	log   *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newStore(t testing.TB) *memstore.Store {
	t.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newHost makes a host whose requests end in a receiver. o may be nil.
func newHost(t testing.TB, store webhook.Store, p webhook.Profile, o *webhook.Options) *host {
	t.Helper()
	opts := webhook.Options{}
	if o != nil {
		opts = *o
	}
	to, ok := opts.Transport.(*receiver)
	if !ok {
		to = &receiver{}
		if opts.Transport == nil {
			opts.Transport = to
		}
	}
	log := &lockedBuffer{}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	d, err := webhook.New(store, p, &opts)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Dispatcher: d, t: t, store: store, to: to, log: log, stop: func() {}}
	if h.hooks, err = d.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

// start runs the dispatcher until stop is called, which waits for the drain.
func (h *host) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
}

// add stores an automation webhook whose URL ends in name.
func (h *host) add(name string, change ...func(*webhook.Webhook)) webhook.Webhook {
	h.t.Helper()
	w := webhook.Webhook{Scope: scope, Name: name, URL: automation + name, Secrets: []webhook.Secret{webhook.NewSecret(token)},
		Events: []string{"taskSuccess", "taskFailure"}, Active: true}
	for _, f := range change {
		f(&w)
	}
	w, err := h.hooks.Add(context.Background(), w)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

func success(t testing.TB, opts ...payload.Option) payload.Event {
	t.Helper()
	e, err := payload.New(scope, payload.TaskSuccess{ProcessID: processID, Name: "Deactivate", ActionTypes: []string{"addToGroups"},
		DeepLink: "https://your-site.atlassian.net/jira/settings?a=1&b=2"}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// dispatch sends one event and returns the ID of its only delivery.
func (h *host) dispatch(opts ...payload.Option) string {
	h.t.Helper()
	r, err := h.Dispatch(context.Background(), success(h.t, opts...))
	if err != nil {
		h.t.Fatal(err)
	}
	if len(r.Events) != 1 || len(r.Events[0].Deliveries) != 1 {
		h.t.Fatalf("receipt %+v, want one delivery", r)
	}
	return r.Events[0].Deliveries[0]
}

func (h *host) delivery(id string) (webhook.Delivery, []webhook.Attempt) {
	h.t.Helper()
	d, as, err := h.hooks.Delivery(context.Background(), scope, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return d, as
}

// outcome is the short form of how a delivery stands: "failed status exhausted tries=4".
func (h *host) outcome(id string) string {
	h.t.Helper()
	d, _ := h.delivery(id)
	s := d.State.String()
	if d.LastCode != "" {
		s += " " + string(d.LastCode)
	}
	if d.Exhausted {
		s += " exhausted"
	}
	return s + " tries=" + strconv.Itoa(d.Tries)
}

// inBubble runs a test in a synctest bubble with a host that is running.
func inBubble(t *testing.T, p webhook.Profile, o *webhook.Options, f func(h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, newStore(t), p, o)
		h.start()
		defer func() { h.stop() }()
		f(h)
	})
}

// inLongBubble is inBubble for tests of days: the Store has a Notifier, so that an idle host looks for
// work once a minute instead of every few seconds.
func inLongBubble(t *testing.T, p webhook.Profile, o *webhook.Options, f func(h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &notified{Store: newStore(t)}, p, o)
		h.start()
		defer func() { h.stop() }()
		f(h)
	})
}

// settled lets time pass until all goroutines are blocked.
func settled(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func gaps(rs []request) []time.Duration {
	var out []time.Duration
	for i := 1; i < len(rs); i++ {
		out = append(out, rs[i].At.Sub(rs[i-1].At))
	}
	return out
}

func header(rs []request, name string) []string {
	set := map[string]bool{}
	for _, r := range rs {
		set[fmt.Sprint(r.Header[name])] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// lease claims due deliveries, like another process that dies afterwards.
func lease(store webhook.Store, now, until time.Time, most int) (webhook.Batch, error) {
	page, err := store.Due(context.Background(), webhook.DueQuery{Now: now, Limit: 100})
	if err != nil {
		return webhook.Batch{}, err
	}
	c := webhook.Claim{Now: now, Until: until, Lease: now.UnixMicro()}
	for _, l := range page.Lanes {
		c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: l, Most: most})
	}
	return store.Claim(context.Background(), c)
}
