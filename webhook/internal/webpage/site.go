// Package webpage serves HTML pages with a stylesheet and a script. Packages settings and
// inspector use it.
//
// A site is a folder of templates, pages/*.html, and a stylesheet, assets/NAME.css. This
// package adds the script and the common first part of every stylesheet. Links of a site are
// relative, so that it may be mounted anywhere.
package webpage

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

// Site is a set of pages and their assets. It is safe for concurrent use.
type Site struct {
	pages  map[string]*template.Template
	assets map[string]asset // by path
	// CSS and JS are links to the stylesheet and the script, relative to the site's root.
	CSS, JS string
}

// shared are the templates of every page: the layout and common parts.
var shared = []string{"pages/layout.html", "pages/parts.html"}

// Load parses a site. Its assets are served as assets/NAME.css and assets/NAME.js; the rules of
// host follow the site's own in the stylesheet.
func Load(files fs.FS, name, host string) (*Site, error) {
	s := &Site{pages: make(map[string]*template.Template)}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		if slices.Contains(shared, file) {
			continue
		}
		t, err := template.ParseFS(files, append(slices.Clone(shared), file)...)
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", file, err)
		}
		s.pages[strings.TrimSuffix(path.Base(file), ".html")] = t
	}
	own, err := fs.ReadFile(files, "assets/"+name+".css")
	if err != nil {
		return nil, err
	}
	css := newAsset("assets/"+name+".css", "text/css; charset=utf-8", slices.Concat(leanCSS(baseCSS), leanCSS(own), []byte(host)))
	js := newAsset("assets/"+name+".js", "text/javascript; charset=utf-8", leanJS(liveJS))
	s.assets = map[string]asset{"/" + css.path: css, "/" + js.path: js}
	s.CSS, s.JS = css.link, js.link
	return s, nil
}

// contentPolicy allows one stylesheet, one script and forms, all from the page's own origin.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors "

// SetHeaders sets the common header fields of a site's answers, with a Referrer-Policy. Only
// pages of ancestors, which are sources of a Content-Security-Policy, may show the site in a frame.
func SetHeaders(h http.Header, referrer string, ancestors ...string) {
	if len(ancestors) == 0 {
		ancestors = []string{"'none'"}
		h.Set("X-Frame-Options", "DENY") // this field has no list of origins
	}
	h.Set("Content-Security-Policy", contentPolicy+strings.Join(ancestors, " "))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", referrer)
	h.Set("Cache-Control", "no-store")
}

// ToRoot redirects a request for the site without its final slash, which relative links
// need. It reports whether it has redirected.
func ToRoot(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "" {
		return false
	}
	full, _, _ := strings.Cut(r.RequestURI, "?")
	w.Header().Set("Location", "./"+full[strings.LastIndexByte(full, '/')+1:]+"/")
	w.WriteHeader(http.StatusPermanentRedirect)
	return true
}

// Clean reports whether a path has no empty and no relative segments. [http.ServeMux] redirects
// other paths without regard to the site's mount, so a site answers them first.
func Clean(p string) bool {
	want := path.Clean(p)
	if strings.HasSuffix(p, "/") && want != "/" {
		want += "/"
	}
	return p == want
}

// Root returns the relative link from the requested page to the site's root.
func Root(r *http.Request) string {
	if depth := strings.Count(r.URL.EscapedPath(), "/") - 1; depth > 0 {
		return strings.Repeat("../", depth)
	}
	return "./"
}

// Mount returns the path before the site's own in the browser's request. It is "" for a site at the
// root, and where an outer handler has changed more than this prefix.
func Mount(r *http.Request) string {
	full, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(full, "/") {
		full = r.URL.EscapedPath()
	}
	if mount, ok := strings.CutSuffix(full, r.URL.EscapedPath()); ok {
		return mount
	}
	return ""
}

// Live reports whether a request is from the script, which replaces only the changing parts of a
// page.
func Live(r *http.Request) bool { return r.Header.Get("X-Postrider-Live") != "" }

// Render writes a page: the template "layout" with the definitions of the page. It writes
// nothing when it fails.
func (s *Site) Render(w http.ResponseWriter, status int, name string, data any) error {
	t, ok := s.pages[name]
	if !ok {
		return fmt.Errorf("page %s: there is no such page", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser may have disconnected
	return nil
}
