package stores_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestCanary: no error of a Store, and no log of a Store, its options and its results, holds a
// secret, the value of a header, a URL path or a key, in any state of the rows.
func TestCanary(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		ctx := t.Context()
		key := sqlstore.Key{ID: "k1", Bytes: []byte("keyCanary-0123456789abcdef012345")}
		ring, err := sqlstore.NewKeyring(key)
		if err != nil {
			t.Fatal(err)
		}
		o := &sqlstore.Options{Seal: ring.Seal, Open: ring.Open}
		clear, sealed := d.migrated(t, nil), d.migrated(t, o)

		var all strings.Builder
		failed := 0
		note := func(what string, vs ...any) {
			for _, v := range vs {
				if err, ok := v.(error); ok && err != nil {
					failed++
					for ; err != nil; err = errors.Unwrap(err) {
						fmt.Fprintf(&all, "%s: %v | %+v | %#v\n", what, err, err, err)
					}
				}
				fmt.Fprintf(&all, "%s: %v | %+v | %#v | %s\n", what, v, v, v, v)
				slog.New(slog.NewJSONHandler(&all, nil)).Info(what, "v", v)
			}
		}
		for i, s := range []*sqlstore.Store{clear, sealed} {
			w := webhook.Webhook{ID: fmt.Sprint("wh_", i), Scope: "acme", Name: "Ops", Active: true, Version: 1,
				URL:     "https://hooks.example.com/pathCanary?q=queryCanary",
				Secrets: []webhook.Secret{webhook.NewSecret("secretCanary")}, Headers: map[string]string{"X-Key": "headerCanary"}}
			note("create", s.Create(ctx, w, 0))
			note("create again", s.Create(ctx, w, 0))
			other := w
			other.ID = "third"
			note("beyond the limit", s.Create(ctx, other, 1))
			other.ID = "nul\x00"
			note("no text", s.Create(ctx, other, 0), s.Update(ctx, other))
			other = w
			other.Version = 99
			note("conflict", s.Update(ctx, other))
			dl := webhook.Delivery{ID: "dlv_" + w.ID, EventID: "evt_1", WebhookID: w.ID, Scope: "acme", Type: "taskSuccess", Due: time.Now().Add(-time.Minute)}
			_, err := s.Enqueue(ctx, []webhook.Delivery{dl})
			note("enqueue", err)
			look := func(what string) {
				got, err := s.Webhook(ctx, "acme", w.ID)
				note(what+": webhook", got, err)
				list, err := s.Webhooks(ctx, "acme")
				note(what+": webhooks", list, err)
				b, err := s.Claim(ctx, webhook.Claim{Now: time.Now(), Until: time.Now().Add(time.Minute), Lease: 1, Lanes: []webhook.LaneClaim{{Lane: laneOf(w.ID), Most: 10}}})
				note(what+": claim", b, err)
				note(what+": store", s)
			}
			look("as stored")
			broken := `{"url":"https://hooks.example.com/pathCanary","secrets":["secretCanary"`
			for column, value := range map[string]any{"secret": []byte(broken), "data": broken} {
				if _, err := d.open(t).Exec(`UPDATE postrider_webhook SET `+column+` = $1 WHERE id = $2`, value, w.ID); err != nil {
					t.Fatal(err)
				}
				look(column + " is no JSON")
			}
		}
		_, err = sqlstore.NewKeyring(sqlstore.Key{ID: "k2", Bytes: key.Bytes[:20]})
		note("a short key", err)
		note("the same key twice", second(sqlstore.NewKeyring(key, key)))
		note("keys and options", key, &key, ring, o)
		if failed < 10 {
			t.Errorf("%d errors were seen, want 10 at least:\n%s", failed, all.String())
		}
		for _, canary := range []string{"Canary", fmt.Sprint([]byte("secretCanary"))[1:20], fmt.Sprint(key.Bytes)[1:30]} {
			if at := strings.Index(all.String(), canary); at >= 0 {
				t.Errorf("%q got out: ...%s...", canary, all.String()[max(0, at-300):min(all.Len(), at+100)])
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }
