package stores_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestSecretsAtRest: with Options.Seal the database holds nothing of a webhook that permits a call
// of its endpoint, and keys change without a stop.
func TestSecretsAtRest(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		key := sealingKey
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
		if w, err := clear.Webhook(t.Context(), "acme", "wh_2"); err != nil || !errors.Is(w.Unreadable, sqlstore.ErrSealed) {
			t.Errorf("without Options.Open: %v, %v; want Unreadable with ErrSealed", w.Unreadable, err)
		}
		now := open(key("k2"), key("k1"))
		if n, err := now.Reseal(t.Context()); n != 2 || err != nil {
			t.Fatalf("Reseal: %d, %v; want 2", n, err)
		}
		if w, err := old.Webhook(t.Context(), "acme", "wh_1"); err != nil || !errors.Is(w.Unreadable, sqlstore.ErrSealed) {
			t.Errorf("with the old key only: %v, %v; want Unreadable with ErrSealed", w.Unreadable, err)
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
		if ws, err := old.Webhooks(t.Context(), "acme"); err != nil || len(ws) != 2 || ws[0].Name != "Ops" || len(ws[0].Secrets) != 0 {
			t.Errorf("Webhooks with secrets that do not open: %v, %v; want both without secrets", ws, err)
		}
	})
}

// TestSealersThatQuote: an error of the host's own Seal and Open is wrapped, but its text is not
// shown, because it may quote the webhook.
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
		got, err := d.store(t, &sqlstore.Options{Seal: quote, Open: quote}).Webhook(t.Context(), "acme", "wh_1")
		if why := got.Unreadable; err != nil || !errors.Is(why, away) || !errors.Is(why, sqlstore.ErrSealed) || strings.Contains(why.Error(), "Canary") {
			t.Errorf("Webhook: %v, %v; want Unreadable with the ErrSealed of Options.Open", why, err)
		}
	})
}

