package webhook_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// Rule: a variable is one component of the path or the query, filled once.
func TestExpand(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"id": "A-1", "s": "a b", "p": "../x/y", "q": "k=v&z?#", "u": "é", "again": "{id}${id}", "e": ""}
	for template, want := range map[string]string{
		"https://h.example/none":           "https://h.example/none",
		"https://h.example/{id}":           "https://h.example/A-1",
		"https://h.example/${id}/x":        "https://h.example/A-1/x",
		"https://h.example/{id}{id}":       "https://h.example/A-1A-1",
		"https://h.example/$${id}$":        "https://h.example/$A-1$",
		"https://h.example/{s}":            "https://h.example/a%20b",
		"https://h.example/{p}":            "https://h.example/..%2Fx%2Fy",
		"https://h.example/?a={q}":         "https://h.example/?a=k%3Dv%26z%3F%23",
		"https://h.example?a={id}":         "https://h.example?a=A-1",
		"https://h.example/{u}":            "https://h.example/%C3%A9",
		"https://h.example/{again}":        "https://h.example/%7Bid%7D%24%7Bid%7D",
		"https://h.example/{e}/{gone}/x":   "https://h.example///x",
		"https://h.example/{id":            "https://h.example/{id",
		"https://h.example/id}":            "https://h.example/id}",
		"https://h.example/{}":             "https://h.example/",
		"https://{id}.example/{id}":        "https://{id}.example/A-1",
		"https://{id}.example":             "https://{id}.example",
		"{id}":                             "{id}",
		"":                                 "",
		"https://h.example/a/../${id}?${}": "https://h.example/a/../A-1?",
	} {
		if got := webhook.Expand(template, vars); got != want {
			t.Errorf("%s became %s, want %s", template, got, want)
		}
	}
	if got := webhook.Expand("https://h.example/{id}", nil); got != "https://h.example/" {
		t.Errorf("without variables: %s", got)
	}
	for template, want := range map[string][]string{
		"https://{no}.example/{a}/${b}?c={a}&{": {"a", "b", "a"},
		"https://h.example/":                    nil,
		"{a}":                                   nil,
		"https://h.example/{a{b}":               {"a{b"},
	} {
		if got := webhook.Variables(template); !slices.Equal(got, want) {
			t.Errorf("variables of %s: %q, want %q", template, got, want)
		}
	}
}

// FuzzExpand: a value never changes the authority, the number of path segments or the
// shape of the query; it can be read back from its component; what has no braces stays.
func FuzzExpand(f *testing.F) {
	f.Add("https://h.example/a/", "/b?c=", "d", "../x y/?#&=%2e{v}")
	f.Add("https://h.example", "?", "", "@evil.example/")
	f.Add("https://h.example/$", "", "{v}", "\r\nHost: evil")
	f.Fuzz(func(t *testing.T, head, middle, tail, value string) {
		if len(head)+len(middle)+len(tail)+len(value) > 4096 || strings.ContainsAny(head+middle+tail, "{}") {
			return
		}
		if got := webhook.Expand(head+middle+tail, map[string]string{"": value, "v": value}); got != head+middle+tail {
			t.Errorf("without braces %q became %q", head+middle+tail, got)
		}
		template := head + "{v}" + middle + "{v}" + tail
		plain := webhook.Expand(template, map[string]string{"v": "x"})
		got := webhook.Expand(template, map[string]string{"v": value})
		if strings.ContainsAny(got, "{}") != strings.ContainsAny(plain, "{}") {
			t.Errorf("%q has braces", got)
		}
		for _, c := range "/?#&=@:\\\r\n \x00" {
			if strings.Count(got, string(c)) != strings.Count(plain, string(c)) {
				t.Errorf("the value brought %q into %q", c, got)
			}
		}
		for _, name := range webhook.Variables(template) {
			if name != "v" {
				t.Errorf("variable %q in %q", name, template)
			}
		}
		was, err := url.Parse(plain)
		if err != nil || was.Scheme != "https" || was.Host == "" || !strings.HasPrefix(plain, "https://") {
			return
		}
		is, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q parses and %q does not: %v", plain, got, err)
		}
		if is.Scheme != was.Scheme || is.Host != was.Host || is.User.String() != was.User.String() {
			t.Errorf("the value moved %q to %q", plain, got)
		}
		// The text itself: EscapedPath would write a path anew that is not quite right.
		a, b := strings.Split(plain, "/"), strings.Split(got, "/")
		for i := range b {
			if a[i] == "x" {
				if back, err := url.PathUnescape(b[i]); err != nil || back != value {
					t.Errorf("segment %q reads as %q, want %q", b[i], back, value)
				}
			}
		}
	})
}
