package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Shared is the server of a test binary: its first use starts it, Close stops it.
type Shared struct {
	// Settings are those of Start. A server that PortVariable names keeps its own.
	Settings []string

	once      sync.Once
	s         *Server
	err       error
	databases atomic.Int64
}

// Main runs the tests of a package, stops the server if there is one, and exits. TestMain calls it.
func (h *Shared) Main(m *testing.M) {
	code := m.Run()
	h.Close()
	os.Exit(code)
}

// Database makes an empty database on the server and returns its DSN. The options are those of
// createdb.
func (h *Shared) Database(t testing.TB, options ...string) string {
	t.Helper()
	s := h.Server(t)
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), h.databases.Add(1))
	if err := s.Create(t.Context(), name, options...); err != nil {
		t.Fatal(err)
	}
	return s.DSN(name)
}

// Server returns the server. Where PostgreSQL is not installed it skips the test and says so once,
// or fails it if CI is set, where nothing may be skipped.
func (h *Shared) Server(t testing.TB) *Server {
	t.Helper()
	h.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if port := os.Getenv(PortVariable); port != "" {
			h.s, h.err = shared(port)
			return
		}
		if h.s, h.err = Start(ctx, h.Settings...); errors.Is(h.err, ErrMissing) {
			fmt.Fprintf(os.Stderr, "\n*** NOT TESTED ON POSTGRESQL ***\n%v\n\n", h.err)
		}
	})
	switch {
	case h.err == nil:
	case errors.Is(h.err, ErrMissing) && os.Getenv("CI") == "":
		t.Skip(h.err)
	default:
		t.Fatal(h.err)
	}
	return h.s
}

// Close stops the server if there is one.
func (h *Shared) Close() {
	if h.s != nil {
		h.s.Stop()
	}
}
