package matrix

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// patienceRows are answers that ask for a delay. Delays are planned, not waited for.
func patienceRows(c Column) []row {
	return []row{
		one(33, "429 without Retry-After", statuses(again, "", 429)[0].plain()),
		{34, "Retry-After in seconds", patientSeconds(c)},
		{35, "Retry-After as a date", patientDates()},
		{36, "Retry-After that says nothing", forEachPause("soon", "", "-1", "+60", "1.5", "60 s", "1e3", "0x10", "2027-01-02",
			"2027-01-02T03:04:05Z", "Fri, 01 Jan 2027 00:00:00 PST")},
		{37, "Retry-After that has passed", forEachPause("0", "000", "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT")},
		{38, "Retry-After out of bounds", impatient(c)},
		{39, "Retry-After where it means nothing", ignoredPatience(c)},
	}
}

func ask(status int, value string) hostile.Behavior {
	return hostile.Status(status, hostile.RetryAfter(value))
}

// after plans the retry at that time after the end of the attempt.
func after(wait time.Duration) func(webhook.Attempt) (earliest, latest time.Time) {
	return func(a webhook.Attempt) (time.Time, time.Time) {
		at := a.End().Add(wait)
		return at, at
	}
}

// forEachPause makes two faults of each value: 429 and 503 are the statuses whose Retry-After may
// pause the whole webhook.
func forEachPause(values ...string) (out []fault) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		for _, v := range values {
			form := tag(status, "is", v)
			if len(v) > 100 {
				form = tag(status, "is", v[:10], "and so on")
			}
			out = append(out, fault{form: form, do: ask(status, v), want: again, status: status})
		}
	}
	return out
}

func patientSeconds(c Column) (out []fault) {
	waits := []time.Duration{time.Second, time.Minute, c.longest.Truncate(time.Second)}
	for _, wait := range waits {
		for _, f := range forEachPause(strconv.Itoa(int(wait / time.Second))) {
			f.wait, f.pauses = after(wait), true
			out = append(out, f)
		}
	}
	for _, status := range []int{408, 409, 425, 500, 502} {
		out = append(out, fault{form: fmt.Sprint(status, " delays this delivery alone"), do: ask(status, "60"), want: again, status: status, wait: after(time.Minute)})
	}
	return out
}

func patientDates() (out []fault) {
	at := time.Now().Add(5 * time.Minute).UTC().Truncate(time.Second)
	for form, layout := range map[string]string{"IMF-fixdate": http.TimeFormat, "RFC 850": "Monday, 02-Jan-06 15:04:05 GMT", "asctime": time.ANSIC} {
		for _, f := range forEachPause(at.Format(layout)) {
			f.form = fmt.Sprint(f.status, " ", form)
			f.wait, f.pauses = func(a webhook.Attempt) (time.Time, time.Time) { return at, at.Add(a.Duration) }, true
			out = append(out, f)
		}
	}
	return out
}

// impatient asks for a longer delay than the profile grants.
func impatient(c Column) []fault {
	values := []string{strconv.Itoa(int(c.longest/time.Second) + 1), "86400", "Fri, 31 Dec 9999 23:59:59 GMT", "9223372036854775807",
		"18446744073709551616", strings.Repeat("9", 20), strings.Repeat("9", 400)}
	out := forEachPause(values...)
	for i := range out {
		out[i].wait, out[i].pauses = after(c.longest), true
	}
	return out
}

// ignoredPatience asks for a delay where there is no retry. A profile that retries after most of
// 4xx delays that delivery, see patientSeconds.
func ignoredPatience(c Column) []fault {
	out := statuses(accepted, "", 200, 202)
	out = append(out, statuses(refused, webhook.CodeRedirect, 302)...)
	out = append(out, statuses(refused, "", 400, 404, 413)...)
	for i := range out {
		f := &out[i]
		f.do = ask(f.status, "60")
		if c.want(39, *f) == again {
			f.wait = after(time.Minute)
		} else {
			f.check = asksNothing
		}
	}
	return out
}

func asksNothing(t *testing.T, _ webhook.Delivery, a webhook.Attempt) {
	t.Helper()
	if a.RetryAfter != 0 {
		t.Errorf("Retry-After %v was taken from status %d", a.RetryAfter, a.Status)
	}
}

// tag turns a text into the name of a subtest.
func tag(parts ...any) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '/' || r == ',' || r == ':' || r == '"' {
			return -1
		}
		return r
	}, fmt.Sprintln(parts...)), "\n")
}
