package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

func form(change ...func(*webhook.Webhook)) webhook.Webhook {
	w := webhook.Webhook{Scope: scope, Name: "Ops", URL: automation + "form", Secrets: []webhook.Secret{webhook.NewSecret(token)},
		Events: []string{"taskSuccess"}, Active: true}
	for _, f := range change {
		f(&w)
	}
	return w
}

func secrets(ss ...string) (out []webhook.Secret) {
	for _, s := range ss {
		out = append(out, webhook.NewSecret(s))
	}
	return out
}

func headers(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// complaint is the short form of an error: "url A4; secret required".
func complaint(err error) string {
	var v *webhook.ValidationError
	if !errors.As(err, &v) {
		return fmt.Sprint(err)
	}
	var out []string
	for _, f := range v.Fields {
		out = append(out, f.Field+" "+f.Rule)
	}
	return strings.Join(out, "; ")
}

// fields lists what is accepted and what is refused by which rule, for each field of a form.
var fields = []struct {
	name   string
	change func(*webhook.Webhook)
	want   string // "<nil>" when accepted
}{
	{"scope missing", func(w *webhook.Webhook) { w.Scope = "" }, "scope required"},
	{"scope of 255 bytes", func(w *webhook.Webhook) { w.Scope = strings.Repeat("s", 255) }, "<nil>"},
	{"scope of 256 bytes", func(w *webhook.Webhook) { w.Scope = strings.Repeat("s", 256) }, "scope too_long"},
	{"scope with NUL", func(w *webhook.Webhook) { w.Scope = "a\x00b" }, "scope text"},
	{"scope that is no UTF-8", func(w *webhook.Webhook) { w.Scope = "a\xff" }, "scope text"},

	{"name missing", func(w *webhook.Webhook) { w.Name = "" }, "name required"},
	{"name of spaces", func(w *webhook.Webhook) { w.Name = " \u00a0 " }, "name required"},
	{"name of 200 runes", func(w *webhook.Webhook) { w.Name = strings.Repeat("é", 200) }, "<nil>"},
	{"name of 201 runes", func(w *webhook.Webhook) { w.Name = strings.Repeat("é", 201) }, "name too_long"},
	{"name in two lines", func(w *webhook.Webhook) { w.Name = "a\nb" }, "name text"},
	{"name that is no UTF-8", func(w *webhook.Webhook) { w.Name = "a\xff" }, "name text"},

	{"notes missing", func(w *webhook.Webhook) { w.Notes = "" }, "<nil>"},
	{"notes in lines", func(w *webhook.Webhook) { w.Notes = "a\r\n\tb" }, "<nil>"},
	{"notes of 4000 runes", func(w *webhook.Webhook) { w.Notes = strings.Repeat("語", 4000) }, "<nil>"},
	{"notes of 4001 runes", func(w *webhook.Webhook) { w.Notes = strings.Repeat("語", 4001) }, "notes too_long"},
	{"notes with NUL", func(w *webhook.Webhook) { w.Notes = "a\x00" }, "notes text"},

	{"URL missing", func(w *webhook.Webhook) { w.URL = "" }, "url required"},
	{"URL of 2048 bytes", func(w *webhook.Webhook) { w.URL = automation + strings.Repeat("a", 2048-len(automation)) }, "<nil>"},
	{"URL of 2049 bytes", func(w *webhook.Webhook) { w.URL = automation + strings.Repeat("a", 2049-len(automation)) }, "url A1"},
	{"URL with a space", func(w *webhook.Webhook) { w.URL = automation + "a b" }, "url A2"},
	{"URL with a fragment", func(w *webhook.Webhook) { w.URL = automation + "a#b" }, "url A2"},
	{"URL with a variable", func(w *webhook.Webhook) { w.URL = automation + "{x}" }, "url A2"},
	{"URL that is masked", func(w *webhook.Webhook) { w.URL = "https://api-private.atlassian.com/[redacted]" }, "url A2"},
	{"URL without TLS", func(w *webhook.Webhook) { w.URL = strings.Replace(automation, "https", "http", 1) + "a" }, "url A3"},
	{"URL of another host", func(w *webhook.Webhook) {
		w.URL = "https://api-private.atlassian.com.evil.example/automation/webhooks/a"
	}, "url A4"},
	{"URL with a user", func(w *webhook.Webhook) { w.URL = "https://u@api-private.atlassian.com/automation/webhooks/a" }, "url A4"},
	{"URL with a port", func(w *webhook.Webhook) { w.URL = "https://api-private.atlassian.com:8443/automation/webhooks/a" }, "url A4"},
	{"URL of another path", func(w *webhook.Webhook) { w.URL = "https://api-private.atlassian.com/other/a" }, "url A5"},
	{"URL with an empty segment", func(w *webhook.Webhook) { w.URL = automation + "a//b" }, "url A6"},
	{"URL with an encoded slash", func(w *webhook.Webhook) { w.URL = automation + "a%2Fb" }, "url A7"},
	{"URL with dots", func(w *webhook.Webhook) { w.URL = automation + "../b" }, "url A8"},
	{"URL with a control in the query", func(w *webhook.Webhook) { w.URL = automation + "a?b=%0d" }, "url A9"},

	{"secret missing", func(w *webhook.Webhook) { w.Secrets = nil }, "secret required"},
	{"secret empty", func(w *webhook.Webhook) { w.Secrets = secrets("") }, "secret required"},
	{"second secret empty", func(w *webhook.Webhook) { w.Secrets = secrets("a", "") }, "secret required"},
	{"secret of one byte", func(w *webhook.Webhook) { w.Secrets = secrets("a") }, "<nil>"},
	{"secret of 4096 bytes", func(w *webhook.Webhook) { w.Secrets = secrets(strings.Repeat("a", 4096)) }, "<nil>"},
	{"secret of 4097 bytes", func(w *webhook.Webhook) { w.Secrets = secrets(strings.Repeat("a", 4097)) }, "secret too_long"},
	{"secret with CRLF", func(w *webhook.Webhook) { w.Secrets = secrets("a\r\nX: y") }, "secret characters"},
	{"secret with a space at the end", func(w *webhook.Webhook) { w.Secrets = secrets("a ") }, "secret characters"},
	{"secret beyond ASCII", func(w *webhook.Webhook) { w.Secrets = secrets("é") }, "secret characters"},
	{"secret that is a mask", func(w *webhook.Webhook) { w.Secrets = secrets("[redacted]") }, "secret masked"},
	{"10 secrets", func(w *webhook.Webhook) { w.Secrets = secrets(strings.Split("abcdefghij", "")...) }, "<nil>"},
	{"secret with an ID", func(w *webhook.Webhook) {
		w.Secrets[0] = w.Secrets[0].WithLife(strings.Repeat("a", 100), time.Time{}, time.Time{})
	}, "<nil>"},
	{"ID of 101 bytes", func(w *webhook.Webhook) {
		w.Secrets[0] = w.Secrets[0].WithLife(strings.Repeat("a", 101), time.Time{}, time.Time{})
	}, "secret id"},
	{"ID that is a path", func(w *webhook.Webhook) { w.Secrets[0] = w.Secrets[0].WithLife("a/b", time.Time{}, time.Time{}) }, "secret id"},
	{"two secrets of one ID", func(w *webhook.Webhook) {
		w.Secrets = []webhook.Secret{webhook.NewSecret("a").WithLife("sec_a", time.Time{}, time.Time{}), webhook.NewSecret("b").WithLife("sec_a", time.Time{}, time.Time{})}
	}, "secret repeated"},
	{"11 secrets", func(w *webhook.Webhook) { w.Secrets = secrets(strings.Split("abcdefghijk", "")...) }, "secret too_many"},

	{"no trigger", func(w *webhook.Webhook) { w.Events = nil }, "events required"},
	{"every known trigger", func(w *webhook.Webhook) { w.Events = []string{"taskSuccess", "taskFailure", "orgKeyExpiry"} }, "<nil>"},
	{"all triggers", func(w *webhook.Webhook) { w.Events = []string{"*"} }, "<nil>"},
	{"unknown trigger", func(w *webhook.Webhook) { w.Events = []string{"taskSuccess", "taskDone"} }, "events unknown"},
	{"trigger that the profile does not list", func(w *webhook.Webhook) { w.Events = []string{"syncFailed"} }, "events unknown"},
	{"trigger twice", func(w *webhook.Webhook) { w.Events = []string{"taskSuccess", "taskFailure", "taskSuccess"} }, "events repeated"},
	{"empty trigger", func(w *webhook.Webhook) { w.Events = []string{""} }, "events format"},
	{"trigger of two words", func(w *webhook.Webhook) { w.Events = []string{"task success"} }, "events format"},
	{"201 triggers", func(w *webhook.Webhook) { w.Events = make([]string, 201) }, "events too_many; events format"},

	{"filter of 10000 bytes", func(w *webhook.Webhook) { w.Filter = strings.Repeat("a", 10_000) }, "<nil>"},
	{"filter of 10001 bytes", func(w *webhook.Webhook) { w.Filter = strings.Repeat("a", 10_001) }, "filter too_long"},
	{"filter with NUL", func(w *webhook.Webhook) { w.Filter = "a\x00" }, "filter text"},
	{"group of 256 bytes", func(w *webhook.Webhook) { w.Group = strings.Repeat("a", 256) }, "group too_long"},
	{"group in two lines", func(w *webhook.Webhook) { w.Group = "a\nb" }, "group text"},

	{"20 headers", func(w *webhook.Webhook) { w.Headers = many(20) }, "<nil>"},
	{"21 headers", func(w *webhook.Webhook) { w.Headers = many(21) }, "headers too_many"},
	{"header without name", func(w *webhook.Webhook) { w.Headers = headers("", "a") }, "headers refused"},
	{"header name with a space", func(w *webhook.Webhook) { w.Headers = headers("X A", "a") }, "headers refused"},
	{"header name with a colon", func(w *webhook.Webhook) { w.Headers = headers("X:", "a") }, "headers refused"},
	{"header name with CRLF", func(w *webhook.Webhook) { w.Headers = headers("X\r\nY", "a") }, "headers refused"},
	{"header name beyond ASCII", func(w *webhook.Webhook) { w.Headers = headers("X-\u212a", "a") }, "headers refused"},
	{"header name of 128 bytes", func(w *webhook.Webhook) { w.Headers = headers(strings.Repeat("x", 128), "a") }, "<nil>"},
	{"header name of 129 bytes", func(w *webhook.Webhook) { w.Headers = headers(strings.Repeat("x", 129), "a") }, "headers refused"},
	{"header of 4096 bytes", func(w *webhook.Webhook) { w.Headers = headers("X", strings.Repeat("a", 4096)) }, "<nil>"},
	{"header of 4097 bytes", func(w *webhook.Webhook) { w.Headers = headers("X", strings.Repeat("a", 4097)) }, "headers refused"},
	{"header value with CR", func(w *webhook.Webhook) { w.Headers = headers("X", "a\rb") }, "headers refused"},
	{"header value with LF", func(w *webhook.Webhook) { w.Headers = headers("X", "a\nb") }, "headers refused"},
	{"header value with CRLF", func(w *webhook.Webhook) { w.Headers = headers("X", "a\r\nY: b") }, "headers refused"},
	{"header value that is folded", func(w *webhook.Webhook) { w.Headers = headers("X", "a\r\n b") }, "headers refused"},
	{"header value with NUL", func(w *webhook.Webhook) { w.Headers = headers("X", "a\x00b") }, "headers refused"},
	{"header value with a tab", func(w *webhook.Webhook) { w.Headers = headers("X", "a\tb") }, "headers refused"},
	{"header value beyond ASCII", func(w *webhook.Webhook) { w.Headers = headers("X", "é") }, "headers refused"},
	{"header value with a space in front", func(w *webhook.Webhook) { w.Headers = headers("X", " a") }, "headers refused"},
	{"header value that is a mask", func(w *webhook.Webhook) { w.Headers = headers("X", "[redacted]") }, "headers refused"},
	{"header twice", func(w *webhook.Webhook) { w.Headers = headers("X-A", "a", "x-a", "b") }, "headers repeated"},

	{"timeout of 30 s", func(w *webhook.Webhook) { w.Timeout = 30 * time.Second }, "<nil>"},
	{"timeout above that of the host", func(w *webhook.Webhook) { w.Timeout = 30*time.Second + 1 }, "timeout range"},
	{"timeout below 0", func(w *webhook.Webhook) { w.Timeout = -1 }, "timeout range"},

	{"51 attributes", func(w *webhook.Webhook) { w.Attributes = many(51) }, "attributes too_long"},
	{"long attribute", func(w *webhook.Webhook) { w.Attributes = headers("a", strings.Repeat("b", 4096)) }, "attributes too_long"},
	{"secret in the cookie", func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, "cookie") }, "attributes unknown"},
	{"secret in the path", func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath) }, "<nil>"},
	{"secret in the path with a slash", func(w *webhook.Webhook) {
		w.Attributes, w.Secrets = headers(webhook.AttrSecretIn, webhook.SecretInPath), secrets("a/b")
	}, "secret path"},
	{"secret in the path that is dots", func(w *webhook.Webhook) {
		w.Attributes, w.Secrets = headers(webhook.AttrSecretIn, webhook.SecretInPath), secrets("..")
	}, "secret path"},
	{"secret in the path missing", func(w *webhook.Webhook) {
		w.Attributes, w.Secrets = headers(webhook.AttrSecretIn, webhook.SecretInPath), nil
	}, "secret required"},
	{"secret that makes the URL too long", func(w *webhook.Webhook) {
		w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath)
		w.URL = automation + strings.Repeat("a", 2048-len(automation)-len(token))
	}, "url A1"},

	{"everything at once, in the order of the form", func(w *webhook.Webhook) {
		*w = webhook.Webhook{Notes: "\x00", Timeout: -1, Headers: headers("Host", "x"), Attributes: headers("", ""), Group: "\n", Filter: "\x00"}
	}, "scope required; name required; url required; secret required; events required; filter text; notes text; headers refused; timeout range; group text; attributes too_long"},
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("X-%d", i)] = "v"
	}
	return m
}

