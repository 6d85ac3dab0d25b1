package matrix_test

import (
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/matrix"
	"github.com/postrider/postrider/webhook/internal/testhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// TestFaultMatrix tests every fault of the network and of HTTP for every profile. Each subtest is
// one row for one profile; invariants.go has the rules for all of them.
func TestFaultMatrix(t *testing.T) { // not parallel: it counts goroutines and file descriptors
	matrix.Run(t, matrix.Setting{
		Store:     newMemory,
		SetBounds: func(d *webhook.Dispatcher, b matrix.Bounds) { testhook.SetBounds(d, testhook.Bounds(b)) },
	})
}

func newMemory(t testing.TB) webhook.Store {
	t.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
