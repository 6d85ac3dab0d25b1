package stores_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
	"github.com/postrider/postrider/webhook/storetest"
)

// numbered opens Stores on separate tables in one database.
func numbered(d database, o sqlstore.Options) func(t *testing.T) webhook.Store {
	n := 0
	return func(t *testing.T) webhook.Store {
		n++
		o := o
		o.Prefix = fmt.Sprintf("t%d_", n)
		return d.migrated(t, &o)
	}
}

// TestStore runs the conformance suite, each case on its own tables.
func TestStore(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		storetest.RunAll(t, numbered(d, sqlstore.Options{}))
	})
}

// TestStoreCounts runs the settling cases on a Store that counts attempts.
func TestStoreCounts(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.migrated(t, &sqlstore.Options{Counters: true})
		open := func(*testing.T) webhook.Store { return s }
		storetest.Run(t, open)
		storetest.RunHistory(t, open)
		storetest.RunCounters(t, open)
	})
}

// TestStoreLosesAnswers runs the suite on a connection whose answers get lost.
func TestStoreLosesAnswers(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db, l := openLossy(t, d)
		s, err := sqlstore.New(db, d.dialect, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		storetest.Run(t, func(*testing.T) webhook.Store { return s }, storetest.WithLostAnswers(l.lost.Store))
	})
}

// TestStoreUnreadable runs the suite on sealed webhooks, some of which cannot be opened.
func TestStoreUnreadable(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		keys := &keys{away: make(map[string]bool)}
		s := d.migrated(t, &sqlstore.Options{Seal: keys.seal, Open: keys.open})
		open := func(*testing.T) webhook.Store { return s }
		storetest.Run(t, open, storetest.WithUnreadable(func(_ context.Context, w webhook.Webhook, sealed bool) error {
			keys.set(w.ID, sealed)
			return nil
		}))
		storetest.RunRegistry(t, open)
	})
}

// TestDurable closes a pool, like the end of a process, and opens another one.
func TestDurable(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		storetest.RunDurable(t, func(t *testing.T) (webhook.Store, func() webhook.Store) {
			db := d.open(t)
			s, err := sqlstore.New(db, d.dialect, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			return s, func() webhook.Store {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
				return d.store(t, nil)
			}
		})
	})
}

// TestShared has two Stores with separate pools on the same tables.
func TestShared(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		storetest.RunShared(t, func(t *testing.T) (a, b webhook.Store) { return d.migrated(t, nil), d.store(t, nil) })
	})
}
