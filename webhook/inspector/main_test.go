package inspector_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain fails the run when goroutines are left.
func TestMain(m *testing.M) {
	code := m.Run()
	for range 100 {
		if runtime.NumGoroutine() <= 2 {
			os.Exit(code)
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", stacks[:runtime.Stack(stacks, true)])
	os.Exit(1)
}
