package boltstore_test

import (
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/postrider/postrider/examples/boltstore"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

// open opens a Store over a file. Commits do not wait for the disk, which the tests do not check.
func open(t *testing.T, file string) (*boltstore.Store, *bolt.DB) {
	t.Helper()
	db, err := bolt.Open(file, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	store, err := boltstore.New(db)
	if err != nil {
		t.Fatal(err)
	}
	return store, db
}

func TestStore(t *testing.T) {
	store, _ := open(t, filepath.Join(t.TempDir(), "bolt"))
	storetest.RunAll(t, func(*testing.T) webhook.Store { return store })
}

func TestDurable(t *testing.T) {
	storetest.RunDurable(t, func(t *testing.T) (webhook.Store, func() webhook.Store) {
		file := filepath.Join(t.TempDir(), "bolt")
		first, db := open(t, file)
		return first, func() webhook.Store {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			again, _ := open(t, file)
			return again
		}
	})
}
