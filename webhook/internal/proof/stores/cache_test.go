package stores_test

import (
	"errors"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// TestCachedWebhooks: cached webhooks are those of the last read. An Enqueue of deliveries made
// from them is refused once they have changed, also by SQL.
func TestCachedWebhooks(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 1)
		hooks := f.hooks("m", 2, true)
		other := d.store(t, nil)
		if _, ok := f.store.CachedWebhooks("acme"); ok {
			t.Error("webhooks are known before they were read")
		}
		read := func() []webhook.Webhook {
			t.Helper()
			if _, err := f.store.Webhooks(t.Context(), "acme"); err != nil {
				t.Fatal(err)
			}
			ws, ok := f.store.CachedWebhooks("acme")
			if !ok || len(ws) == 0 || ws[0].Seen == 0 {
				t.Fatalf("remembered %d, %t", len(ws), ok)
			}
			return ws
		}
		enqueue := func(seen int64) error {
			dl := f.delivery(hooks[0], now())
			dl.Seen = seen
			_, err := f.store.Enqueue(t.Context(), []webhook.Delivery{dl})
			return err
		}
		if err := enqueue(read()[0].Seen); err != nil {
			t.Fatal(err)
		}
		db := d.open(t)
		for _, tc := range []struct {
			name   string
			change func() error
		}{
			{"update by another Store", func() error {
				w, err := other.Webhook(t.Context(), "acme", hooks[0])
				if err == nil {
					w.Name = "renamed"
					err = other.Update(t.Context(), w)
				}
				return err
			}},
			{"update in SQL", func() error {
				_, err := db.Exec(`UPDATE postrider_webhook SET active = false WHERE id = $1`, hooks[1])
				return err
			}},
			{"insert in SQL", func() error {
				_, err := db.Exec(`INSERT INTO postrider_webhook SELECT 'copy', scope, created, active, expires, version, data, sealed, secret
 FROM postrider_webhook WHERE id = $1`, hooks[1])
				return err
			}},
			{"move in SQL", func() error {
				_, err := db.Exec(`UPDATE postrider_webhook SET scope = 'other' WHERE id = 'copy'`)
				return err
			}},
			{"delete in SQL", func() error {
				_, err := db.Exec(`DELETE FROM postrider_webhook WHERE id = $1`, hooks[1])
				return err
			}},
			{"create by another Store", func() error {
				return other.Create(t.Context(), webhook.Webhook{ID: "third", Scope: "acme", Name: "third", URL: "https://example.com"}, 0)
			}},
		} {
			name, seen := tc.name, read()[0].Seen
			if err := tc.change(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := enqueue(seen); !errors.Is(err, webhook.ErrStale) || errors.Is(err, webhook.ErrUnknown) {
				t.Errorf("%s: Enqueue: %v, want ErrStale", name, err)
			}
			if _, ok := f.store.CachedWebhooks("acme"); ok {
				t.Errorf("%s: the webhooks are remembered after ErrStale", name)
			}
			if err := enqueue(read()[0].Seen); err != nil {
				t.Errorf("%s: Enqueue after another read: %v", name, err)
			}
		}
		if err := other.DeleteScope(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if err := f.store.Create(t.Context(), webhook.Webhook{ID: hooks[0], Scope: "acme", Name: "again", URL: "https://example.com"}, 0); err != nil {
			t.Fatal(err)
		}
		if err := enqueue(1); !errors.Is(err, webhook.ErrStale) {
			t.Errorf("a count was given again after the scope was deleted: %v", err)
		}
	})
}