// Rule: Add checks every field, and Edit checks it in the same way.
func TestFieldErrors(t *testing.T) {
	t.Parallel()
	for _, c := range fields {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			p := webhook.Automation()
			h := newHost(t, newStore(t), p, nil)
			in := form(c.change)
			got, err := h.hooks.Add(ctx, in)
			if diff := cmp.Diff(c.want, complaint(err)); diff != "" {
				t.Errorf("Add (-want +got):\n%s", diff)
			}
			if err != nil && (got.ID != "" || !errors.Is(err, webhook.ErrInvalid)) {
				t.Errorf("Add returned %v with %v", got, err)
			}
			if ws, _ := h.hooks.List(ctx, in.Scope); err != nil && len(ws) != 0 {
				t.Errorf("refused, and yet stored")
			}
			if in.Scope != scope || in.URL == "" || len(in.Secrets) == 0 {
				return // Edit cannot be asked this: it would look elsewhere, or keep what is there
			}
			was := h.add("edited")
			in.ID = was.ID
			_, err = h.hooks.Edit(ctx, in)
			if diff := cmp.Diff(c.want, complaint(err)); diff != "" {
				t.Errorf("Edit (-want +got):\n%s", diff)
			}
			is, readErr := h.hooks.Webhook(ctx, scope, was.ID)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if err != nil {
				if diff := cmp.Diff(was, is); diff != "" {
					t.Errorf("changed although refused (-was +is):\n%s", diff)
				}
			}
		})
	}
}
