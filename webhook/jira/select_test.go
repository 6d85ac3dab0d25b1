package jira_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: a Dispatch sends to the webhooks whose filter matches.
func TestProfile_selects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := jira.Profile()
		h, stop := newHost(t, p, webhook.Options{}, &receiver{})
		defer stop()
		h.add(webhook.Webhook{Filter: "project = EX"})
		h.add(webhook.Webhook{Filter: "project = OTHER"})
		h.dispatch(event(t, sample(t, "jira:issue_updated")))
		synctest.Wait()
		if n := len(h.to.all()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: a stored filter that cannot be read, as after a change of WithGrammar, fails the deliveries
// to its webhook alone, and only of events to which JQL applies. So does an app without
// WithRegistrations.
func TestProfile_brokenFilter(t *testing.T) {
	t.Parallel()
	for rule, broken := range map[string]webhook.Webhook{
		"a filter": {Filter: "nonsense ~ x"},
		"an app":   {Attributes: map[string]string{jira.AttrApp: "one"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, stop := newHost(t, jira.Profile(), webhook.Options{}, &receiver{})
				defer stop()
				fine := h.add(webhook.Webhook{Filter: "project = EX"})
				broken.ID, broken.Scope, broken.Active, broken.URL = "whk_broken", "acme", true, "https://hooks.example.com/broken"
				broken.Events = []string{"jira:issue_updated", "sprint_started"}
				if err := h.store.Create(t.Context(), broken, 0); err != nil { // past the check
					t.Fatal(err)
				}
				codes := func(name string) map[string]webhook.Code {
					r := h.dispatch(event(t, sample(t, name)))
					time.Sleep(time.Second)
					synctest.Wait()
					of := make(map[string]webhook.Code)
					for _, id := range r.Events[0].Deliveries {
						d, _, err := h.manager.Delivery(t.Context(), "acme", id)
						if err != nil || d.State == webhook.StatePending {
							t.Errorf("%s: %v, %v", name, d.State, err)
						}
						of[d.WebhookID] = d.LastCode
					}
					return of
				}
				want := map[string]map[string]webhook.Code{
					"jira:issue_updated": {fine.ID: webhook.CodeOK, broken.ID: webhook.CodeConfig},
					"jira:issue_created": {fine.ID: webhook.CodeOK},
					"sprint_started":     {fine.ID: webhook.CodeOK, broken.ID: webhook.CodeOK},
				}
				if broken.Filter == "" { // which events an app has registered for is not known
					want["jira:issue_created"][broken.ID], want["sprint_started"][broken.ID] = webhook.CodeConfig, webhook.CodeConfig
				}
				for name, want := range want {
					if diff := cmp.Diff(want, codes(name)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", name, diff)
					}
				}
			})
		})
	}
}

// Rule: a delivery of an app goes on while its registrations cannot be read.
func TestApp_storeTrouble(t *testing.T) {
	t.Parallel()
	rs := new(brokenRegistrations)
	o := jira.Owner{Tenant: "acme", App: "one"}
	now := time.Now()
	if _, err := rs.Register(t.Context(), o, []jira.Registration{{URL: "https://one.example.com/", ExpiresAt: now.Add(time.Hour)}}, now, 9); err != nil {
		t.Fatal(err)
	}
	p := jira.Profile(jira.WithRegistrations(rs))
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Attributes: map[string]string{jira.AttrApp: "one"}}
	d := webhook.Delivery{Vars: map[string]string{"matched_webhook_ids": "999"}}
	rs.fails = errors.New("database is away")
	if !p.Keep(w, d) {
		t.Error("dropped while the registrations cannot be read")
	}
	rs.fails = nil
	if p.Keep(w, d) {
		t.Error("kept although no registration is left")
	}
	d.Vars["matched_webhook_ids"] = "999,1000"
	if !p.Keep(w, d) || !p.Keep(webhook.Webhook{ID: "whk_2"}, webhook.Delivery{}) {
		t.Error("dropped although a registration is live")
	}
}

// brokenRegistrations returns its error, if it has one.
type brokenRegistrations struct {
	jira.Memory
	fails error
}

func (b *brokenRegistrations) Registrations(ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
	if b.fails != nil {
		return nil, b.fails
	}
	return b.Memory.Registrations(ctx, o)
}

// BenchmarkDispatch10000 is a whole Dispatch into a Store in memory: one event against
// 10,000 webhooks of one scope, of which 10 receive it.
func BenchmarkDispatch10000(b *testing.B) {
	store, err := memstore.New(&memstore.Options{MaxDeliveries: 1 << 22, MaxBytes: 1 << 32})
	if err != nil {
		b.Fatal(err)
	}
	hooks := manyHooks(10_000)
	for _, w := range hooks {
		w.URL = "https://hooks.example.com/"
		if err := store.Create(context.Background(), w, 0); err != nil {
			b.Fatal(err)
		}
	}
	d, err := webhook.New(store, jira.Profile(), nil)
	if err != nil {
		b.Fatal(err)
	}
	c := sample(b, "jira:issue_updated")
	c.Issue.Fields["project"] = map[string]any{"id": "1", "key": "P7"}
	dispatch := func() {
		r, err := d.Dispatch(context.Background(), event(b, c))
		if err != nil || r.Events[0].Added != 10 {
			b.Fatalf("%+v, %v", r, err)
		}
	}
	dispatch() // parses the filters
	b.ReportAllocs()
	for b.Loop() {
		dispatch()
	}
}
