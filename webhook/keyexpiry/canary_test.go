package keyexpiry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
	"github.com/postrider/postrider/webhook/memstore"
)

// leaky is a Store that panics with a secret, in the method named by in.
type leaky struct {
	*memstore.Store
	in string
}

func (s *leaky) panics(method string) {
	if s.in == method {
		panic("https://hooks.example.com/pathCanary secretCanary")
	}
}

func (s *leaky) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	s.panics("Webhooks")
	return s.Store.Webhooks(ctx, scope)
}

func (s *leaky) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	s.panics("Enqueue")
	return s.Store.Enqueue(ctx, ds)
}

func (s *leaky) Mark(ctx context.Context, scope, key string, now, until time.Time) (bool, error) {
	s.panics("Mark")
	return s.Store.Mark(ctx, scope, key, now, until)
}

func (s *leaky) Marked(ctx context.Context, scope, key string, now time.Time) (bool, error) {
	s.panics("Marked")
	return s.Store.Marked(ctx, scope, key, now)
}

func (s *leaky) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	s.panics("Delivery")
	return s.Store.Delivery(ctx, scope, id)
}

// Rule: no error and no log line holds a secret or a URL, for any content of the keys and any
// panic of a Store or of the Source.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	link := "https://your-site.atlassian.net/pathCanary"
	for name, c := range map[string]struct {
		store  string // the method that panics
		change func(*keyexpiry.Key)
		source func() ([]keyexpiry.Key, error)
		well   bool // the check succeeds
	}{
		"announced":             {well: true},
		"Webhooks panics":       {store: "Webhooks"},
		"Enqueue panics":        {store: "Enqueue"},
		"Mark panics":           {store: "Mark"},
		"Marked panics":         {store: "Marked"},
		"Delivery panics":       {store: "Delivery"},
		"a link that is none":   {change: func(k *keyexpiry.Key) { k.SettingsURL = link + "\x7f%zz" }},
		"a link without TLS":    {change: func(k *keyexpiry.Key) { k.SettingsURL = "ftp://u:secretCanary@h/pathCanary" }},
		"a name that is none":   {change: func(k *keyexpiry.Key) { k.Name = "nameCanary\xff" }},
		"no identifier":         {change: func(k *keyexpiry.Key) { k.ID = "" }},
		"no scope":              {change: func(k *keyexpiry.Key) { k.Scope = "" }},
		"the Source panics":     {source: func() ([]keyexpiry.Key, error) { panic(link) }},
		"the Source panics, v2": {source: func() ([]keyexpiry.Key, error) { panic(errors.New("secretCanary")) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, _ *host) {
				store := &leaky{Store: newStore(t)}
				h := newHost(t, store, &receiver{status: map[string]int{}})
				_, err := h.manager.Add(t.Context(), webhook.Webhook{Scope: scope, Name: "Ops", URL: base + "ruleCanary", Events: []string{"orgKeyExpiry"}, Active: true,
					Secrets: []webhook.Secret{webhook.NewSecret("secretCanary")}, Headers: map[string]string{"X-Key": "headerCanary"}})
				if err != nil {
					t.Fatal(err)
				}
				store.in = c.store
				k := key("k1", 24*time.Hour)
				k.SettingsURL = link
				if c.change != nil {
					c.change(&k)
				}
				if c.source == nil {
					c.source = func() ([]keyexpiry.Key, error) { return []keyexpiry.Key{k}, nil }
				}
				source := keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) { return c.source() })
				checker := h.checkerOf(&keyexpiry.Options{MarkOnAccepted: c.store == "Delivery"}, source)
				r, err := checker.Check(t.Context(), time.Now())
				if c.store == "Delivery" { // the second check reads deliveries
					r, err = checker.Check(t.Context(), time.Now())
				}
				if (err == nil) != c.well {
					t.Errorf("error %v", err)
				}
				h.log.Add("check", err)
				for _, one := range r.Keys { // the Key of a Result is the host's data
					h.log.Add("key", one.Err, one.Outcome, one.EventID)
				}
				if !strings.Contains(h.log.String(), "keyexpiry:") {
					t.Fatalf("no error was reported: %s", h.log)
				}
				h.log.MustNotHold(t, "Canary")
			})
		})
	}
}
