// Package leak makes a test run fail when goroutines are left behind. It is for tests.
package leak

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is the time for goroutines to end.
const patience = 5 * time.Second

// Main runs the tests of a package and exits. TestMain calls it.
//
// Main looks a name up before them. The first look-up of a process makes channels of package net.
// If it were in a bubble of synctest, each look-up outside this bubble would end the process.
func Main(m *testing.M) {
	_, _ = (&net.Resolver{PreferGo: true, Dial: noDial}).LookupHost(context.Background(), "leak.invalid.")
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // the fuzzer leaves its own goroutine
	if code == 0 && !fuzzing {
		if stacks := Left(); stacks != "" {
			fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", stacks)
			code = 1
		}
	}
	os.Exit(code)
}

func noDial(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }

// Left returns the stacks of all goroutines but the calling one, after a time for them to end; ""
// when none is left.
func Left() string {
	buf := make([]byte, 1<<20)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		var left []string
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if !strings.Contains(g, "internal/leak.Left(") && !strings.Contains(g, "os/signal.") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
		if time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
