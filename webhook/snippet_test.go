package webhook_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// hidden is a webhook whose every credential is a canary.
func hidden() webhook.Webhook {
	return webhook.Webhook{Scope: scope, Name: "Ops", Active: true, Events: []string{"*"},
		URL:     "https://api-private.atlassian.com/automation/webhooks/jira/a/pathCanary-qjqjqjqj/ruleCanary-xkxkxkxk?q=queryCanary-zvzvzvzv",
		Secrets: secrets("secretCanary-wqwqwq/ykykyk", "olderCanary-vxvxvxvx"),
		Headers: headers("X-Key", `headerCanary "<&>\ hjhjhj/uyquyq`)}
}

// Rule: no part of the request that an endpoint repeats is kept, in any form.
func TestSnippetHidesEchoes(t *testing.T) {
	t.Parallel()
	w := hidden()
	u, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	asJSON := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	slashes := strings.NewReplacer("/", `\/`)
	for name, echo := range map[string]string{
		"URL":                       w.URL,
		"request line":              "POST " + u.RequestURI() + " HTTP/1.1",
		"path":                      "no rule at " + u.EscapedPath(),
		"path below a mount point":  "no rule at /jira/a/pathCanary-qjqjqjqj/ruleCanary-xkxkxkxk",
		"path without first slash":  "no rule at a/pathCanary-qjqjqjqj/ruleCanary-xkxkxkxk.",
		"last segment":              "no rule ruleCanary-xkxkxkxk",
		"inner segment":             "tenant pathCanary-qjqjqjqj is gone",
		"query":                     "bad query q=queryCanary-zvzvzvzv",
		"query value":               "bad value 'queryCanary-zvzvzvzv'",
		"path with escaped slashes": slashes.Replace(u.EscapedPath()),
		"URL in JSON":               asJSON(w.URL),
		"URL in a URL":              "/login?next=" + url.QueryEscape(w.URL),
		"token":                     "bad token secretCanary-wqwqwq/ykykyk",
		"token in JSON":             slashes.Replace(asJSON("secretCanary-wqwqwq/ykykyk")),
		"token in a URL":            url.PathEscape("secretCanary-wqwqwq/ykykyk"),
		"older secret":              "olderCanary-vxvxvxvx",
		"header":                    w.Headers["X-Key"],
		"header in JSON":            asJSON(w.Headers["X-Key"]),
		"header in plain JSON":      `"headerCanary \"<&>\\ hjhjhj/uyquyq"`,
		"header in HTML":            html.EscapeString(w.Headers["X-Key"]),
		"with something invisible":  "secretCanary\u200b-wqw\x00qwq/ykykyk",
		"several":                   "secretCanary-wqwqwq/ykykyksecretCanary-wqwqwq/ykykyk olderCanary-vxvxvxvx",
		"cut off by the endpoint":   "bad token secretCanary-wqwqwq/yk",
		"beyond the cut":            strings.Repeat("x", webhook.MaxSnippet-15) + " secretCanary-wqwqwq/ykykyk",
		"one byte before the cut":   strings.Repeat("x", webhook.MaxSnippet-1) + "secretCanary-wqwqwq/ykykyk",
		"path beyond the cut":       strings.Repeat("x", webhook.MaxSnippet-70) + " " + u.EscapedPath(),
		"rune beyond the cut":       strings.Repeat("x", webhook.MaxSnippet-14) + "olderCanary-vé",
		"cut that makes it longer":  strings.Repeat("é", webhook.MaxSnippet),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: func(int, request) answer { return answer{status: 400, body: echo} }}
			h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
			a := h.sendTest(func() webhook.Webhook {
				w, err := h.hooks.Add(ctx, w)
				if err != nil {
					t.Fatal(err)
				}
				return w
			}())
			for _, part := range []string{"Canary", "qjqj", "xkxk", "zvzv", "wqw", "yky", "vxv", "hjhj", "uyq"} {
				if strings.Contains(a.Snippet, part) {
					t.Errorf("%q is in %q", part, a.Snippet)
				}
			}
			checkSnippet(t, a.Snippet)
		})
	}
}

func checkSnippet(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || len(s) > webhook.MaxSnippet {
		t.Errorf("%d bytes, valid UTF-8 %t", len(s), utf8.ValidString(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			t.Errorf("%U is in %q", r, s)
		}
	}
}

// Rule: an answer that is no text is not kept; a text in another encoding is.
func TestSnippetIsText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"\x1f\x8b\b\x00\x00\x00\x00\x00\x00\xff\xabV\xcaM-.NLOU": "",
		"ok, taken\n":                           "ok, taken",
		"ok":                                    "ok",
		"Der Schl\xfcssel wurde nicht gefunden": "Der Schl\uFFFDssel wurde nicht gefunden",
	} {
		to := &receiver{answer: func(int, request) answer { return answer{status: 400, body: body} }}
		h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
		if a := h.sendTest(h.add("one")); a.Snippet != want || a.Status != 400 {
			t.Errorf("%q: status %d, %q, want %q", body, a.Status, a.Snippet, want)
		}
	}
}

// Rule: an answer that breaks off shows no more of a secret or an address than one that is cut off.
func TestSnippetOfABrokenAnswer(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"no access for olde", "dial tcp 10.77.3", "dial tcp 10.77"} {
		for _, err := range []error{io.ErrUnexpectedEOF, io.ErrClosedPipe} {
			to := transportFunc(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 500, Body: breaking{strings.NewReader(said), err}}, nil
			})
			h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
			w, err := h.hooks.Add(ctx, hidden())
			if err != nil {
				t.Fatal(err)
			}
			if a := h.sendTest(w); a.Status != 500 || strings.Contains(a.Snippet, "olde") || strings.Contains(a.Snippet, "77") {
				t.Errorf("status %d, snippet %q", a.Status, a.Snippet)
			}
		}
	}
}
