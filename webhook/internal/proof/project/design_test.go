package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// coreFolders are the folders whose files and goroutines the documents name.
var coreFolders = []string{"webhook", "webhook/internal/scheduler", "webhook/internal/transport"}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sources lists the files of the core that are no tests, from the repository's root.
func sources(t *testing.T) (files []string) {
	t.Helper()
	for _, folder := range coreFolders {
		found, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(folder), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !strings.HasSuffix(f, "_test.go") {
				files = append(files, folder+"/"+filepath.Base(f))
			}
		}
	}
	return files
}

// Rule: docs/delivery.md and docs/design.md together name every file of the core, and none that
// does not exist.
func TestFilesAreNamed(t *testing.T) {
	t.Parallel()
	var named []string
	file := regexp.MustCompile(`webhook/[a-z_/]*\.go`)
	for _, row := range strings.Split(document(t, "delivery.md")+document(t, "design.md"), "\n") {
		if strings.HasPrefix(row, "| ") {
			named = append(named, file.FindAllString(row, -1)...)
		}
	}
	slices.Sort(named)
	want := sources(t)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(named)); diff != "" {
		t.Errorf("files that the documents name (-tree +documents):\n%s", diff)
	}
}

// Rule: docs/design.md has a line, with the file, for each goroutine that the core starts, for each
// function that it gives to a worker, and for each timer that runs a function.
func TestGoroutinesAreNamed(t *testing.T) {
	t.Parallel()
	var named, started []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (webhook/\\S+\\.go) \\|").FindAllStringSubmatch(document(t, "design.md"), -1) {
		named = append(named, m[2]+" "+m[1])
	}
	for _, f := range sources(t) {
		for _, function := range starts(t, f) {
			started = append(started, f+" "+function)
		}
	}
	slices.Sort(named)
	slices.Sort(started)
	if diff := cmp.Diff(started, named); diff != "" {
		t.Errorf("goroutines (-tree +docs/design.md):\n%s", diff)
	}
	if len(started) < 10 {
		t.Errorf("only %d goroutines were found", len(started))
	}
}

// starts returns a name for each goroutine that a file starts: its first method, or the function
// that has the go statement.
func starts(t *testing.T, file string) (functions []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), filepath.FromSlash(file)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				name := f.Name.Name
				if method, ok := n.Call.Fun.(*ast.SelectorExpr); ok {
					name = method.Sel.Name
				}
				functions = append(functions, name)
			case *ast.CallExpr:
				method, ok := n.Fun.(*ast.SelectorExpr)
				switch {
				case !ok:
				case method.Sel.Name == "Go", method.Sel.Name == "AfterFunc":
					functions = append(functions, f.Name.Name)
				case isWorkers(method.X) && method.Sel.Name == "run":
					functions = append(functions, given(n.Args[0], f.Name.Name))
				}
			}
			return true
		})
	}
	return functions
}

// isWorkers reports whether an expression is the field workers of something.
func isWorkers(e ast.Expr) bool {
	field, ok := e.(*ast.SelectorExpr)
	return ok && field.Sel.Name == "workers"
}

// given names a function that is given to a worker: a method, or a literal that calls nothing but
// a method, by that method; any other by the function around it.
func given(function ast.Expr, around string) string {
	switch f := function.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.FuncLit:
		if len(f.Body.List) != 1 {
			break
		}
		if statement, ok := f.Body.List[0].(*ast.ExprStmt); ok {
			if call, ok := statement.X.(*ast.CallExpr); ok {
				if method, ok := call.Fun.(*ast.SelectorExpr); ok {
					return method.Sel.Name
				}
			}
		}
	}
	return around
}

// arrows reads the table of docs/design.md: the imports that each package may have.
func arrows(t *testing.T) map[string][]string {
	t.Helper()
	_, section, _ := strings.Cut(document(t, "design.md"), "## Who may know whom")
	section, _, _ = strings.Cut(section, "\n## ")
	table := map[string][]string{}
	name := regexp.MustCompile("`([a-z0-9/]+)`")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\|(.*)\\|$").FindAllStringSubmatch(section, -1) {
		table[m[1]] = []string{}
		for _, to := range name.FindAllStringSubmatch(m[2], -1) {
			table[m[1]] = append(table[m[1]], to[1])
		}
	}
	return table
}

// Rule: every package has a line in the table of docs/design.md and imports no more than its line,
// and the table allows nothing that the layout forbids.
func TestArrows(t *testing.T) {
	t.Parallel()
	table := arrows(t)
	out, err := inRoot(t, "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	packages := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], modulePath+"/")
		packages[from] = true
		may, ok := table[from]
		if !ok {
			t.Errorf("docs/design.md has no line for %s", from)
		}
		for _, imported := range fields[1:] {
			if to, ours := strings.CutPrefix(imported, modulePath+"/"); ours && !slices.Contains(may, to) {
				t.Errorf("%s imports %s, which docs/design.md does not allow", from, to)
			}
		}
	}
	for from, may := range table {
		if !packages[from] {
			t.Errorf("docs/design.md names %s, which is no package", from)
		}
		for _, to := range may {
			if !packages[to] || !mayImport(from, to) {
				t.Errorf("docs/design.md allows %s to import %s", from, to)
			}
		}
	}
}

// Rule: README can be read in one sitting, and the comment of package webhook fits on two screens
// and explains at most 20 words.
func TestLengths(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if n := strings.Count(read("README.md"), "\n"); n >= 200 {
		t.Errorf("README.md has %d lines", n)
	}
	comment := read("webhook/doc.go")
	if n := strings.Count(comment, "\n"); n > 110 {
		t.Errorf("webhook/doc.go has %d lines", n)
	}
	_, glossary, ok := strings.Cut(comment, "# Glossary")
	if n := strings.Count(glossary, "//   - "); !ok || n > 20 {
		t.Errorf("the glossary has %d words", n)
	}
	for _, section := range []string{"\thooks, err := webhook.New(", "# Concurrency"} {
		if !strings.Contains(comment, section) {
			t.Errorf("webhook/doc.go lacks %q", section)
		}
	}
}
