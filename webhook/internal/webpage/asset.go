package webpage

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the common assets of sites
	"encoding/base64"
	"net/http"
	"regexp"
)

var (
	//go:embed assets/base.css
	baseCSS []byte
	//go:embed assets/live.js
	liveJS []byte
)

// These patterns match comments and space that browsers do not need. They suit the assets of sites,
// in which no quoted text matches.
var (
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cssSpace   = regexp.MustCompile(`[\s;]*(})\s*|\s*([{;>])\s*|([:,])\s+`)
	jsSpace    = regexp.MustCompile(`(?m)^\s*(//.*\n)?`)
)

// leanCSS returns a stylesheet without comments and unneeded space.
func leanCSS(text []byte) []byte {
	return bytes.TrimSpace(cssSpace.ReplaceAll(cssComment.ReplaceAll(text, nil), []byte("$1$2$3")))
}

// leanJS is leanCSS for a script.
func leanJS(text []byte) []byte { return jsSpace.ReplaceAll(text, nil) }

// asset is a stylesheet or a script.
type asset struct {
	path, kind string
	body       []byte
	etag       string
	link       string // path with a digest of the content
}

func newAsset(path, kind string, body []byte) asset {
	sum := sha256.Sum256(body)
	version := base64.RawURLEncoding.EncodeToString(sum[:9])
	return asset{path: path, kind: kind, body: body, etag: `"` + version + `"`, link: path + "?v=" + version}
}

// ServeAsset answers a GET or HEAD request for an asset, and reports whether the request was
// one. Browsers may cache an asset: its link changes with its content.
func (s *Site) ServeAsset(w http.ResponseWriter, r *http.Request) bool {
	a, ok := s.assets[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	_, _ = w.Write(a.body)
	return true
}
