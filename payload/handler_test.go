package payload_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

func get(h http.Handler, path, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Rule: the list leads a receiver to the schema and the example of every type, and a client that
// has one already gets 304.
func TestCatalogue_Handler(t *testing.T) {
	t.Parallel()
	odd := payload.Define[*card](payload.Type{Name: "odd/na?me%", Example: &card{"odd/na?me%", "x"}})
	for name, c := range map[string]*payload.Catalogue{"bare": catalogue(t, append(ownTypes(), odd)...), "enveloped": catalogue(t, append(ownTypes(), odd)...).Enveloped()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.StripPrefix("/docs", c.Handler())
			var list struct {
				Types []struct {
					Name, Title, Description, Group, Schema, Example string
					Deprecated                                       bool
				}
				OpenAPI string
			}
			unmarshal(t, get(h, "/docs/", "").Body.Bytes(), &list)
			if len(list.Types) != 3 || list.Types[0].Description != "When money arrived." || list.Types[0].Group != "Money" || !list.Types[1].Deprecated {
				t.Fatalf("list %+v", list)
			}
			paths := []string{"", list.OpenAPI}
			for _, typ := range list.Types {
				paths = append(paths, typ.Schema, typ.Example)
				want, _ := c.Schema(typ.Name)
				got := get(h, "/docs/"+typ.Schema, "")
				if diff := cmp.Diff(string(want), got.Body.String()); diff != "" || got.Code != http.StatusOK {
					t.Errorf("%s: schema, status %d (-want +got):\n%s", typ.Name, got.Code, diff)
				}
				if name == "bare" && typ.Name == "invoice.paid" {
					continue // its body names no type
				}
				data, err := c.Decode(get(h, "/docs/"+typ.Example, "").Body.Bytes())
				if sample, _ := c.Sample(typ.Name); err != nil || !cmp.Equal(sample, data) {
					t.Errorf("%s: example %v, %v", typ.Name, data, err)
				}
			}
			for _, path := range paths {
				first := get(h, "/docs/"+path, "")
				if tag := first.Header().Get("ETag"); tag == "" || get(h, "/docs/"+path, tag).Code != http.StatusNotModified {
					t.Errorf("/%s: ETag %q is not answered with 304", path, tag)
				}
			}
			if got := get(h, "/docs/types/"+url.PathEscape("<x>")+"/schema", "").Code; got != http.StatusNotFound {
				t.Errorf("an unknown type: status %d", got)
			}
		})
	}
}
