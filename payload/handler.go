package payload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"
)

// Handler serves the catalogue to receivers, as JSON. It holds no secrets and has no login; mount
// it with http.StripPrefix where it is not at the root.
//
//	GET /                       the list: name, title, description, group, and links to the rest
//	GET /openapi.json           what OpenAPI returns, titled "Webhooks"
//	GET /types/{name}/schema    what Schema returns
//	GET /types/{name}/example   the body of the example
//
// Each answer has an ETag, and a client that already has the answer gets 304. This call makes all
// answers; a request costs a look-up.
func (c *Catalogue) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", document("application/json", c.list()))
	mux.Handle("GET /openapi.json", document("application/json", c.OpenAPI("")))
	schemas, examples := map[string]http.Handler{}, map[string]http.Handler{}
	for i := range c.types {
		t := &c.types[i]
		schema, _ := c.Schema(t.Name)
		schemas[t.Name] = document("application/schema+json", schema)
		examples[t.Name] = document("application/json", c.example(t))
	}
	mux.Handle("GET /types/{name}/schema", byName(schemas))
	mux.Handle("GET /types/{name}/example", byName(examples))
	return mux
}

// listed is an entry of the list that Handler serves.
type listed struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Group       string `json:"group,omitempty"`
	Deprecated  bool   `json:"deprecated,omitempty"`
	Schema      string `json:"schema"`  // path below the handler
	Example     string `json:"example"` // path below the handler
}

func (c *Catalogue) list() []byte {
	types := make([]listed, len(c.types))
	for i, t := range c.types {
		path := "types/" + url.PathEscape(t.Name)
		types[i] = listed{t.Name, t.Title, t.Description, t.Group, t.Deprecated, path + "/schema", path + "/example"}
	}
	return indented(map[string]any{"types": types, "openapi": "openapi.json"})
}

// byName answers with the document of the type that the path names.
func byName(documents map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d := documents[r.PathValue("name")]; d != nil {
			d.ServeHTTP(w, r)
			return
		}
		http.Error(w, "unknown event type", http.StatusNotFound)
	})
}

// document serves constant bytes.
func document(contentType string, body []byte) http.Handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache") // kept, but revalidated each time
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}
