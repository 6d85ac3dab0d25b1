package webhook_test

import (
	"testing"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: a delivery follows a webhook of the group that it was composed for. A Profile that
// names another one, of the same tenant or not, fails the Dispatch and stores nothing.
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
		{"one of another tenant", "foreign", false},
		{"one that does not exist", "whk_none", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ids := map[string]string{}
			p := webhook.Automation()
			p.Events, p.RequireSecret, p.MaxPerScope, p.Sign = nil, false, 0, nil
			p.Allow, p.Target, p.Check = webhook.Standard().Allow, nil, nil
			p.Compose = func(_ payload.Event, group []webhook.Webhook) (webhook.Composed, error) {
				if group[0].Group != "team" {
					return webhook.Composed{}, nil
				}
				if id, known := ids[tt.composed]; known {
					return webhook.Composed{WebhookID: id}, nil
				}
				return webhook.Composed{WebhookID: tt.composed}, nil
			}
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
			for name, w := range map[string]webhook.Webhook{"first": {Group: "team"}, "second": {Group: "team"}, "apart": {Group: "other"}, "foreign": {Scope: "beta"}} {
				w.Name, w.URL, w.Events, w.Active = name, "https://"+name+".example.com/", []string{"*"}, true
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
