package webhook_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/hostile"
	"github.com/postrider/postrider/webhook"
)

// echo is an answer that tells everything it was told.
const echo = "secret " + secretCanary + ", X-Canary: " + headerCanary + `, {"path":"\/hooks\/` + pathCanary + "\"}, /hooks/" + pathCanary +
	"?key=" + queryCanary + ", " + pathCanary + ", key " + queryCanary + ", dial tcp 127.0.0.3:8080: refused, peer:127.0.0.1, [::1]:443, at ::1:\r\nend"

// statusRows are answers that are in order.
func statusRows(c column) []row {
	first := c.profile().Retry.Slots[0]
	return []row{
		{26, "200", []fault{
			{form: "plain", do: hostile.Status(200), want: accepted, status: 200},
			{form: "with a body", do: hostile.Answer(200, "accepted"), want: accepted, status: 200, check: snippet("accepted")},
			{form: "echoes what it was sent", do: hostile.Answer(200, echo), want: accepted, status: 200, check: cleaned},
			{form: "pinned host", do: hostile.Status(200), want: accepted, status: 200, set: (*scene).pinned},
		}},
		{27, "other 2xx", statuses(accepted, "", 201, 202, 203, 204, 205, 206, 207, 226, 299)},
		{28, "redirects", redirects()},
		{29, "4xx", append(statuses(refused, "", 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428, 431, 451, 499),
			fault{form: "echoes what it was sent", do: hostile.Answer(400, echo), want: refused, status: 400, check: cleaned})},
		one(30, "408", statuses(again, "", 408)[0].plain()),
		one(31, "409", statuses(again, "", 409)[0].plain()),
		one(32, "425", statuses(again, "", 425)[0].plain()),
		{40, "5xx", append(statuses(again, "", 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 599),
			fault{form: "pinned host", do: hostile.Status(503), want: again, status: 503, set: (*scene).pinned,
				wait: func(a webhook.Attempt) (time.Time, time.Time) {
					return a.End().Add(first.Min), a.End().Add(first.Max)
				}})},
		{41, "600 and above", statuses(refused, "", 600, 601, 700, 999)},
	}
}

// plain is the only form of its row.
func (f fault) plain() fault {
	f.form = ""
	return f
}

// redirects point at an address that is watched, and at one that would be allowed: the
// healthy webhook's, which must see its own request alone.
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

// retryAfterRows are answers that ask for patience. Waits are planned, not waited for.
func retryAfterRows(c column) []row {
	ask := func(status int, value string) hostile.Behavior {
		return hostile.Status(status, hostile.RetryAfter(value))
	}
	after := func(wait time.Duration) func(webhook.Attempt) (time.Time, time.Time) {
		return func(a webhook.Attempt) (time.Time, time.Time) {
			at := a.End().Add(wait)
			return at, at
		}
	}
	longest := int(c.longest() / time.Second)
	rows := []row{one(33, "429 without Retry-After", statuses(again, "", 429)[0].plain())}

	var delta, date, useless, none, huge, ignored []fault
	for _, status := range []int{429, 503} {
		for _, n := range []int{1, 60, longest} {
			delta = append(delta, fault{form: fmt.Sprint(status, " ", n), do: ask(status, fmt.Sprint(n)), want: again, status: status,
				wait: after(time.Duration(n) * time.Second), pauses: true})
		}
		for form, layout := range map[string]string{"IMF-fixdate": http.TimeFormat, "RFC 850": "Monday, 02-Jan-06 15:04:05 GMT", "asctime": time.ANSIC} {
			at := time.Now().Add(5 * time.Minute).UTC().Truncate(time.Second)
			date = append(date, fault{form: fmt.Sprint(status, " ", form), do: ask(status, at.Format(layout)), want: again, status: status, pauses: true,
				wait: func(a webhook.Attempt) (time.Time, time.Time) { return at, at.Add(a.Duration) }})
		}
		for _, v := range []string{"soon", "", "-1", "+60", "1.5", "60 s", "1e3", "0x10", "2027-01-02", "2027-01-02T03:04:05Z", "Fri, 01 Jan 2027 00:00:00 PST"} {
			useless = append(useless, fault{form: tag(status, "is", v), do: ask(status, v), want: again, status: status})
		}
		for _, v := range []string{"0", "000", "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"} {
			none = append(none, fault{form: tag(status, "is", v), do: ask(status, v), want: again, status: status})
		}
		for _, v := range []string{strconv.Itoa(longest + 1), "86400", "Fri, 31 Dec 9999 23:59:59 GMT", "9223372036854775807", "18446744073709551616", strings.Repeat("9", 20), strings.Repeat("9", 400)} {
			huge = append(huge, fault{form: tag(status, "is", v[:min(len(v), 30)], "of", len(v)), do: ask(status, v), want: again, status: status, wait: after(c.longest()), pauses: true})
		}
	}
	for _, status := range []int{408, 409, 425, 500, 502} {
		delta = append(delta, fault{form: fmt.Sprint(status, " delays this delivery alone"), do: ask(status, "60"), want: again, status: status, wait: after(time.Minute)})
	}
	for _, status := range []int{200, 202} {
		ignored = append(ignored, fault{form: fmt.Sprint(status), do: ask(status, "60"), want: accepted, status: status, check: asksNothing})
	}
	for _, status := range []int{302, 400, 404, 413} {
		f := fault{form: fmt.Sprint(status), do: ask(status, "60"), want: refused, status: status, check: asksNothing}
		if status == 302 {
			f.code = webhook.CodeRedirect
		}
		ignored = append(ignored, f)
	}
	return append(rows,
		row{34, "Retry-After in seconds", delta},
		row{35, "Retry-After as a date", date},
		row{36, "Retry-After that says nothing", useless},
		row{37, "Retry-After that has passed", none},
		row{38, "Retry-After out of bounds", huge},
		row{39, "Retry-After where it means nothing", ignored},
	)
}

func asksNothing(t *testing.T, _ webhook.Delivery, a webhook.Attempt) {
	t.Helper()
	if a.RetryAfter != 0 {
		t.Errorf("Retry-After %v was taken from status %d", a.RetryAfter, a.Status)
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

// cleaned: what is no secret is still there, in one line. That no secret is, I6 says.
func cleaned(t *testing.T, _ webhook.Delivery, a webhook.Attempt) {
	t.Helper()
	if !strings.HasPrefix(a.Snippet, "secret [redacted], X-Canary: [redacted]") || !strings.HasSuffix(a.Snippet, " end") || strings.ContainsAny(a.Snippet, "\r\n") {
		t.Errorf("snippet %q", a.Snippet)
	}
}
