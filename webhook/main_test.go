package webhook_test

import (
	"testing"

	"github.com/postrider/postrider/internal/leak"
)

// TestMain fails the run if goroutines are left.
func TestMain(m *testing.M) { leak.Main(m) }
