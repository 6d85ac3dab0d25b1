package storetest_test

import (
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/storetest"
)

// One test of your package, here called TestStore, proves your own Store. Each case opens a Store.
func ExampleRunAll() {
	_ = func(t *testing.T) { // func TestStore
		storetest.RunAll(t, func(t *testing.T) webhook.Store {
			store, err := memstore.New(nil) // open your own Store here
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			return store
		})
	}
}
