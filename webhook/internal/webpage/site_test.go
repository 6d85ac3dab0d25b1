package webpage_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/webpage"
)

// leanRules is the served stylesheet of files: without comments and unneeded space.
const leanRules = `.own{color:red}.a>b,p + q{margin:0 1px}.c:not(.d)::after{content:"✕ " / ""}`

func files(change map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range map[string]string{
		"pages/layout.html": `{{define "layout"}}<title>{{.}}</title>{{template "content" .}}{{end}}`,
		"pages/parts.html":  `{{define "part"}}<b>{{.}}</b>{{end}}`,
		"pages/list.html":   `{{define "content"}}list {{template "part" .}}{{end}}`,
		"pages/one.html":    `{{define "content"}}one {{.Missing}}{{end}}`,
		"assets/app.css":    "/* The site's own:\nred. */\n.own { color: red; }\n.a > b, p + q {\n  margin: 0 1px;\n}\n.c:not(.d)::after { content: \"✕ \" / \"\"; }\n",
	} {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range change {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func load(t *testing.T) *webpage.Site {
	t.Helper()
	s, err := webpage.Load(files(nil), "app", "\n.host { top: 0; }")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Rule: a page is the layout with the definitions of the page, and a failing page writes no
// answer.
func TestRender(t *testing.T) {
	t.Parallel()
	s := load(t)
	w := httptest.NewRecorder()
	if err := s.Render(w, http.StatusTeapot, "list", "<x>"); err != nil {
		t.Fatal(err)
	}
	if want := "<title>&lt;x&gt;</title>list <b>&lt;x&gt;</b>"; w.Code != http.StatusTeapot || w.Body.String() != want {
		t.Errorf("status %d, %q, want %q", w.Code, w.Body, want)
	}
	for _, name := range []string{"one", "layout", "nothing"} {
		w := httptest.NewRecorder()
		if err := s.Render(w, http.StatusTeapot, name, "<x>"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one that names the page", name, err)
		}
		if w.Body.Len() > 0 || len(w.Result().Header) > 0 {
			t.Errorf("%s: something was written: %q", name, w.Body)
		}
	}
}

// Rule: Load refuses an invalid site.
func TestLoad(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]string{
		"a broken page":   {"pages/list.html": `{{define "content"}}`},
		"a broken layout": {"pages/layout.html": `{{end}}`},
	} {
		if _, err := webpage.Load(files(change), "app", ""); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := webpage.Load(files(nil), "other", ""); err == nil {
		t.Error("a site without a stylesheet was accepted")
	}
}

// Rule: the stylesheet is the common part, the site's part, and the host's rules unchanged. Browsers may
// cache assets. An asset is not sent again to a browser that has it, and can only be read.
func TestServeAsset(t *testing.T) {
	t.Parallel()
	s := load(t)
	serve := func(method, path string, header ...string) (*httptest.ResponseRecorder, bool) {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		return w, s.ServeAsset(w, r)
	}
	css, ok := serve(http.MethodGet, "/"+s.CSS)
	if text := css.Body.String(); !ok || !strings.HasPrefix(text, ":root{") || !strings.HasSuffix(text, "}"+leanRules+"\n.host { top: 0; }") {
		t.Errorf("stylesheet: %v, %q", ok, text)
	}
	if js, _ := serve(http.MethodGet, "/"+s.JS); !strings.HasPrefix(js.Body.String(), "\"use strict\";\n(() => {\ndocument.") || strings.Contains(js.Body.String(), "// ") {
		t.Errorf("the script has comments or space for readers:\n%s", js.Body)
	}
	js, ok := serve(http.MethodHead, "/"+s.JS)
	if !ok || js.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.HasPrefix(js.Header().Get("Cache-Control"), "public") {
		t.Errorf("script: %v, %v", ok, js.Header())
	}
	again, ok := serve(http.MethodGet, "/"+s.CSS, "If-None-Match", css.Header().Get("ETag"))
	if !ok || again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("a browser that has it: %v, status %d, %d bytes", ok, again.Code, again.Body.Len())
	}
	for _, request := range [][2]string{{http.MethodPost, "/" + s.CSS}, {http.MethodGet, "/assets/other.css"}, {http.MethodGet, "/pages/list.html"}, {http.MethodGet, "/"}} {
		if w, ok := serve(request[0], request[1]); ok || w.Body.Len() > 0 {
			t.Errorf("%v was served", request)
		}
	}
	other, err := webpage.Load(files(map[string]string{"assets/app.css": ".other {}"}), "app", "")
	if err != nil || other.CSS == s.CSS || other.JS != s.JS {
		t.Errorf("links %q and %q of a site with another stylesheet, error %v", other.CSS, other.JS, err)
	}
}

// Rule: a path with empty or relative segments is not clean.
func TestClean(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{"/": true, "/add": true, "/add/": true, "/a//b": false, "//": false, "/a/../b": false, "/./": false, "/a/.": false, "a": true} {
		if got := webpage.Clean(path); got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
}

// Rule: the script gets 304 for unchanged content; a reload by a person does not.
func TestNotModified(t *testing.T) {
	t.Parallel()
	tag := webpage.Tag("list", 1)
	if tag == webpage.Tag("list", 2) || tag != webpage.Tag("list", 1) || webpage.Tag(func() {}) != "" {
		t.Error("different contents have the same tag")
	}
	for _, tt := range []struct {
		live, has, tag string
		want           bool
	}{{"1", tag, tag, true}, {"", tag, tag, false}, {"1", `"other"`, tag, false}, {"1", "", tag, false}, {"1", "", "", false}} {
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		r.Header.Set("X-Postrider-Live", tt.live)
		r.Header.Set("If-None-Match", tt.has)
		if got := webpage.NotModified(w, r, tt.tag); got != tt.want || (w.Code == http.StatusNotModified) != tt.want || w.Header().Get("ETag") != tt.tag {
			t.Errorf("%+v: %t, status %d, tag %q", tt, got, w.Code, w.Header().Get("ETag"))
		}
	}
}

// Rule: links are relative, at any depth and below any mount.
func TestRelativeLinks(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, path := range []string{"/", "/add", "/webhooks/a", "/webhooks/a%2Fb", "/webhooks/a/deliveries/d"} {
		got[path] = webpage.Root(httptest.NewRequest(http.MethodGet, path, nil))
	}
	want := map[string]string{"/": "./", "/add": "./", "/webhooks/a": "../", "/webhooks/a%2Fb": "../", "/webhooks/a/deliveries/d": "../../../"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for path, want := range map[string]string{"/in/here": "./here/", "/in/here?x=/y": "./here/", "/in/here/": "", "/in/here/add": ""} {
		w := httptest.NewRecorder()
		moved := false
		http.StripPrefix("/in/here", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { moved = webpage.ToRoot(w, r) })).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if to := w.Header().Get("Location"); moved != (want != "") || to != want {
			t.Errorf("%s: redirected %v to %q, want %q", path, moved, to, want)
		}
	}
}
