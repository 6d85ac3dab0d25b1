package jira_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/memstore"
)

// shaky are registrations that a test can make slow or failing.
type shaky struct {
	*jira.Memory
	looks atomic.Int64
	delay atomic.Int64 // nanoseconds
	fails atomic.Bool
	panic atomic.Bool
	exits atomic.Bool
}

func (s *shaky) Registrations(ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
	s.looks.Add(1)
	if s.panic.Load() {
		panic("canary")
	}
	if s.exits.Load() {
		runtime.Goexit()
	}
	if d := time.Duration(s.delay.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.fails.Load() {
		return nil, errors.New("the database is away")
	}
	return s.Memory.Registrations(ctx, o)
}

var one = jira.Owner{Tenant: "acme", App: "one"}

// put registers without the API, so that no check sees the filter.
func put(t *testing.T, rs jira.Registrations, o jira.Owner, filters ...string) {
	t.Helper()
	now := time.Now()
	var list []jira.Registration
	for _, filter := range filters {
		list = append(list, jira.Registration{URL: "https://one.example.com/" + o.App, Filter: filter, Events: []string{"jira:issue_updated"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)})
	}
	if _, err := rs.Register(t.Context(), o, list, now, 1000); err != nil {
		t.Fatal(err)
	}
}

// Rule: an error in one app's registrations fails the deliveries to that app, and is shown there.
// The tenant's dispatch and all other deliveries go on.
func TestApp_errorsStayWithTheApp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule   string
		filter string
		spoil  func(*shaky)
		want   webhook.State
		code   webhook.Code
	}{
		{"all is well", "", func(*shaky) {}, webhook.StateDelivered, webhook.CodeOK},
		{"a filter that cannot be read", "project = IF", func(*shaky) {}, webhook.StateFailed, webhook.CodeConfig},
		{"a filter whose first token is illegal", `"project = EX`, func(*shaky) {}, webhook.StateFailed, webhook.CodeConfig},
		{"the registrations cannot be read", "", func(s *shaky) { s.fails.Store(true) }, webhook.StateFailed, webhook.CodeConfig},
		{"reading the registrations panics", "", func(s *shaky) { s.panic.Store(true) }, webhook.StateFailed, webhook.CodeConfig},
		{"reading the registrations ends its goroutine", "", func(s *shaky) { s.exits.Store(true) }, webhook.StateFailed, webhook.CodeConfig},
		{"the registrations take too long", "", func(s *shaky) { s.delay.Store(int64(time.Hour)) }, webhook.StateFailed, webhook.CodeConfig},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rs, to := &shaky{Memory: new(jira.Memory)}, new(receiver)
				h, stop := newHost(t, jira.Profile(jira.WithRegistrations(rs)), webhook.Options{}, to)
				defer stop()
				put(t, rs, one, tc.filter)
				put(t, rs, jira.Owner{Tenant: "acme", App: "two"}, "project = EX")
				for _, o := range []jira.Owner{one, {Tenant: "acme", App: "two"}} {
					if err := jira.Sync(t.Context(), h.manager, rs.Memory, o); err != nil {
						t.Fatal(err)
					}
				}
				admin := h.add(webhook.Webhook{URL: "https://admin.example.com/", Events: []string{"jira:issue_updated"}})
				tc.spoil(rs)
				// A process that starts now knows nothing of the registrations.
				fresh, stopFresh := over(t, h, rs, to)
				defer stopFresh()
				began := time.Now()
				r, err := fresh.Dispatch(t.Context(), event(t, sample(t, "jira:issue_updated")))
				if err != nil {
					t.Fatalf("Dispatch: %v", err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("Dispatch took %v, want no more than 2s for all apps together", took)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				hooks, err := h.manager.List(t.Context(), "acme")
				if err != nil {
					t.Fatal(err)
				}
				apps := map[string]string{}
				for _, w := range hooks {
					apps[w.ID] = w.Attributes[jira.AttrApp]
				}
				for _, id := range r.Events[0].Deliveries {
					d, _, err := h.manager.Delivery(t.Context(), "acme", id)
					if err != nil {
						t.Fatal(err)
					}
					switch {
					case d.WebhookID == admin.ID && d.State != webhook.StateDelivered:
						t.Errorf("the administrator's webhook: %v %q", d.State, d.LastCode)
					case apps[d.WebhookID] == "one" && (d.State != tc.want || d.LastCode != tc.code):
						t.Errorf("the app: %v %q, want %v %q", d.State, d.LastCode, tc.want, tc.code)
					case apps[d.WebhookID] == "one" && tc.want == webhook.StateFailed && len(d.Body) != 0:
						t.Error("the delivery that fails keeps a body")
					case apps[d.WebhookID] == "two" && tc.filter != "" && d.State != webhook.StateDelivered:
						t.Errorf("another app: %v %q", d.State, d.LastCode)
					}
				}
				if len(r.Events[0].Deliveries) != 3 {
					t.Errorf("%d deliveries, want 3", len(r.Events[0].Deliveries))
				}
				time.Sleep(time.Minute) // a load that takes too long is given up
			})
		})
	}
}

