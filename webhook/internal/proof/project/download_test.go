package project

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// helpers are packages that tests of the root module share. No host can import them; they are in
// the download because those tests are.
var helpers = []string{"internal/canary", "internal/leak"}

// Rule: the download of the root module has no code that only proves it. Each package in it is one
// that a host may import, a dependency of such a package, or a helper of the module's own tests.
func TestDownload(t *testing.T) {
	t.Parallel()
	dir, files := download(t)
	wanted := slices.Concat(helpers, needed(t, dir))
	for _, f := range files {
		if strings.HasSuffix(f, ".go") && !strings.Contains(f, "/testdata/") && !slices.Contains(wanted, path.Dir(f)) {
			t.Errorf("the download has %s, which no host needs", f)
		}
		for _, folder := range []string{"examples/", "webhook/internal/proof/", "internal/bench/", "internal/e2e/", "internal/oracle/"} {
			if strings.HasPrefix(f, folder) {
				t.Errorf("the download has %s", f)
			}
		}
	}
	for _, h := range helpers {
		if !slices.ContainsFunc(files, func(f string) bool { return path.Dir(f) == h }) {
			t.Errorf("%s is no longer there", h)
		}
	}
	if len(files) < 400 {
		t.Errorf("the download has only %d files", len(files))
	}
}

// download makes the archive of the root module that a proxy would serve, and unpacks it like go
// mod download.
func download(t *testing.T) (dir string, files []string) {
	t.Helper()
	version := module.Version{Path: modulePath, Version: "v0.1.0"}
	archive := filepath.Join(t.TempDir(), "module.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	err = zip.CreateFromDir(f, version, root(t))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatal(err)
	}
	checked, err := zip.CheckZip(version, archive)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "copy")
	if err := zip.Unzip(dir, version, archive); err != nil {
		t.Fatal(err)
	}
	for _, name := range checked.Valid {
		files = append(files, strings.TrimPrefix(name, version.String()+"/"))
	}
	return dir, files
}

// needed lists the folders of the packages that a host may import, and of their imports.
func needed(t *testing.T, dir string) (folders []string) {
	t.Helper()
	list := func(args ...string) []string {
		cmd := exec.Command("go", append([]string{"list"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(cmd.Environ(), "GOWORK=off")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list in the download: %v", err)
		}
		return strings.Fields(string(out))
	}
	public := slices.DeleteFunc(list("./..."), func(p string) bool { return strings.Contains(p+"/", "/internal/") })
	for _, p := range list(append([]string{"-deps"}, public...)...) {
		if folder, ok := strings.CutPrefix(p, modulePath+"/"); ok {
			folders = append(folders, folder)
		}
	}
	return folders
}
