package project

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Rule: every row of docs/coverage.md names tests that exist, and no line is missing in a range of
// covered lines.
func TestCoverage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "\n| ") - strings.Count(string(text), "\n| line |"); n != len(rows) {
		t.Errorf("%d rows, of which %d have the form | line | requirement | package | tests |", n, len(rows))
	}
	tests := map[string]map[string]bool{}
	for _, row := range rows {
		line, pkg := row[1], strings.Trim(row[3], " `")
		if tests[pkg] == nil {
			tests[pkg] = testsOf(t, pkg)
		}
		for _, name := range strings.Split(row[4], ",") {
			name, _, _ = strings.Cut(strings.Trim(name, " `"), "/")
			if !tests[pkg][name] {
				t.Errorf("line %s: %s has no %s", line, pkg, name)
			}
		}
	}
	if len(rows) == 0 {
		t.Error("no rows were found")
	}
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w*)\(`)

func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(pkg), "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Errorf("package %s has no tests: %v", pkg, err)
	}
	names := map[string]bool{}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(src), -1) {
			names[m[1]] = true
		}
	}
	return names
}

// Rule: links of the documents lead to files that exist.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, doc := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md", "webhook/internal/proof/README.md", "docs/configuration.md", "docs/coverage.md", "docs/delivery.md", "docs/design.md", "docs/payloads.md", "docs/stores.md", "docs/performance.md", "docs/reliability.md", "docs/security.md"} {
		text, err := os.ReadFile(filepath.Join(root(t), doc))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
	}
}