// over starts another process on the host's store.
func over(t *testing.T, h *host, rs jira.Registrations, to http.RoundTripper) (*webhook.Dispatcher, func()) {
	t.Helper()
	d, err := webhook.New(h.store, jira.Profile(jira.WithRegistrations(rs)), &webhook.Options{Transport: to, Poll: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return d, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// Rule: while changed registrations of another process are read, once for all events that wait,
// events use the old ones. Where they cannot be read, events keep using the old ones.
func TestApp_oldRegistrationsMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rs := &shaky{Memory: new(jira.Memory)}
		store, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		hooks, err := webhook.New(store, jira.Profile(jira.WithRegistrations(rs)), nil)
		if err != nil {
			t.Fatal(err)
		}
		another, err := webhook.New(store, jira.Profile(jira.WithRegistrations(rs.Memory)), nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := another.Manager()
		if err != nil {
			t.Fatal(err)
		}
		change := func(filter string) {
			t.Helper()
			put(t, rs, one, filter)
			if err := jira.Sync(t.Context(), m, rs.Memory, one); err != nil {
				t.Fatal(err)
			}
		}
		matched := func() (ids string, took time.Duration) {
			t.Helper()
			began := time.Now()
			r, err := hooks.Dispatch(t.Context(), event(t, sample(t, "jira:issue_updated")))
			if err != nil {
				t.Fatalf("Dispatch: %v", err)
			}
			took = time.Since(began)
			for _, id := range r.Events[0].Deliveries {
				d, _, err := m.Delivery(t.Context(), "acme", id)
				if err != nil {
					t.Fatal(err)
				}
				ids += d.Vars["matched_webhook_ids"]
			}
			return ids, took
		}
		change("project = EX")
		if ids, _ := matched(); ids != "1000" {
			t.Fatalf("matched %q at first, want 1000", ids)
		}
		rs.delay.Store(int64(time.Second))
		change("")
		looks := rs.looks.Load()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if ids, took := matched(); ids != "1000" || took > 10*time.Millisecond {
					t.Errorf("while it is read: matched %q after %v, want what was known, 1000, within 10ms", ids, took)
				}
			})
		}
		wg.Wait()
		if got := rs.looks.Load() - looks; got != 1 {
			t.Errorf("%d looks for ten events, want 1", got)
		}
		time.Sleep(2 * time.Second)
		if ids, took := matched(); ids != "1000,1001" || took != 0 {
			t.Errorf("afterwards: matched %q after %v, want 1000,1001 at once", ids, took)
		}
		rs.delay.Store(0)
		rs.fails.Store(true)
		change("")
		if ids, _ := matched(); ids != "1000,1001" {
			t.Errorf("while the registrations cannot be read: matched %q, want what was known", ids)
		}
		rs.fails.Store(false)
		if ids, _ := matched(); ids != "1000,1001,1002" {
			t.Errorf("once they can: matched %q", ids)
		}
	})
}

// Rule: the filters of an app's live registrations have a common bound, for any number of
// registrations that the host allows.
func TestApp_filterBytes(t *testing.T) {
	t.Parallel()
	rs := new(jira.Memory)
	api := newAPI(t, rs, &jira.DynamicOptions{Max: 1000})
	long := longFilters()["keys"]
	created, refused := 0, ""
	for n := range jira.MaxRegistrations + 5 {
		code, got := call(t, api, "acme/one", "POST", path2, `{"url":"https://one.example.com/","webhooks":[{"jqlFilter":"`+long(n)+`","events":["jira:issue_updated"]}]}`)
		switch {
		case code != 200:
			t.Fatalf("%d %s", code, got)
		case got == `[{"errors":["The limit of 1,000,000 bytes of filters is reached"]}]`:
			refused = got
		default:
			created++
		}
	}
	if created < jira.MaxRegistrations || created > jira.MaxRegistrations+1 || refused == "" {
		t.Errorf("%d filters of 10 kB were accepted, %q", created, refused)
	}
	expect(t, api, "acme/two", "POST", path2, `{"url":"https://one.example.com/","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`, 200, `[{"createdWebhookId":`+next(t, rs)+`}]`)
}

// next is the ID that the tenant's next registration gets.
func next(t *testing.T, rs *jira.Memory) string {
	t.Helper()
	all, err := rs.Registrations(t.Context(), one)
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return strconv.FormatInt(all[len(all)-1].ID+1, 10)
}
