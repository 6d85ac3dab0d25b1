package webhook_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/redact"
)

// headerFields makes header fields of names and values.
func headerFields(pairs ...string) (out []webhook.HeaderField) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, webhook.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// answeredWith makes an attempt of the webhook hidden that gets the given answer.
func answeredWith(t *testing.T, status int, header http.Header) webhook.Attempt {
	t.Helper()
	to := &receiver{answer: func(int, request) answer { return answer{status: status, body: "busy", header: header} }}
	h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
	w, err := h.hooks.Add(ctx, hidden())
	if err != nil {
		t.Fatal(err)
	}
	return h.sendTest(w)
}

// Rule: an attempt keeps fields of a fixed list from the header of an answer that did not accept,
// cleaned and bounded. It keeps none of an answer that accepted.
func TestAnswerHeader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		header http.Header
		want   []webhook.HeaderField
	}{
		"no field of the list": {503, http.Header{"X-Powered-By": {"x"}, "Strict-Transport-Security": {"max-age=1"}}, nil},
		"accepted":             {200, http.Header{"Content-Type": {"text/plain"}, "Server": {"nginx"}}, nil},
		"usual": {503, http.Header{"Server": {"nginx"}, "Content-Type": {"text/html; charset=utf-8"}, "Retry-After": {"120"}, "Cf-Ray": {"8c1f-FRA"},
			"Date": {"Sun, 22 Nov 2026 05:42:49 GMT"}},
			headerFields("Content-Type", "text/html; charset=utf-8", "Retry-After", "120", "Date", "Sun, 22 Nov 2026 05:42:49 GMT", "Server", "nginx", "Cf-Ray", "8c1f-FRA")},
		"cookies, credentials and places": {401, http.Header{"Set-Cookie": {"s=1"}, "Location": {"https://other.example.com/a"}, "Authorization": {"Bearer x"},
			"Proxy-Authorization": {"Basic x"}, "Authentication-Info": {"x"}, "Link": {"</a>"}, "Content-Location": {"/a"}, "Www-Authenticate": {`Bearer error="invalid_token"`}},
			headerFields("Www-Authenticate", `Bearer error="invalid_token"`)},
		"redirect":            {302, http.Header{"Location": {"https://other.example.com/a"}, "Server": {"nginx"}}, headerFields("Server", "nginx")},
		"several values":      {503, http.Header{"Via": {"1.1 a", "1.1 b"}}, headerFields("Via", "1.1 a, 1.1 b")},
		"no text":             {503, http.Header{"Server": {"\x01\x02\x03"}, "Via": {""}}, nil},
		"controls":            {503, http.Header{"Server": {"a\r\nb\x1b[1m\u202ec"}}, headerFields("Server", "a  b[1mc")},
		"long":                {503, http.Header{"Server": {strings.Repeat("é", 60_000)}}, headerFields("Server", strings.Repeat("é", 100))},
		"secret":              {503, http.Header{"Server": {"bad token secretCanary-wqwqwq/ykykyk"}}, headerFields("Server", "bad token [redacted]")},
		"header value":        {503, http.Header{"Via": {`headerCanary "<&>\ hjhjhj/uyquyq`}}, headerFields("Via", "[redacted]")},
		"path":                {404, http.Header{"X-Request-Id": {"no /automation/webhooks/jira/a/pathCanary-qjqjqjqj/ruleCanary-xkxkxkxk here"}}, headerFields("X-Request-Id", "no [redacted] here")},
		"address":             {503, http.Header{"Via": {"1.1 203.0.113.77:8443, 1.1 [2001:db8::77]"}}, headerFields("Via", "1.1 [redacted]:8443, 1.1 [[redacted]]")},
		"another spelling":    {503, http.Header{"Server": {`secretCanary\u002dwqwqwq/ykykyk`}}, headerFields("Server", redact.Withheld)},
		"secret at the cut":   {503, http.Header{"Server": {strings.Repeat("x", 190) + "secretCanary-wqwqwq/ykykyk"}}, headerFields("Server", strings.Repeat("x", 190))},
		"longer when cleaned": {503, http.Header{"Server": {strings.Repeat("::1 ", 50)}}, headerFields("Server", strings.Repeat("[redacted] ", 18)+"[r")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answeredWith(t, tt.status, tt.header)
			if diff := cmp.Diff(tt.want, a.Header); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, f := range a.Header {
				checkSnippet(t, f.Value)
				if len(f.Value) > 200 {
					t.Errorf("%s has %d bytes", f.Name, len(f.Value))
				}
			}
		})
	}
}

// Rule: an attempt keeps ten fields at most, whatever an answer has.
func TestAnswerHeader_bounds(t *testing.T) {
	t.Parallel()
	all := http.Header{}
	for _, name := range webhook.KeptFields {
		all[name] = []string{strings.Repeat("<", 1000)}
	}
	if len(all) <= 10 {
		t.Fatalf("the list has %d names", len(all))
	}
	a, sum := answeredWith(t, 500, all), 0
	for i, f := range a.Header {
		if sum += len(f.Name) + len(f.Value); f.Name != webhook.KeptFields[i] {
			t.Errorf("field %d is %s, want %s", i, f.Name, webhook.KeptFields[i])
		}
	}
	if len(a.Header) != 10 || sum > 10*220 {
		t.Errorf("%d fields of %d bytes", len(a.Header), sum)
	}
}

// Rule: a name of the list is written as net/http writes it, and carries no credential, cookie or URL.
func TestAnswerHeader_names(t *testing.T) {
	t.Parallel()
	for _, name := range webhook.KeptFields {
		if name != http.CanonicalHeaderKey(name) {
			t.Errorf("%s is never found", name)
		}
		for _, part := range []string{"Cookie", "Location", "Authoriz", "Token", "Secret", "Key", "Link", "Refresh", "Referer"} {
			if strings.Contains(name, part) {
				t.Errorf("%s may hold what must not be kept", name)
			}
		}
	}
}

// Rule: an answer without a field of the list causes no allocation.
func TestAnswerHeader_costsNothing(t *testing.T) {
	h := http.Header{"X-Powered-By": {"x"}, "Set-Cookie": {"s=1"}}
	if n := testing.AllocsPerRun(100, func() { webhook.AnswerHeader(h, nil, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Rule: the history keeps the fields, and a wrapper of the host that changes them changes only its
// own copy.
func TestAnswerHeader_isKept(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer {
		return answer{status: 400, header: http.Header{"Server": {"nginx"}}}
	}}
	o := &webhook.Options{Transport: to, Around: func(ctx context.Context, _ webhook.Delivery, send func(context.Context) webhook.Attempt) webhook.Attempt {
		a := send(ctx)
		for i := range a.Header {
			a.Header[i].Value = "changed"
		}
		return a
	}}
	inBubble(t, webhook.Automation(), o, func(h *host) {
		h.add("one")
		d := h.dispatch()
		settled(time.Second)
		for range 2 { // what was read before may be changed too
			_, as, err := h.hooks.Delivery(ctx, scope, d)
			if err != nil || len(as) != 1 || !slices.Equal(as[0].Header, headerFields("Server", "nginx")) {
				t.Fatalf("attempts %+v, %v", as, err)
			}
			as[0].Header[0].Value = "changed"
		}
	})
}
