package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Rule: tables replace the text between the marks, and nothing else.
func TestInsert(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(name, []byte("above\n"+docBegin+"\nold\n"+docEnd+"\nbelow\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over its own output
		if err := insert(name, []byte("new")); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := "above\n" + docBegin + "\nnew\n" + docEnd + "\nbelow\n"; string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := os.WriteFile(name, []byte("no marks"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := insert(name, nil); err == nil {
		t.Error("a document without marks was written")
	}
}

// Rule: the document that the command fills has the marks, and explains limits and method outside
// of them, where a run does not overwrite it.
func TestDocument(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), docBegin+"\n")
	_, after, ok2 := strings.Cut(rest, docEnd)
	if !ok1 || !ok2 {
		t.Fatal("the marks are missing")
	}
	kept := before + after
	for _, heading := range []string{"## How it is measured", "## What limits it", "## Past one machine", "## The guard"} {
		if !strings.Contains(kept, heading+"\n") {
			t.Errorf("%q is missing or would be overwritten", heading)
		}
	}
}

// Rule: in an open loop, the share in time is counted over the events after the warm-up to
// endpoints that answer.
func TestJob_healthy(t *testing.T) {
	t.Parallel()
	j := job{Rate: 500, Seconds: 2, Endpoints: 10, Hanging: 3}
	warm, n := j.events()
	if warm != 500 || n != 1000 {
		t.Errorf("%d to warm up, %d that count; want 500, 1000", warm, n)
	}
	if got := j.healthy(warm, warm+n); got != 700 {
		t.Errorf("%d healthy, want 700", got)
	}
}
