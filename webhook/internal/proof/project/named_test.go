package project

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Rule: where a document names a test as `./package TestName`, the package has it; and every
// threat in docs/security.md names one.
func TestNamedTests(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`\\./([a-z0-9_/]+) ((?:Test|Fuzz|Benchmark)\\w+)(?:/[^`]*)?`")
	tests := map[string]map[string]bool{}
	for _, doc := range []string{"reliability.md", "security.md"} {
		text, err := os.ReadFile(filepath.Join(root(t), "docs", doc))
		if err != nil {
			t.Fatal(err)
		}
		found := named.FindAllStringSubmatch(string(text), -1)
		for _, m := range found {
			pkg, name := m[1], m[2]
			if tests[pkg] == nil {
				tests[pkg] = testsOf(t, pkg)
			}
			if !tests[pkg][name] {
				t.Errorf("docs/%s: %s has no %s", doc, pkg, name)
			}
		}
		if n := strings.Count(string(text), "`./"); n != len(found) {
			t.Errorf("docs/%s: %d names begin with `./, of which %d have the form `./package TestName`", doc, n, len(found))
		}
	}
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	threats := regexp.MustCompile(`(?m)^\| T\d+ \|.*`).FindAllString(string(text), -1)
	for _, threat := range threats {
		if !named.MatchString(threat) {
			t.Errorf("docs/security.md names no test: %s", threat)
		}
	}
	if len(threats) < 22 {
		t.Errorf("docs/security.md has %d threats", len(threats))
	}
}
