package matrix

import (
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// atBaseLine fails the test when it leaves goroutines or open files behind after some time. No
// other test may run beside it.
func atBaseLine(t *testing.T) {
	t.Helper()
	if lis, err := net.Listen("tcp4", "127.0.0.1:0"); err == nil { // the runtime opens its own files at first use
		_ = lis.Close()
	}
	goroutines, files := runtime.NumGoroutine(), openFiles()
	t.Cleanup(func() {
		deadline := time.Now().Add(10 * time.Second)
		for runtime.NumGoroutine() > goroutines || openFiles() > files {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<18)
				t.Errorf("I8: %d goroutines, before %d; %d open files, before %d\n%s", runtime.NumGoroutine(), goroutines,
					openFiles(), files, stacks[:runtime.Stack(stacks, true)])
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// openFiles counts file descriptors, where the system lists them.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