// Rule: with a Keyring, a writer of the database cannot put other secrets in place of a webhook's
// own: none of an older version, another webhook or another scope. With RequireSealed not even some
// in clear.
func TestSealedRowsCannotBeExchanged(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		ring, err := sqlstore.NewKeyring(sqlstore.Key{ID: "k1", Bytes: []byte(strings.Repeat("k", 32))})
		if err != nil {
			t.Fatal(err)
		}
		lenient := d.migrated(t, &sqlstore.Options{Seal: ring.Seal, Open: ring.Open})
		strict := d.store(t, &sqlstore.Options{Seal: ring.Seal, Open: ring.Open, RequireSealed: true})
		db := d.open(t)
		create := func(scope, id string) webhook.Webhook {
			w := webhook.Webhook{ID: id, Scope: scope, Name: id, Active: true, URL: "https://example.com/" + id, Secrets: []webhook.Secret{webhook.NewSecret("secret of " + id)}}
			if err := lenient.Create(t.Context(), w, 0); err != nil {
				t.Fatal(err)
			}
			return w
		}
		secretOf := func(id string) (secret []byte) {
			if err := db.QueryRow(`SELECT secret FROM postrider_webhook WHERE id = $1`, id).Scan(&secret); err != nil {
				t.Fatal(err)
			}
			return secret
		}
		exec := func(query string, args ...any) {
			if _, err := db.Exec(query, args...); err != nil {
				t.Fatal(err)
			}
		}
		inClear := []byte(`{"url":"https://evil.example.net/","secrets":["chosen"]}`)
		older, err := ring.Seal("w", []byte(`{"url":"https://example.com/w"}`)) // as in a release without scope and version
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name            string
			change          func(w webhook.Webhook)
			lenient, strict bool
		}{
			{"nothing", func(webhook.Webhook) {}, true, true},
			{"in clear", func(w webhook.Webhook) {
				exec(`UPDATE postrider_webhook SET sealed = $1, secret = $2 WHERE id = $3`, false, inClear, w.ID)
			}, true, false},
			{"sealed by an older release", func(w webhook.Webhook) {
				exec(`UPDATE postrider_webhook SET secret = $1 WHERE id = $2`, older, w.ID)
			}, true, false},
			{"an older value", func(w webhook.Webhook) {
				before := secretOf(w.ID)
				w.Version, w.Secrets = 1, []webhook.Secret{webhook.NewSecret("rotated")}
				if err := lenient.Update(t.Context(), w); err != nil {
					t.Fatal(err)
				}
				exec(`UPDATE postrider_webhook SET secret = $1 WHERE id = $2`, before, w.ID)
			}, false, false},
			{"another webhook's", func(w webhook.Webhook) {
				create("acme", "other")
				exec(`UPDATE postrider_webhook SET secret = $1 WHERE id = $2`, secretOf("other"), w.ID)
			}, false, false},
			{"moved to another scope", func(w webhook.Webhook) {
				exec(`UPDATE postrider_webhook SET scope = $1 WHERE id = $2`, "evil", w.ID)
			}, false, false},
			{"moved to another scope, in its record too", func(w webhook.Webhook) {
				exec(`UPDATE postrider_webhook SET scope = $1, data = replace(data, '"acme"', '"evil"') WHERE id = $2`, "evil", w.ID)
			}, false, false},
			{"its record's version", func(w webhook.Webhook) {
				exec(`UPDATE postrider_webhook SET data = replace(data, '"version":1', '"version":2') WHERE id = $1`, w.ID)
			}, false, false},
		} {
			w := create("acme", "w")
			tt.change(w)
			for name, s := range map[string]*sqlstore.Store{"without RequireSealed": lenient, "with RequireSealed": strict} {
				want := tt.lenient
				if s == strict {
					want = tt.strict
				}
				used := 0
				for _, scope := range []string{"acme", "evil"} {
					if got, err := s.Webhook(t.Context(), scope, w.ID); err == nil && got.URL != "" {
						used++
					}
					list, err := s.Webhooks(t.Context(), scope)
					if err != nil {
						t.Fatal(err)
					}
					for _, one := range list {
						if one.ID == w.ID && (one.URL != "" || len(one.Secrets) > 0) {
							used++
						}
					}
				}
				if used > 0 != want {
					t.Errorf("%s, %s: usable = %t, want %t", tt.name, name, used > 0, want)
				}
			}
			for _, scope := range []string{"acme", "evil"} {
				if err := lenient.DeleteScope(t.Context(), scope); err != nil {
					t.Fatal(err)
				}
			}
		}

		// Reseal brings secrets in clear, or sealed before, into the required form.
		for id, secret := range map[string][]byte{"clear": inClear, "w": older} {
			create("acme", id)
			exec(`UPDATE postrider_webhook SET sealed = $1, secret = $2 WHERE id = $3`, id == "w", secret, id)
			if w, err := strict.Webhook(t.Context(), "acme", id); err != nil || !errors.Is(w.Unreadable, webhook.ErrSealed) {
				t.Errorf("%s before Reseal: %v, %v; want Unreadable with ErrSealed", id, w.Unreadable, err)
			}
		}
		if n, err := strict.Reseal(t.Context()); n != 0 || !errors.Is(err, webhook.ErrSealed) {
			t.Errorf("Reseal with RequireSealed: %d, %v; want ErrSealed", n, err)
		}
		if n, err := lenient.Reseal(t.Context()); n != 2 || err != nil {
			t.Errorf("Reseal: %d, %v; want 2", n, err)
		}
		for _, id := range []string{"clear", "w"} {
			if got, err := strict.Webhook(t.Context(), "acme", id); err != nil || got.URL == "" {
				t.Errorf("%s after Reseal: %v, %v", id, got, err)
			}
		}
		if _, err := sqlstore.New(db, d.dialect, &sqlstore.Options{RequireSealed: true}); err == nil || !strings.Contains(err.Error(), "RequireSealed") {
			t.Errorf("RequireSealed without Seal: %v, want an error that names it", err)
		}
	})
}
