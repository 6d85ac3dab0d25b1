package webpage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// Tag names the content of a page by what it shows, so that a page need not be written to find
// out that it is the same. Parts that cannot be encoded make it "", which fits nothing.
func Tag(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// NotModified sets the tag of an answer. Where the script has that content already, it answers so
// and returns true.
func NotModified(w http.ResponseWriter, r *http.Request, tag string) bool {
	if tag == "" {
		return false
	}
	w.Header().Set("ETag", tag)
	if !Live(r) || r.Header.Get("If-None-Match") != tag {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}
