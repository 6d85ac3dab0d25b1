package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	addOnHost = "addon.example.com"
	clientKey = "jira:1234-5678-9000"
	shared    = "shared-secret-example"
)

const addOnDescriptor = `{
  "key": "com.example.addon", "name": "Example", "baseUrl": "https://addon.example.com/base",
  "authentication": {"type": "jwt"}, "scopes": ["READ"],
  "modules": {"webhooks": [
    {"event": "jira:issue_updated", "url": "/issue-updated"},
    {"event": "jira:issue_updated", "url": "/again"},
    {"event": "page_created", "url": "page-created"},
    {"event": "connect_addon_enabled", "url": "/enabled", "excludeBody": true}
  ]}}`

// sender runs a dispatcher whose requests reach the add-on.
func sender(t *testing.T, a *addOn, extra ...webhook.Webhook) (hooks *webhook.Dispatcher, stop func()) {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	hooks, err = webhook.New(store, connect.Profile(connect.WithVersion("1.3.2"), connect.WithSubject()), &webhook.Options{
		RootCAs: a.pool,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			if address != addOnHost+":443" {
				return nil, fmt.Errorf("dial of %s", address)
			}
			return dialer.DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", a.port))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	manager, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	d, err := connect.ParseDescriptor([]byte(addOnDescriptor))
	if err != nil {
		t.Fatal(err)
	}
	ws, err := d.Install(connect.Installation{Scope: "acme", ClientKey: clientKey, SharedSecret: webhook.NewSecret(shared)})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range extra {
		w.Scope, w.Name, w.Active, w.Secrets, w.Attributes = "acme", "extra", true, ws[0].Secrets, ws[0].Attributes
		ws = append(ws, w)
	}
	for _, w := range ws {
		if _, err := manager.Add(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- hooks.Run(ctx) }()
	return hooks, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// Rule: an add-on with atlassian-connect-express accepts our webhooks, by the routes that the
// library made of the same descriptor, with every variable and user filled in.
func TestConnectExpress(t *testing.T) {
	t.Parallel()
	a := startAddOn(t, shared)
	hooks, stop := sender(t, a, webhook.Webhook{
		URL: "https://addon.example.com/base/variable/${issue.key}?b={project.key}&a=1%2C2", Events: []string{"jira:issue_created"}})
	defer stop()

	issue := &jiraevent.Issue{ID: "10002", Key: "EXA/1 Æ&", Fields: map[string]any{"project": map[string]any{"id": "1", "key": "a+b"}}}
	user := &jiraevent.User{Name: "Æ æ", Key: "a+b&c=d,e/f?"}
	events := []func() (payload.Event, error){
		func() (payload.Event, error) {
			return jiraevent.New("acme", jiraevent.Callback{Event: "jira:issue_updated", Issue: issue, User: user})
		},
		func() (payload.Event, error) {
			return jiraevent.New("acme", jiraevent.Callback{Event: "jira:issue_created", Issue: issue, User: user})
		},
		func() (payload.Event, error) {
			return confluenceevent.New("acme", confluenceevent.Callback{Event: "page_created", Page: &confluenceevent.Content{ID: 1, Title: "Notes"}})
		},
		func() (payload.Event, error) {
			return connect.NewLifecycle("acme", connect.Lifecycle{Event: connect.Enabled, Key: "com.example.addon", ClientKey: clientKey})
		},
	}
	bodies := map[string]string{}
	for _, build := range events {
		e, err := build()
		if err != nil {
			t.Fatal(err)
		}
		if bodies[e.Type] = string(e.Body); e.Type == connect.Enabled {
			bodies[e.Type] = "{}" // excluded; express returns an empty object
		}
		if _, err := hooks.Dispatch(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]string{"user_id": "Æ æ", "user_key": "a+b&c=d,e/f?"}
	anonymous := map[string]string{"user_id": "", "user_key": ""}
	want := map[string]int{"jira:issue_updated": 2, "page_created": 1, "connect_addon_enabled": 1, "variable EXA/1 Æ&": 1}
	got, answers := map[string]int{}, 0
	for len(got) < len(want) || answers < 5 {
		m := a.next(t)
		switch {
		case m.Event != "":
			got[m.Event]++
			query, event := known, m.Event
			switch {
			case strings.HasPrefix(m.Event, "variable"):
				event, query = "jira:issue_created", map[string]string{"a": "1,2", "b": "a+b", "user_id": known["user_id"], "user_key": known["user_key"]}
			case m.Event == "page_created" || m.Event == connect.Enabled:
				query = anonymous
			}
			if diff := cmp.Diff(query, m.Query); diff != "" {
				t.Errorf("%s: query (-want +got):\n%s", m.Event, diff)
			}
			if m.ClientKey != clientKey || m.Version != "1.3.2" {
				t.Errorf("%s: client key %q, version %q", m.Event, m.ClientKey, m.Version)
			}
			if !sameJSON(t, bodies[event], string(m.Body)) {
				t.Errorf("%s: body %s, want %s", m.Event, m.Body, bodies[event])
			}
		case m.Status != 0:
			if answers++; m.Status != 204 {
				t.Errorf("%s: answered with %d", m.Path, m.Status)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

// Rule: the library itself decides: with another secret it accepts nothing.
func TestConnectExpressRefusesAnotherSecret(t *testing.T) {
	t.Parallel()
	a := startAddOn(t, "another secret")
	hooks, stop := sender(t, a)
	defer stop()
	e, err := jiraevent.New("acme", jiraevent.Callback{Event: "jira:issue_updated", Issue: &jiraevent.Issue{ID: "1", Key: "EXA-1"}, User: &jiraevent.User{Name: "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hooks.Dispatch(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m := a.next(t); m.Event != "" || m.Status != 400 {
			t.Errorf("got %+v, want status 400 and no event", m)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var values [2]any
	for i, text := range []string{a, b} {
		if err := json.Unmarshal([]byte(text), &values[i]); err != nil {
			t.Fatal(err)
		}
	}
	return cmp.Equal(values[0], values[1])
}
