package stores_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Rule: a webhook whose key is missing can be switched off, and keeps its secrets for the day on
// which the key is there again. Then Reseal brings them under the newest key, and a change seals
// them to its version.
func TestSealedIsSwitchedOff(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		first := d.migrated(t, ringOptions(t, sealingKey("k1")))
		w := webhook.Webhook{ID: "wh_1", Scope: "acme", Name: "Ops", Active: true, URL: "https://example.com/x",
			Secrets: []webhook.Secret{webhook.NewSecret("secret")}}
		if err := first.Create(t.Context(), w, 0); err != nil {
			t.Fatal(err)
		}
		second, both := d.store(t, ringOptions(t, sealingKey("k2"))), d.store(t, ringOptions(t, sealingKey("k2"), sealingKey("k1")))
		got, err := second.Webhook(t.Context(), "acme", w.ID)
		if err != nil || !errors.Is(got.Unreadable, webhook.ErrSealed) {
			t.Fatalf("%v, %v; want Unreadable with ErrSealed", got.Unreadable, err)
		}
		got.Active = false
		if err := second.Update(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		opens := func(when string, s *sqlstore.Store, version int64) (got webhook.Webhook) {
			t.Helper()
			got, err := s.Webhook(t.Context(), "acme", w.ID)
			if err != nil || got.Unreadable != nil || got.Active || got.URL != w.URL || got.Secrets[0].Reveal() != "secret" || got.Version != version {
				t.Errorf("%s: %v, %v, %v", when, got, got.Unreadable, err)
			}
			return got
		}
		opens("with the key", first, 2)
		if n, err := both.Reseal(t.Context()); n != 1 || err != nil {
			t.Fatalf("Reseal: %d, %v", n, err)
		}
		got = opens("after Reseal", second, 2)
		if err := second.Update(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		opens("after a change", second, 3)
	})
}

// Rule: a row that cannot be read, or was moved from another scope, is not written over.
func TestUnreadableRowStays(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.migrated(t, ringOptions(t, sealingKey("k1")))
		db := d.open(t)
		for name, spoil := range map[string]string{
			"damaged": `UPDATE postrider_webhook SET data = '{' WHERE id = 'wh_1'`,
			"moved":   `UPDATE postrider_webhook SET scope = 'evil' WHERE id = 'wh_1'`,
		} {
			w := webhook.Webhook{ID: "wh_1", Scope: "acme", Name: "Ops", Active: true, URL: "https://example.com/x"}
			if err := s.Create(t.Context(), w, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(spoil); err != nil {
				t.Fatal(err)
			}
			var was, is string
			stored := func(to *string) {
				if err := db.QueryRow(`SELECT data FROM postrider_webhook WHERE id = 'wh_1'`).Scan(to); err != nil {
					t.Fatal(err)
				}
			}
			stored(&was)
			for _, scope := range []string{"acme", "evil"} {
				ws, err := s.Webhooks(t.Context(), scope)
				if err != nil {
					t.Fatal(err)
				}
				for _, got := range ws {
					got.Version = 1
					if err := s.Update(t.Context(), got); err == nil || errors.Is(err, webhook.ErrUnknown) {
						t.Errorf("%s: Update: %v, want a refusal", name, err)
					}
				}
			}
			if stored(&is); is != was {
				t.Errorf("%s: the row was written over", name)
			}
			for _, scope := range []string{"acme", "evil"} {
				if err := s.DeleteScope(t.Context(), scope); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func sealingKey(id string) sqlstore.Key {
	return sqlstore.Key{ID: id, Bytes: []byte(strings.Repeat(id, 32)[:32])}
}

// ringOptions seals with keys, the newest first.
func ringOptions(t *testing.T, newest sqlstore.Key, older ...sqlstore.Key) *sqlstore.Options {
	t.Helper()
	ring, err := sqlstore.NewKeyring(newest, older...)
	if err != nil {
		t.Fatal(err)
	}
	return &sqlstore.Options{Seal: ring.Seal, Open: ring.Open}
}
