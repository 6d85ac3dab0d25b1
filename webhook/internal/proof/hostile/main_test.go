package hostile_test

import (
	"testing"

	"github.com/postrider/postrider/internal/leak"
)

// TestMain fails the run when goroutines are left behind.
func TestMain(m *testing.M) { leak.Main(m) }
