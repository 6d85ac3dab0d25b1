package webhook_test

import (
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"
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

// Rule: addresses are not kept in any spelling; texts that only look like one are.
func TestSnippetHidesAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"10.0.0.1":                                       "[redacted]",
		"dial tcp 10.0.0.1:443: refused":                 "dial tcp [redacted]:443: refused",
		"ip:10.0.0.1":                                    "ip:[redacted]",
		"from10.0.0.1to192.168.0.1":                      "from[redacted]to[redacted]",
		"10.0.0.1..10.0.0.9":                             "[redacted]..[redacted]",
		"10.0.0.1.":                                      "[redacted].",
		"10.0.0.0/8":                                     "[redacted]/8",
		"010.000.000.001":                                "[redacted]",
		`{"ip":"fe80::1%eth0"}`:                          `{"ip":"[redacted]%eth0"}`,
		"[2001:db8::1]:443 refused":                      "[[redacted]]:443 refused",
		"connect to 2001:db8::1: refused":                "connect to [redacted]: refused",
		"ip:2001:db8:0:0:0:0:0:1.":                       "ip:[redacted].",
		"::ffff:10.0.0.1":                                "[redacted]",
		"at ::1, not at fd00::":                          "at [redacted], not at [redacted]",
		"0000:0000:0000:0000:0000:ffff:1.2.3.255":        "[redacted]",
		"12:34:56 is a time, std::string a type":         "12:34:56 is a time, std::string a type",
		"version 1.2.3, 3:4, x::y::z, 00:1b:44:11:3a:b7": "version 1.2.3, 3:4, x::y::z, 00:1b:44:11:3a:b7",
		"{ :: } 2026-11-22T05:42:49Z":                    "{ :: } 2026-11-22T05:42:49Z",
	} {
		if got := webhook.CleanSnippet(in, nil, false); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Rule: among secrets that contain each other the longest is replaced first, and a query counts as
// a whole even if its values are short.
func TestSnippetHidesWholes(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{URL: "https://hooks.example.com/in?k=v1&z=v2", Headers: headers("X-A", "alphaalpha", "X-B", "alphaalpha-betabeta", "X-C", "beta")}
	u, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	const text, want = "got alphaalpha-betabeta for k=v1&z=v2", "got [redacted] for [redacted]"
	if got := webhook.CleanSnippet(text, webhook.SecretsOf(&w, u), false); got != want {
		t.Errorf("%q became %q, want %q", text, got, want)
	}
}

// Rule: words that many URLs share are no secrets.
func TestSnippetKeepsWords(t *testing.T) {
	t.Parallel()
	w := hidden()
	u, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"no automation here", "unknown webhooks of jira", `{"error":"a query q is needed"}`} {
		if got := webhook.CleanSnippet(text, webhook.SecretsOf(&w, u), false); got != text {
			t.Errorf("%q became %q", text, got)
		}
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

// FuzzSnippet: a snippet is valid UTF-8 of at most 4 KiB without controls, and holds no
// secret that stands anywhere in the text, whole, or begins at its cut end.
func FuzzSnippet(f *testing.F) {
	f.Add("bad token ", "secretCanary-wqwqwq", " at 10.0.0.1:443: refused", true)
	f.Add("\xff\xfe", "a/b\"c<d", "\u200b\x00", false)
	f.Add(strings.Repeat("é", 2047), "aaaa", "::1", true)
	f.Add("abab", "abab", "ab", true)
	f.Add("0", "EY-N\xc4", "\xa1", false)
	f.Add("0:0:0:0:", "1.2.3.4", "::::", false)
	f.Fuzz(func(t *testing.T, before, secret, after string, cut bool) {
		if len(before)+len(secret)+len(after) > 3*webhook.MaxSnippet {
			return
		}
		w := webhook.Webhook{URL: "https://example.com/", Secrets: secrets(secret)}
		u, _ := url.Parse(w.URL)
		list := webhook.SecretsOf(&w, u)
		text := before + secret + after
		if cut {
			text = text[:min(len(text), webhook.MaxSnippet)]
		}
		began := time.Now()
		got := webhook.CleanSnippet(text, list, cut)
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
		checkSnippet(t, got)
		if hideable(secret) && strings.Contains(got, secret) {
			t.Errorf("%q is in %q", secret, got)
		}
		if again := webhook.CleanSnippet(got, list, false); hideable(secret) && strings.Contains(again, secret) {
			t.Errorf("%q is in %q", secret, again)
		}
	})
}

// hideable reports whether a text can be a secret that the Manager accepts, and is not part of its
// replacement.
func hideable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return len(s) >= 4 && s == strings.TrimSpace(s) && !strings.ContainsAny(s, "[]") &&
		!strings.Contains("redacted", s) && !strings.Contains(webhook.Withheld, s)
}
