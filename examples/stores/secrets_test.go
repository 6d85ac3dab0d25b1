package stores_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestSecretsAtRest: with Options.Seal nothing of a webhook that lets somebody call its
// endpoint is in the database, and a change of keys goes without a stop.
func TestSecretsAtRest(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		key := func(id string) sqlstore.Key { return sqlstore.Key{ID: id, Bytes: []byte(strings.Repeat(id, 32)[:32])} }
		open := func(newest sqlstore.Key, older ...sqlstore.Key) *sqlstore.Store {
			t.Helper()
			ring, err := sqlstore.NewKeyring(newest, older...)
			if err != nil {
				t.Fatal(err)
			}
			return d.migrated(t, &sqlstore.Options{Seal: ring.Seal, Open: ring.Open})
		}
		w := webhook.Webhook{ID: "wh_1", Scope: "acme", Name: "Ops", Active: true, URL: "https://example.com/tail-of-url",
			Secrets: []webhook.Secret{webhook.NewSecret("hidden-secret")}, Headers: map[string]string{"X-Key": "hidden-header"}}
		clear, old := d.migrated(t, nil), open(key("k1"))
		for _, s := range []*sqlstore.Store{clear, old} {
			if err := s.Create(t.Context(), w, 0); err != nil {
				t.Fatal(err)
			}
			w.ID = "wh_2"
		}
		if _, err := clear.Webhook(t.Context(), "acme", "wh_2"); !errors.Is(err, sqlstore.ErrSealed) {
			t.Errorf("without Options.Open: %v, want ErrSealed", err)
		}
		now := open(key("k2"), key("k1"))
		if n, err := now.Reseal(t.Context()); n != 2 || err != nil {
			t.Fatalf("Reseal: %d, %v; want 2", n, err)
		}
		if _, err := old.Webhook(t.Context(), "acme", "wh_1"); !errors.Is(err, sqlstore.ErrSealed) {
			t.Errorf("with the old key only: %v, want ErrSealed", err)
		}
		for _, id := range []string{"wh_1", "wh_2"} {
			got, err := open(key("k2")).Webhook(t.Context(), "acme", id)
			if err != nil || got.URL != w.URL || got.Secrets[0].Reveal() != "hidden-secret" || got.Headers["X-Key"] != "hidden-header" {
				t.Errorf("%s after Reseal: %v, %v", id, got, err)
			}
			var data string
			var secret []byte
			if err := d.open(t).QueryRow(`SELECT data, secret FROM postrider_webhook WHERE id = $1`, id).Scan(&data, &secret); err != nil {
				t.Fatal(err)
			}
			for _, hidden := range []string{"hidden-secret", "hidden-header", "tail-of-url"} {
				if strings.Contains(data+string(secret), hidden) {
					t.Errorf("%s lies in the database in clear", hidden)
				}
			}
		}
		if ws, err := old.Webhooks(t.Context(), "acme"); err != nil || len(ws) != 2 || ws[0].Name != "Ops" || len(ws[0].Secrets) != 0 || !errors.Is(ws[0].Unreadable, webhook.ErrSealed) {
			t.Errorf("Webhooks with secrets that do not open: %v, %v; want both without secrets", ws, err)
		}
	})
}

// TestSealersThatQuote: what the host's own Seal and Open say about a webhook is found in the
// error, but not shown by it, because they may quote what they were given.
func TestSealersThatQuote(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		away := errors.New("key service is away")
		quote := func(id string, in []byte) ([]byte, error) { return nil, fmt.Errorf("%s: %q: %w", id, in, away) }
		pass := func(_ string, in []byte) ([]byte, error) { return in, nil }
		w := webhook.Webhook{ID: "wh_1", Scope: "acme", Name: "Ops", URL: "https://example.com/pathCanary",
			Secrets: []webhook.Secret{webhook.NewSecret("secretCanary")}}
		err := d.migrated(t, &sqlstore.Options{Seal: quote, Open: quote}).Create(t.Context(), w, 0)
		if !errors.Is(err, away) || !errors.Is(err, sqlstore.ErrSealed) || strings.Contains(err.Error(), "Canary") {
			t.Errorf("Create: %v, want an ErrSealed of Options.Seal", err)
		}
		if err := d.store(t, &sqlstore.Options{Seal: pass, Open: pass}).Create(t.Context(), w, 0); err != nil {
			t.Fatal(err)
		}
		_, err = d.store(t, &sqlstore.Options{Seal: quote, Open: quote}).Webhook(t.Context(), "acme", "wh_1")
		if !errors.Is(err, away) || !errors.Is(err, sqlstore.ErrSealed) || strings.Contains(err.Error(), "Canary") {
			t.Errorf("Webhook: %v, want an ErrSealed of Options.Open", err)
		}
	})
}
