package project

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Rule: a test that is skipped because a program or a port is missing fails where CI is set: a
// check of CI stands next to every Skip.
func TestSkips(t *testing.T) {
	t.Parallel()
	skip := regexp.MustCompile(`\.Skip(f|Now)?\(`)
	found := 0
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root(t), path)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); !skip.Match(src) || name == "webhook/internal/proof/project/skips_test.go" {
			return nil
		}
		found++
		if !strings.Contains(string(src), `os.Getenv("CI")`) {
			t.Errorf("%s skips a test in CI too: it must fail there", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 3 {
		t.Errorf("only %d files with skips were found", found)
	}
}
