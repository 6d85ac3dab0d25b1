package webhook_test

import (
	"testing"

	"github.com/postrider/postrider/internal/hostile/matrix"
	"github.com/postrider/postrider/webhook"
)

// TestFaultMatrix holds every fault of the network and of HTTP against every profile. Each
// subtest is one row for one profile; what holds in all of them is in the package's
// invariants.go.
func TestFaultMatrix(t *testing.T) { // not parallel: it counts goroutines and file descriptors
	matrix.Run(t, matrix.Setting{
		Store:     func(t testing.TB) webhook.Store { return newStore(t) },
		SetBounds: func(d *webhook.Dispatcher, b matrix.Bounds) { webhook.SetBounds(d, webhook.Bounds(b)) },
	})
}
