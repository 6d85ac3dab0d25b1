package webpage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// Tag returns a digest of the shown content of a page, so that an unchanged page need not be
// written. For parts that cannot be encoded it is "", which matches no tag.
func Tag(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// NotModified sets the tag of an answer. If the script has this content already, it answers 304
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
