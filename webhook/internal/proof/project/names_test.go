package project

import (
	"strings"
	"testing"
)

// Rule: any two packages of the module can be imported together without an alias: each has a unique
// name, that of its folder.
func TestPackageNames(t *testing.T) {
	t.Parallel()
	out, err := inRoot(t, "go", "list", "-f", `{{.Name}} {{.ImportPath}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	paths := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "main" {
			continue // cannot be imported
		}
		if !strings.HasSuffix(path, "/"+name) {
			t.Errorf("package %s lies in %s", name, path)
		}
		if other := paths[name]; other != "" {
			t.Errorf("%s and %s have one name", other, path)
		}
		paths[name] = path
	}
	if len(paths) < 20 {
		t.Errorf("only %d packages were found: does go list still answer as expected?", len(paths))
	}
}
