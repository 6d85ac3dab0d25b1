package settings

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"path"
)

//go:embed pages assets
var files embed.FS

// page is what the layout shows around a Body.
type page struct {
	Title string
	Body  any
	// Live pages are kept up to date by the script.
	Live bool
	// Wrong marks the title of a page whose form has mistakes.
	Wrong bool

	T        *Texts
	Root     string
	Notice   *notice
	ReadOnly bool
	Back     Link
	CSS, JS  string
	Refresh  int64 // milliseconds
}

// visit fills in what depends on the request.
func (p *page) visit(v *visit) {
	p.T, p.Root, p.ReadOnly, p.Back = v.o.Texts, v.root, v.readOnly, v.o.Back
	p.CSS, p.JS = v.assets["/assets/settings.css"].link, v.assets["/assets/settings.js"].link
	p.Refresh = v.o.Refresh.Milliseconds()
	p.Notice = v.takeNotice()
}

var pageNames = []string{"list", "form", "webhook", "delivery", "confirm", "problem"}

func parsePages() (map[string]*template.Template, error) {
	pages := make(map[string]*template.Template, len(pageNames))
	for _, name := range pageNames {
		t, err := template.ParseFS(files, "pages/layout.html", "pages/parts.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("settings: page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

// asset is the stylesheet or the script.
type asset struct {
	body       []byte
	kind, etag string
	link       string // relative to the list, changes with the content
}

func loadAssets() (map[string]asset, error) {
	kinds := map[string]string{"settings.css": "text/css; charset=utf-8", "settings.js": "text/javascript; charset=utf-8"}
	out := make(map[string]asset, len(kinds))
	for name, kind := range kinds {
		body, err := files.ReadFile(path.Join("assets", name))
		if err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
		sum := sha256.Sum256(body)
		version := base64.RawURLEncoding.EncodeToString(sum[:9])
		out["/assets/"+name] = asset{body: body, kind: kind, etag: `"` + version + `"`, link: "assets/" + name + "?v=" + version}
	}
	return out, nil
}

// serve lets browsers keep an asset: its link changes when it does.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(a.body)
}
