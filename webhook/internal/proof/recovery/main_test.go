// Package recovery_test proves the rules of a host on every Store: the costs of a crash and of
// idling, and the rules for users.
package recovery_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sqlstore"
)

var server pgtest.Shared

func TestMain(m *testing.M) {
	hostproc.Main() // this program is also the host
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// newDatabase makes an empty database.
func newDatabase(t *testing.T, d sqlstore.Dialect) hostproc.Database {
	t.Helper()
	if d == sqlstore.SQLite {
		return hostproc.SQLite(filepath.Join(t.TempDir(), "app.db"), 5*time.Second)
	}
	return hostproc.PostgreSQL(server.Database(t))
}

var dialects = map[string]sqlstore.Dialect{"sqlite": sqlstore.SQLite, "postgres": sqlstore.PostgreSQL}

// onDatabases runs a test on both databases.
func onDatabases(t *testing.T, test func(t *testing.T, d hostproc.Database)) {
	t.Helper()
	t.Parallel()
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newDatabase(t, dialect))
		})
	}
}

// opener opens the same Store again and again, like a host that restarts.
type opener func(t *testing.T) webhook.Store

// onStores runs a test on each Store, inside a bubble of package synctest. Its clock stands still
// while any goroutine works, also while a database does.
func onStores(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, err := memstore.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			test(t, func(*testing.T) webhook.Store { return s })
		})
	})
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t, dialect)
			synctest.Test(t, func(t *testing.T) { test(t, func(t *testing.T) webhook.Store { return openStore(t, d) }) })
		})
	}
}

// bubbleStore replaces the database's time by the bubble's.
type bubbleStore struct{ *sqlstore.Store }

func (s bubbleStore) Now(ctx context.Context) (webhook.Reading, error) {
	_, err := s.Store.Now(ctx) // for the cost of the call
	now := time.Now()
	return webhook.Reading{Store: now, Before: now, After: now}, err
}

func openStore(t *testing.T, d hostproc.Database) webhook.Store {
	t.Helper()
	db, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := sqlstore.New(db, d.Dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bubbleStore{s}
}

// sent is a request as the receiver sees it.
type sent struct {
	at                   time.Time
	webhook, event, body string
}

// network replaces the receivers and the network.
type network struct {
	mu     sync.Mutex
	all    []sent
	answer func(n int, s sent) (status int, wait time.Duration)
	after  string // Retry-After of every answer, if not empty
}

// RoundTrip implements [http.RoundTripper].
func (r *network) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	one := sent{time.Now(), req.URL.Path[1:], req.Header.Get("Webhook-Id"), string(body)}
	r.mu.Lock()
	r.all = append(r.all, one)
	status, wait := 200, time.Duration(0)
	if r.answer != nil {
		status, wait = r.answer(len(r.all), one)
	}
	r.mu.Unlock()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-time.After(wait):
	}
	header := http.Header{}
	if r.after != "" {
		header.Set("Retry-After", r.after)
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

func (r *network) requests() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]sent(nil), r.all...)
}

// host is a host application in the bubble.
type host struct {
	t       *testing.T
	store   webhook.Store
	hooks   *webhook.Dispatcher
	manager *webhook.Manager
	net     *network
	stop    func()
}

var quick = []retry.Slot{{Min: 5 * time.Second, Max: 10 * time.Second}, {Min: 5 * time.Second, Max: 10 * time.Second}}

// newHost makes a host that does not run yet.
func newHost(t *testing.T, s webhook.Store, o *webhook.Options, change ...func(*webhook.Profile)) *host {
	t.Helper()
	h := &host{t: t, store: s, net: &network{}}
	opts := webhook.Options{Poll: time.Second, Breaker: webhook.Breaker{Failures: -1}}
	if o != nil {
		opts = *o
	}
	opts.Transport = h.net
	p := webhook.Standard()
	p.Retry = retry.Policy{Slots: quick}
	p.Prepare.Sign, p.Form.Check, p.Form.RequireSecret = nil, nil, false
	p.Prepare.Header = func(_ webhook.Webhook, d webhook.Delivery, header http.Header) { header.Set("Webhook-Id", d.EventID) }
	for _, c := range change {
		c(&p)
	}
	var err error
	if h.hooks, err = webhook.New(s, p, &opts); err != nil {
		t.Fatal(err)
	}
	if h.manager, err = h.hooks.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

// run starts the host's Run; h.stop ends it.
func (h *host) run() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	ran := make(chan error, 1)
	go func() { ran <- h.hooks.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
	h.t.Cleanup(h.stop)
}

func (h *host) add(path string, events ...string) webhook.Webhook {
	h.t.Helper()
	w, err := h.manager.Add(h.t.Context(), webhook.Webhook{Scope: "acme", Name: path, URL: "https://example.com/" + path, Events: events, Active: true})
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

func success(id string) payload.Data {
	return payload.TaskSuccess{ProcessID: id, Name: "Nightly", ActionTypes: []string{"deactivate"}, DeepLink: "https://example.com/tasks/" + id}
}

func (h *host) dispatch(id string, opts ...payload.Option) webhook.EventReceipt {
	h.t.Helper()
	ev, err := payload.New("acme", success(id), append(opts, payload.WithAnyProcessID())...)
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := h.hooks.Dispatch(h.t.Context(), ev)
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Events[0]
}

func (h *host) list(q webhook.Query) []webhook.Delivery {
	h.t.Helper()
	q.Scope = "acme"
	ds, _, err := h.manager.Deliveries(h.t.Context(), q)
	if err != nil {
		h.t.Fatal(err)
	}
	return ds
}
