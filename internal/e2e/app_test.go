package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startApp builds and starts the example application and returns its address. It ends, with exit
// code 0, at the end of the test.
func startApp(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "taskapp")
	build := exec.Command("go", "build", "-o", bin, "./taskapp")
	build.Dir = filepath.Join("..", "..", "examples")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build taskapp: %v\n%s", err, out)
	}
	app := exec.Command(bin, "-port", "0")
	app.Stderr = os.Stderr
	out, err := app.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "open "); ok {
				address <- strings.TrimSuffix(url, "/")
			}
		}
	}()
	t.Cleanup(func() {
		_ = app.Process.Signal(syscall.SIGTERM)
		<-read
		if err := app.Wait(); err != nil {
			t.Errorf("taskapp: %v", err)
		}
	})
	select {
	case url := <-address:
		return url
	case <-time.After(20 * time.Second):
		t.Fatal("taskapp printed no address")
	}
	return ""
}

// need returns the path of a program. Without it the test is skipped, with a message; CI must have
// it.
func need(t *testing.T, advice string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, fmt.Sprintf("none of %v is installed: %s", names, advice))
	return ""
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI must not skip this test: %s", what)
	}
	t.Skipf("SKIPPED, nothing was tested: %s", what)
}
