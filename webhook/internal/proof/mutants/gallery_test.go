package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Rule: every mutation still applies to the code, exactly once, and has a unique name.
func TestGalleryApplies(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range gallery {
		src, err := os.ReadFile(filepath.Join("..", "..", "..", "..", filepath.FromSlash(m.file)))
		if err != nil {
			t.Error(err)
			continue
		}
		if n := bytes.Count(src, []byte(m.old)); n != 1 {
			t.Errorf("%s: what it replaces stands in %s %d times", m.name, m.file, n)
		}
		if seen[m.name] || m.old == m.new {
			t.Errorf("%s: named twice, or changes nothing", m.name)
		}
		seen[m.name] = true
	}
	if len(gallery) < 15 {
		t.Errorf("only %d mutations", len(gallery))
	}
}
