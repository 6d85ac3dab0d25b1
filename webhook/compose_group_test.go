package webhook_test

import (
	"errors"
	"testing"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: a delivery is composed for a webhook of the group. A Profile that names another webhook, of
// the same tenant or not, fails the Dispatch, and nothing is stored.
func TestComposeOutsideTheGroup(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, composed string
		ok             bool
	}{
		{"none, which means the first", "", true},
		{"the first", "first", true},
		{"another of the group", "second", true},
		{"one of another group", "apart", false},
		{"one that does not listen", "deaf", false},
		{"one of another tenant", "foreign", false},
		{"one that does not exist", "whk_none", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ids := map[string]string{}
			p := webhook.Automation()
			p.Form.Events, p.Form.RequireSecret, p.Form.MaxPerScope, p.Prepare.Sign = nil, false, 0, nil
			p.Allow, p.Prepare.Target, p.Form.Check = webhook.Standard().Allow, nil, nil
			p.Route = webhook.Grouped(nil, func(_ payload.Event, group []webhook.Webhook) (webhook.Routed, error) {
				if group[0].Group != "team" {
					return webhook.Routed{}, nil
				}
				if id, known := ids[tt.composed]; known {
					return webhook.Routed{WebhookID: id}, nil
				}
				return webhook.Routed{WebhookID: tt.composed}, nil
			})
			store, err := memstore.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			hooks, err := webhook.New(store, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			m, err := hooks.Manager()
			if err != nil {
				t.Fatal(err)
			}
			for name, w := range map[string]webhook.Webhook{"first": {Group: "team"}, "second": {Group: "team"}, "apart": {Group: "other"}, "foreign": {Scope: "beta"}, "deaf": {Events: []string{"y"}}} {
				w.Name, w.URL, w.Active = name, "https://"+name+".example.com/", true
				if w.Events == nil {
					w.Events = []string{"*"}
				}
				if w.Scope == "" {
					w.Scope = "acme"
				}
				if w, err = m.Add(t.Context(), w); err != nil {
					t.Fatal(err)
				}
				ids[name] = w.ID
			}
			r, err := hooks.Dispatch(t.Context(), payload.Event{ID: "evt_1", Scope: "acme", Type: "x", Body: []byte(`{}`)})
			if (err == nil) != tt.ok {
				t.Fatalf("Dispatch = %v, %v; want accepted: %v", r, err, tt.ok)
			}
			for _, scope := range []string{"acme", "beta"} {
				got, _, err := m.Deliveries(t.Context(), webhook.Query{Scope: scope})
				if err != nil {
					t.Fatal(err)
				}
				if want := map[bool]int{true: 2, false: 0}[tt.ok && scope == "acme"]; len(got) != want {
					t.Errorf("%s has %d deliveries, want %d", scope, len(got), want)
				}
			}
		})
	}
}

// Rule: Route names live webhooks of the scope, each once at most. Otherwise the Dispatch fails and
// stores nothing. Route may change the slice that it gets.
func TestRouteNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		named []string
		ok    bool
	}{
		"nothing":                 {nil, true},
		"one":                     {[]string{"on"}, true},
		"two, in any order":       {[]string{"on too", "on"}, true},
		"one twice":               {[]string{"on", "on too", "on"}, false},
		"one that is off":         {[]string{"on", "off"}, false},
		"one of another tenant":   {[]string{"foreign"}, false},
		"one that does not exist": {[]string{"none"}, false},
		"one without an ID":       {[]string{""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := map[string]string{"none": "whk_none"}
			p := tracker()
			p.Route = func(live []webhook.Webhook, _ payload.Event) (routed []webhook.Routed, _ error) {
				clear(live)
				for _, name := range c.named {
					routed = append(routed, webhook.Routed{WebhookID: ids[name]})
				}
				return routed, nil
			}
			h := newHost(t, newStore(t), p, nil)
			for _, name := range []string{"on", "on too", "off", "foreign"} {
				w := h.addTracker(name, "", "https://hooks.example.com/", func(w *webhook.Webhook) {
					if w.Active = name != "off"; name == "foreign" {
						w.Scope = "beta"
					}
				})
				ids[name] = w.ID
			}
			r, err := h.Dispatch(t.Context(), track(t, "evt_1", nil))
			if (err == nil) != c.ok || c.ok && r.Events[0].Added != len(c.named) {
				t.Errorf("Dispatch = %+v, %v; want accepted: %v", r, err, c.ok)
			}
			if errors.Is(err, webhook.ErrPanic) {
				t.Errorf("Dispatch: %v, want an error that names the webhook", err)
			}
			if n := h.count(webhook.StatePending); !c.ok && n != 0 {
				t.Errorf("%d deliveries stored", n)
			}
		})
	}
}
