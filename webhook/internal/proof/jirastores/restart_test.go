package jirastores_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jirasql"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// host is one run of an application on a database.
type host struct {
	t       *testing.T
	store   *jirasql.Store
	manager *webhook.Manager
	hooks   *webhook.Dispatcher
	api     *http.ServeMux
	settled chan webhook.Delivery
	bodies  chan string
	stop    func()
}

// RoundTrip is the receiver: it refuses an app's callbacks about deletions.
func (h *host) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.bodies <- r.URL.Host + " " + string(body)
	status := http.StatusOK
	if strings.Contains(string(body), "jira:issue_deleted") {
		status = http.StatusBadRequest
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func live(t *testing.T, d database) *host {
	t.Helper()
	db := d.open(t)
	deliveries, err := sqlstore.New(db, d.dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := deliveries.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, store: newStore(t, db, nil), settled: make(chan webhook.Delivery, 10), bodies: make(chan string, 10), api: http.NewServeMux()}
	p := jira.Profile(jira.WithRegistrations(h.store))
	p.Allow, p.Retry = allowlist.Public(), retry.None()
	record := jira.RecordFailures(h.store, h.store, func(_ context.Context, err error) { t.Error(err) })
	h.hooks, err = webhook.New(deliveries, p, &webhook.Options{Transport: h, Poll: 10 * time.Millisecond, Observer: &webhook.Observer{
		Settled: func(ctx context.Context, d webhook.Delivery) {
			record(ctx, d)
			h.settled <- d
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if h.manager, err = h.hooks.Manager(); err != nil {
		t.Fatal(err)
	}
	dynamic, err := jira.NewDynamic(h.store, func(*http.Request) (jira.App, error) {
		return jira.App{Owner: jira.Owner{Tenant: "acme", App: "one"}}, nil
	}, &jira.DynamicOptions{Failures: h.store, Changed: func(r *http.Request, o jira.Owner) {
		if err := jira.Sync(r.Context(), h.manager, h.store, o); err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := jira.NewAdmin(h.manager, func(*http.Request) (jira.Administrator, error) {
		return jira.Administrator{Tenant: "acme", Name: "ann"}, nil
	}, &jira.AdminOptions{PostFunctions: h.store})
	if err != nil {
		t.Fatal(err)
	}
	h.api.Handle("/rest/api/", dynamic)
	h.api.Handle("/rest/webhooks/", admin)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.hooks.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	return h
}

func (h *host) call(method, target, body string, status int, into any) {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, httptest.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body)))
	if w.Code != status {
		h.t.Fatalf("%s %s: %d %s, want %d", method, target, w.Code, w.Body, status)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			h.t.Fatal(err)
		}
	}
}

// event sends one about the sample issue and returns the request's body.
func (h *host) event(name string) (body string, d webhook.Delivery) {
	h.t.Helper()
	c, ok := jiraevent.Sample(name)
	if !ok {
		h.t.Fatalf("no sample of %s", name)
	}
	e, err := jiraevent.New("acme", c)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.hooks.Dispatch(h.t.Context(), e); err != nil {
		h.t.Fatal(err)
	}
	return <-h.bodies, <-h.settled
}

// Rule: registrations, post functions and the failed list outlive the process.
func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		before := live(t, d)
		before.call("POST", "/rest/api/3/webhook", `{"url":"https://app.example.com/in","webhooks":[
			{"jqlFilter":"project = EX","events":["jira:issue_updated","jira:issue_deleted"]},{"jqlFilter":"project = OTHER","events":["jira:issue_updated"]}]}`, 200, nil)
		var created struct{ Self string }
		before.call("POST", "/rest/webhooks/1.0/webhook", `{"name":"post function","url":"https://admin.example.com/","events":[]}`, 201, &created)
		hooks, err := before.manager.List(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		done := jira.Transition{Workflow: "bugs", ID: "31"}
		for _, w := range hooks {
			if w.Name == "post function" {
				if err := before.store.Attach(t.Context(), "acme", done, w.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, failed := before.event("jira:issue_deleted")
		before.stop()

		after := live(t, d)
		defer after.stop()
		var page struct {
			Values []struct {
				ID             int64
				JQLFilter, URL string
			}
		}
		after.call("GET", "/rest/api/3/webhook", "", 200, &page)
		if len(page.Values) != 2 || page.Values[0].ID != 1000 || page.Values[1].JQLFilter != "project = OTHER" {
			t.Errorf("registrations %+v", page)
		}
		body, _ := after.event("jira:issue_updated")
		if !strings.HasPrefix(body, "app.example.com ") || !strings.HasSuffix(body, `"matchedWebhookIds":[1000]}`) {
			t.Errorf("callback %s", body)
		}
		var list struct {
			Values []struct{ ID, URL, Body string }
		}
		after.call("GET", "/rest/api/3/webhook/failed", "", 200, &list)
		if len(list.Values) != 1 || list.Values[0].ID != failed.ID || list.Values[0].URL != "https://app.example.com/in" ||
			!strings.Contains(list.Values[0].Body, "jira:issue_deleted") {
			t.Errorf("failed list %+v, want delivery %s", list, failed.ID)
		}
		path := created.Self[strings.Index(created.Self, "/rest/"):]
		after.call("DELETE", path, "", 409, nil)
		c, _ := jiraevent.Sample("jira:issue_updated")
		e, ok, err := jira.Transitioned(t.Context(), after.store, "acme", done, c)
		if err != nil || !ok {
			t.Fatalf("Transitioned = %v, %v", ok, err)
		}
		if _, err := after.hooks.Dispatch(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got := <-after.bodies; !strings.HasPrefix(got, "admin.example.com ") {
			t.Errorf("the post function got %s", got)
		}
		<-after.settled
		after.call("PUT", "/rest/api/3/webhook/refresh", `{"webhookIds":[1000,1001]}`, 200, nil)
		after.call("DELETE", "/rest/api/3/webhook", `{"webhookIds":[1000,1001]}`, 202, nil)
		var ids struct {
			WebhookRegistrationResult []struct{ CreatedWebhookID int64 }
		}
		after.call("POST", "/rest/api/3/webhook", `{"url":"https://two.example.com/","webhooks":[{"jqlFilter":"","events":["jira:issue_updated"]}]}`, 200, &ids)
		if r := ids.WebhookRegistrationResult; len(r) != 1 || r[0].CreatedWebhookID != 1002 {
			t.Errorf("registered %+v, want 1002: IDs are not used again", r)
		}
	})
}
