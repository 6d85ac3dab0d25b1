// Package wire_test proves package transport over real sockets: connections that break or grow old,
// name servers that fail, proxies of both kinds.
package wire_test

import (
	"testing"

	"github.com/postrider/postrider/internal/leak"
)

// TestMain fails the run when goroutines are left behind.
func TestMain(m *testing.M) { leak.Main(m) }
