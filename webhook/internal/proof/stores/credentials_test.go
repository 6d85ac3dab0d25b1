package stores_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Rule: of Authorization and client certificates the database holds the scheme and the certificates
// in clear, and everything else sealed. A Store without the key returns the clear parts alone. A
// change of the clear parts in the database is detected, and nothing is sent with it.
func TestCredentialsAtRest(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		ring, err := sqlstore.NewKeyring(sqlstore.Key{ID: "k1", Bytes: []byte(strings.Repeat("k", 32))})
		if err != nil {
			t.Fatal(err)
		}
		s := d.migrated(t, &sqlstore.Options{Seal: ring.Seal, Open: ring.Open})
		if !s.Seals() || d.store(t, nil).Seals() {
			t.Error("Seals says the contrary")
		}
		db := d.open(t)
		hook := webhook.Webhook{ID: "wh_1", Scope: "acme", Name: "Ops", Active: true, URL: "https://example.com/x",
			Auth: webhook.Auth{Scheme: webhook.AuthOAuth, Username: "hidden-user", Secret: webhook.NewSecret("hidden-client-secret"), OAuth: webhook.OAuth{
				TokenURL: "https://login.example.com/hidden-path", ClientID: "hidden-client", Scopes: []string{"read"}}},
			TLS: webhook.ClientTLS{Certificate: "shown certificate", Key: webhook.NewSecret("hidden-key"), RootCAs: "shown authorities", Pending: webhook.NewSecret("hidden-pending")}}
		if err := s.Create(t.Context(), hook, 0); err != nil {
			t.Fatal(err)
		}
		var data string
		var secret []byte
		if err := db.QueryRow(`SELECT data, secret FROM postrider_webhook WHERE id = $1`, hook.ID).Scan(&data, &secret); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(data+string(secret), "hidden-") || !strings.Contains(data, "oauth2") || !strings.Contains(data, "shown certificate") {
			t.Errorf("in the database: %s", data)
		}
		other, err := sqlstore.NewKeyring(sqlstore.Key{ID: "k2", Bytes: []byte(strings.Repeat("o", 32))})
		if err != nil {
			t.Fatal(err)
		}
		clear := webhook.ClientTLS{Certificate: "shown certificate", RootCAs: "shown authorities"}
		got, err := d.store(t, &sqlstore.Options{Seal: other.Seal, Open: other.Open}).Webhook(t.Context(), "acme", hook.ID)
		if err != nil || !errors.Is(got.Unreadable, sqlstore.ErrSealed) || !got.Auth.Equal(webhook.Auth{Scheme: webhook.AuthOAuth}) || !got.TLS.Equal(clear) || got.URL != "" {
			t.Errorf("without the key: %v, %v; want the scheme and the certificates alone", got, err)
		}
		for _, change := range [][2]string{{"oauth2", "bearer"}, {"shown authorities", "other authorities"}, {"shown certificate", "other certificate"}} {
			if _, err := db.Exec(`UPDATE postrider_webhook SET data = $1 WHERE id = $2`, strings.Replace(data, change[0], change[1], 1), hook.ID); err != nil {
				t.Fatal(err)
			}
			if w, err := s.Webhook(t.Context(), "acme", hook.ID); err != nil || !errors.Is(w.Unreadable, sqlstore.ErrSealed) {
				t.Errorf("%s became %s: %v, %v", change[0], change[1], w.Unreadable, err)
			}
			ws, err := s.Webhooks(t.Context(), "acme")
			if err != nil || len(ws) != 1 || ws[0].Unreadable == nil || !ws[0].Auth.Secret.IsZero() || !ws[0].TLS.Key.IsZero() || ws[0].URL != "" {
				t.Errorf("%s became %s: %v, %v", change[0], change[1], ws, err)
			}
		}
		if _, err := db.Exec(`UPDATE postrider_webhook SET data = $1 WHERE id = $2`, data, hook.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Webhook(t.Context(), "acme", hook.ID); err != nil || !got.Auth.Equal(hook.Auth) || !got.TLS.Equal(hook.TLS) {
			t.Errorf("%v, %v", got, err)
		}
	})
}
