package inspector_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/inspector"
)

// Rule: words, language and time zone are those of a request. A host puts its own name, rules,
// header and footer on the pages.
func TestTexts(t *testing.T) {
	t.Parallel()
	in, err := inspector.New(&inspector.Options{Title: "Hooks & more", CSS: ":root { --accent: red; }", Header: "<header>top</header>", Footer: "<footer>end</footer>",
		Texts: func(r *http.Request) *inspector.Texts {
			if r.Header.Get("Accept-Language") != "ar" {
				return nil
			}
			return &inspector.Texts{Lang: "ar", Dir: "rtl", Requests: "الطلبات", Location: time.FixedZone("AST", 3*3600)}
		}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path, language string) string {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		in.ServeHTTP(w, r)
		return w.Body.String()
	}
	if _, err := in.SendSample("taskSuccess"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, language, want string }{
		{"/", "ar", `<html lang="ar" dir="rtl"`}, {"/", "ar", "الطلبات"}, {"/", "en", `<h2 id="requests">Requests</h2>`},
		{"/", "en", "<h1>Hooks &amp; more</h1>"}, {"/", "en", "<header>top</header>"}, {"/", "en", "<footer>end</footer>"},
		{"/requests/1", "ar", " AST<"}, {"/requests/1", "en", " UTC<"}, {"/assets/inspector.css", "en", ":root { --accent: red; }"},
		{"/requests//1", "en", "There is no such page"},
	} {
		if body := get(tt.path, tt.language); !strings.Contains(body, tt.want) {
			t.Errorf("%s in %s: %q is missing in\n%s", tt.path, tt.language, tt.want, body)
		}
	}
}

// Rule: the script gets the answer that nothing has changed, until something changes.
func TestPoll(t *testing.T) {
	t.Parallel()
	in, err := inspector.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tag := ""
	poll := func() int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "localhost"
		r.Header.Set("X-Postrider-Live", "1")
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		in.ServeHTTP(w, r)
		tag = w.Header().Get("ETag")
		return w.Code
	}
	for i, change := range []func() error{
		func() error { return nil },
		func() error { _, err := in.SendSample("taskSuccess"); return err },
		func() error { return in.Always(inspector.Answer{Status: 503}) },
		func() error { in.Clear(); return nil },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if first, again := poll(), poll(); first != 200 || again != 304 {
			t.Errorf("after change %d: %d and then %d, want 200 and 304", i, first, again)
		}
	}
}
