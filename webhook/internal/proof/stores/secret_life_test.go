package stores_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Rule: the name, the age and the end of a secret are in the sealed part, so that an end cannot be
// changed without the key. A record from before they were kept reads as one of unknown age without
// an end, and gets them when it is written.
func TestSecretLifeAtRest(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		ring, err := sqlstore.NewKeyring(sqlstore.Key{ID: "k1", Bytes: []byte(strings.Repeat("k", 32))})
		if err != nil {
			t.Fatal(err)
		}
		s := d.migrated(t, &sqlstore.Options{Seal: ring.Seal, Open: ring.Open})
		db := d.open(t)
		born := time.Date(2026, 11, 1, 0, 0, 0, 1000, time.UTC)
		w := webhook.Webhook{ID: "wh_1", Scope: "acme", Name: "Ops", Active: true, URL: "https://example.com/in",
			Secrets: []webhook.Secret{webhook.NewSecret("hidden-secret").WithLife("sec_canary", born, born.Add(time.Hour))}}
		if err := s.Create(t.Context(), w, 0); err != nil {
			t.Fatal(err)
		}
		var data string
		var secret []byte
		if err := db.QueryRow(`SELECT data, secret FROM postrider_webhook WHERE id = $1`, w.ID).Scan(&data, &secret); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(data+string(secret), "sec_canary") {
			t.Error("the name of a secret lies in the database in clear")
		}
		read := func() webhook.Secret {
			t.Helper()
			got, err := s.Webhook(t.Context(), "acme", w.ID)
			if err != nil || len(got.Secrets) != 1 || got.Secrets[0].Reveal() != "hidden-secret" {
				t.Fatalf("%v, %v", got, err)
			}
			return got.Secrets[0]
		}
		if got := read(); got.ID() != "sec_canary" || !got.CreatedAt().Equal(born) || !got.ExpiresAt().Equal(born.Add(time.Hour)) {
			t.Errorf("ID %q, created %v, expires %v", got.ID(), got.CreatedAt(), got.ExpiresAt())
		}
		before := []byte(`{"url":"https://example.com/in","secrets":["hidden-secret"]}`)
		if _, err := db.Exec(`UPDATE postrider_webhook SET sealed = $1, secret = $2 WHERE id = $3`, false, before, w.ID); err != nil {
			t.Fatal(err)
		}
		if got := read(); got.ID() != "" || !got.CreatedAt().IsZero() || !got.ExpiresAt().IsZero() {
			t.Errorf("from before: ID %q, created %v, expires %v", got.ID(), got.CreatedAt(), got.ExpiresAt())
		}
		w.Version = 1
		if err := s.Update(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if got := read(); got.ID() != "sec_canary" {
			t.Errorf("after a write: ID %q", got.ID())
		}
	})
}
