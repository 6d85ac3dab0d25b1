package matrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// echo is an answer that repeats everything that it got.
const echo = "secret " + SecretCanary + ", X-Canary: " + headerCanary + `, {"path":"\/hooks\/` + pathCanary + "\"}, /hooks/" + pathCanary +
	"?key=" + queryCanary + ", " + pathCanary + ", key " + queryCanary + ", dial tcp 127.0.0.3:8080: refused, peer:127.0.0.1, [::1]:443, at ::1:\r\nend"

// statusRows are valid answers.
func statusRows(c Column) []row {
	return []row{
		{26, "200", []fault{
			{form: "plain", do: hostile.Status(200), want: accepted, status: 200},
			{form: "with a body", do: hostile.Answer(200, "accepted"), want: accepted, status: 200, check: snippet("accepted")},
			{form: "echoes what it was sent", do: hostile.Answer(200, echo), want: accepted, status: 200, check: cleaned},
			{form: "pinned host", do: hostile.Status(200), want: accepted, status: 200, set: (*scene).pinned},
		}},
		{27, "other 2xx", statuses(accepted, "", 201, 202, 203, 204, 205, 206, 207, 226, 299)},
		{28, "redirects", redirects()},
		{29, "4xx", append(statuses(refused, "", 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 423, 424, 426, 428, 431, 451, 499),
			fault{form: "421", do: hostile.Status(421), want: refused, status: 421, twice: true}, // once more on a fresh connection
			fault{form: "echoes what it was sent", do: hostile.Answer(400, echo), want: refused, status: 400, check: cleaned})},
		one(30, "408", statuses(again, "", 408)[0].plain()),
		one(31, "409", statuses(again, "", 409)[0].plain()),
		one(32, "425", statuses(again, "", 425)[0].plain()),
		{40, "5xx", append(statuses(again, "", 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 599),
			fault{form: "pinned host", do: hostile.Status(503), want: again, status: 503, set: (*scene).pinned,
				wait: func(a webhook.Attempt) (time.Time, time.Time) {
					first := c.Profile().Retry.Slots[0]
					return a.End().Add(first.Min), a.End().Add(first.Max)
				}})},
		{41, "600 and above", statuses(refused, "", 600, 601, 700, 999)},
	}
}

// redirects point at an address that is watched, and at one that would be allowed: the healthy
// webhook's, which must see only its own request.
func redirects() (out []fault) {
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		bare := fault{form: fmt.Sprint(status), do: hostile.Status(status), want: refused, code: webhook.CodeRedirect, status: status}
		out = append(out, bare)
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		f := fault{want: refused, code: webhook.CodeRedirect, status: status}
		f.form = fmt.Sprint(status, " to a forbidden address")
		f.set = func(s *scene) { s.redirects(status, func() string { return s.forbidden.Addr() }) }
		out = append(out, f)
		f.form = fmt.Sprint(status, " to an allowed address")
		f.set = func(s *scene) {
			s.redirects(status, func() string { return fmt.Sprint(healthyHost, ":", s.m.healthy.Port()) })
		}
		out = append(out, f)
	}
	return append(out, fault{form: "pinned host", do: hostile.Status(302, hostile.Location("/automation/webhooks/other")), want: refused,
		code: webhook.CodeRedirect, status: 302, set: (*scene).pinned})
}

func (s *scene) redirects(status int, to func() string) {
	s.then = func() hostile.Behavior {
		return hostile.Status(status, hostile.Location("https://"+to()+"/"+s.name))
	}
}

func snippet(want string) func(*testing.T, webhook.Delivery, webhook.Attempt) {
	return func(t *testing.T, _ webhook.Delivery, a webhook.Attempt) {
		t.Helper()
		if a.Snippet != want {
			t.Errorf("snippet %q, want %q", a.Snippet, want)
		}
	}
}

// cleaned: the harmless part is still there, in one line. I6 checks that no secret is.
func cleaned(t *testing.T, _ webhook.Delivery, a webhook.Attempt) {
	t.Helper()
	if !strings.HasPrefix(a.Snippet, "secret [redacted], X-Canary: [redacted]") || !strings.HasSuffix(a.Snippet, " end") || strings.ContainsAny(a.Snippet, "\r\n") {
		t.Errorf("snippet %q", a.Snippet)
	}
}
