package retry_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/retry"
)

func TestParseAfter(t *testing.T) {
	t.Parallel()
	const s = time.Second
	now := time.Date(1994, time.November, 6, 8, 49, 7, 0, time.UTC) // 30 s before the example of RFC 9110
	for _, tc := range []struct {
		name  string
		lines []string
		want  time.Duration
		ok    bool
	}{
		{"missing", nil, 0, false},
		{"seconds", []string{"120"}, 120 * s, true},
		{"leading zeros", []string{"007"}, 7 * s, true},
		{"space around", []string{" \t5 "}, 5 * s, true},
		{"zero: no wait", []string{"0"}, 0, true},
		{"a day", []string{"86400"}, 24 * time.Hour, true},
		{"most seconds of a Duration", []string{"9223372036"}, 9223372036 * s, true},
		{"one more", []string{"9223372037"}, math.MaxInt64, true},
		{"20 digits", []string{"99999999999999999999"}, math.MaxInt64, true},
		{"60 digits", []string{"000000000000000000000000000000000000000000000000000000000009"}, 9 * s, true},

		{"IMF-fixdate", []string{"Sun, 06 Nov 1994 08:49:37 GMT"}, 30 * s, true},
		{"RFC 850", []string{"Sunday, 06-Nov-94 08:49:37 GMT"}, 30 * s, true},
		{"asctime", []string{"Sun Nov  6 08:49:37 1994"}, 30 * s, true},
		{"date now", []string{"Sun, 06 Nov 1994 08:49:07 GMT"}, 0, true},
		{"date in the past: no wait", []string{"Sat, 05 Nov 1994 08:49:37 GMT"}, 0, true},
		{"year 9999", []string{"Fri, 31 Dec 9999 23:59:59 GMT"}, math.MaxInt64, true},

		{"empty", []string{""}, 0, false},
		{"only space", []string{"  "}, 0, false},
		{"garbage", []string{"soon"}, 0, false},
		{"negative", []string{"-1"}, 0, false},
		{"sign", []string{"+1"}, 0, false},
		{"float", []string{"1.5"}, 0, false},
		{"exponent", []string{"1e3"}, 0, false},
		{"unit", []string{"5s"}, 0, false},
		{"hex", []string{"0x10"}, 0, false},
		{"underscore", []string{"1_000"}, 0, false},
		{"list", []string{"1, 2"}, 0, false},
		{"space inside", []string{"1 2"}, 0, false},
		{"digits of another script", []string{"١٢"}, 0, false},
		{"ISO date", []string{"1994-11-06T08:49:37Z"}, 0, false},
		{"zone that depends on the host", []string{"Sunday, 06-Nov-94 08:49:37 PST"}, 0, false},
		{"numeric zone", []string{"Sun, 06 Nov 1994 08:49:37 +0000"}, 0, false},

		{"first of two", []string{"10", "20"}, 10 * s, true},
		{"first that can be understood", []string{"soon", "20"}, 20 * s, true},
		{"zero comes first", []string{"0", "20"}, 0, true},
		{"none of two", []string{"soon", "-1"}, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for _, line := range tc.lines {
				h.Add("Retry-After", line)
			}
			got, ok := retry.ParseAfter(h, now)
			if got != tc.want || ok != tc.ok {
				t.Errorf("ParseAfter(%q) = %v, %t; want %v, %t", tc.lines, got, ok, tc.want, tc.ok)
			}
		})
	}
	if got, ok := retry.ParseAfter(nil, now); got != 0 || ok {
		t.Errorf("ParseAfter(nil) = %v, %t; want 0, false", got, ok)
	}
}

// FuzzParseAfter: a hostile header causes no panic and no wait beyond the
// policy's bounds.
func FuzzParseAfter(f *testing.F) {
	for _, v := range []string{
		"", "0", "120", "-1", "1.5", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Fri, 31 Dec 9999 23:59:59 GMT", "2026-01-01T00:00:00Z",
	} {
		f.Add(v, int64(0))
	}
	f.Fuzz(func(t *testing.T, v string, unix int64) {
		now := time.Unix(unix%(1<<38), 0)
		d, ok := retry.ParseAfter(http.Header{"Retry-After": {v}}, now)
		if d < 0 || !ok && d != 0 {
			t.Fatalf("ParseAfter(%q) = %v, %t", v, d, ok)
		}
		if again, okAgain := retry.ParseAfter(http.Header{"Retry-After": {v}}, now.In(time.FixedZone("PST", -8*3600))); again != d || okAgain != ok {
			t.Fatalf("ParseAfter(%q) depends on the zone of now: %v, %v", v, d, again)
		}
		at, ok := retry.Automation().Next(retry.Failure{First: epoch, Now: epoch, After: d})
		if wait := at.Sub(epoch); !ok || wait < min(d, 15*time.Minute) || wait > 15*time.Minute {
			t.Fatalf("ParseAfter(%q) = %v leads to a wait of %v", v, d, wait)
		}
	})
}
