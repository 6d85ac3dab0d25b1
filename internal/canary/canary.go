// Package canary finds secrets where they must not be: a test plants unique words, and looks for
// them in everything that a host could log, show or keep. It is for tests.
package canary

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// Notes collects texts, such as a log, and values. The zero value is empty. It is safe for
// concurrent use.
type Notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the notes.
func (n *Notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

// String returns all notes.
func (n *Notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// Add adds values in every form in which hosts print, log and encode them.
func (n *Notes) Add(what string, vs ...any) {
	for _, v := range vs {
		fmt.Fprintf(n, "%s: %v | %+v | %#v\n", what, v, v, v)
		slog.New(slog.NewTextHandler(n, nil)).Info(what, "v", v)
		slog.New(slog.NewJSONHandler(n, nil)).Info(what, "v", v)
	}
}

// MustNotHold fails the test for every word that is in the notes, and shows where.
func (n *Notes) MustNotHold(t testing.TB, words ...string) {
	t.Helper()
	text := n.String()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			t.Errorf("%q got out: ...%s...", word, text[max(0, at-300):min(len(text), at+100)])
		}
	}
}
