package webhook_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayConnect lists the places that may open connections of their own: the one transport, and the
// substitutes of receivers. Paths are slash-separated, from the module's root. Modules of their
// own, such as examples, are not searched: no host imports them.
var mayConnect = []string{
	"webhook/internal/transport/",
	"webhook/webhooktest/",
}

// connects are the names through which code reaches the network past the guard. A type
// may be named, as for a field, but no value of it be made.
var connects = map[string]struct{ use, make []string }{
	"net/http": {
		use:  []string{"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Client"},
		make: []string{"Transport"},
	},
	"net": {
		use:  []string{"Dial", "DialTimeout", "DialIP", "DialTCP", "DialUDP", "DialUnix"},
		make: []string{"Dialer"},
	},
	"crypto/tls": {use: []string{"Dial", "DialWithDialer", "Dialer", "Client"}},
}

// Rule: one function owns the only transport. A second client, for example of a test button, would
// bypass the guard.
func TestOneChokePoint(t *testing.T) {
	t.Parallel()
	root, files := filepath.Clean(".."), 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		switch {
		case e.IsDir() && rel != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || isModule(path)):
			return fs.SkipDir
		case e.IsDir(), !strings.HasSuffix(rel, ".go"), strings.HasSuffix(rel, "_test.go"):
			return nil
		case slices.ContainsFunc(mayConnect, func(p string) bool { return strings.HasPrefix(rel, p) }):
			return nil
		}
		files++
		set := gotoken.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, found := range connections(set, f) {
			t.Errorf("%s", found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d files were looked at", files)
	}
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// The search finds each way past the guard, also under another name.
func TestOneChokePointFinds(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		`import "net/http"; var c = http.DefaultClient`,
		`import "net/http"; var c http.Client`,
		`import "net/http"; var c = &http.Client{}`,
		`import h "net/http"; var t = h.DefaultTransport`,
		`import "net/http"; func f() { http.Post("", "", nil) }`,
		`import "net/http"; var t = &http.Transport{}`,
		`import "net/http"; var t = new(http.Transport)`,
		`import "net/http"; var t http.Transport`,
		`import "net"; var d = net.Dialer{}`,
		`import "net"; var d = new(net.Dialer)`,
		`import "net"; func f() { net.Dial("tcp", "") }`,
		`import . "net"; func f() { Dial("tcp", "") }`,
		`import "crypto/tls"; func f() { tls.Dial("tcp", "", nil) }`,
	} {
		set := gotoken.NewFileSet()
		f, err := parser.ParseFile(set, "x.go", "package x; "+code, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(connections(set, f)) == 0 {
			t.Errorf("not found: %s", code)
		}
	}
	set := gotoken.NewFileSet()
	f, err := parser.ParseFile(set, "x.go", `package x; import "net/http"; type s struct { own *http.Transport }`, 0)
	if err != nil || len(connections(set, f)) != 0 {
		t.Errorf("a pointer to a transport is no transport: %v, %v", connections(set, f), err)
	}
}

// connections lists the places where a file could open a connection.
func connections(set *gotoken.FileSet, f *ast.File) (found []string) {
	names := map[string]string{} // of packages, in this file
	for _, spec := range f.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if _, watched := connects[path]; !watched {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			found = append(found, set.Position(spec.Pos()).String()+": import of "+path+" without a name")
		}
		names[name] = path
	}
	pointers := map[ast.Node]bool{} // types behind a star: named, not made
	ast.Inspect(f, func(n ast.Node) bool {
		if star, ok := n.(*ast.StarExpr); ok {
			pointers[star.X] = true
		}
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		c := connects[names[pkg.Name]]
		if slices.Contains(c.use, sel.Sel.Name) || slices.Contains(c.make, sel.Sel.Name) && !pointers[sel] {
			found = append(found, set.Position(sel.Pos()).String()+": "+pkg.Name+"."+sel.Sel.Name)
		}
		return true
	})
	return found
}
