package retry

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseAfter returns how long a receiver asks to wait in its Retry-After
// header, counted from now: a number of seconds, or a date in any of the three
// forms of RFC 9110, section 5.6.7, as [http.ParseTime] reads them.
//
// ok is false when the header is missing or says neither: empty, negative,
// with a sign, a fraction or a unit, a date in another form or zone. A zero or
// a date that has passed is understood and means no wait: 0 and true. What is
// longer than a Duration can hold (about 292 years) is the longest Duration.
// Of several header lines the first that can be understood counts.
//
// The wait is what was asked for, however long: [Policy.MaxAfter] bounds it.
func ParseAfter(h http.Header, now time.Time) (time.Duration, bool) {
	for _, v := range h.Values("Retry-After") {
		v = strings.Trim(v, " \t")
		if d, ok := parseSeconds(v); ok {
			return d, true
		}
		if t, ok := parseDate(v); ok {
			return max(0, t.Sub(now)), true // Sub saturates
		}
	}
	return 0, false
}

// parseSeconds reads delta-seconds of RFC 9110: digits and nothing else.
func parseSeconds(v string) (time.Duration, bool) {
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n > math.MaxInt64/uint64(time.Second) {
		return math.MaxInt64, true // digits alone: the error can only be the range
	}
	return time.Duration(n) * time.Second, true
}

// parseDate reads an HTTP-date. The obsolete form of RFC 850 would let package
// time look a zone such as PST up in the zone of the host, which makes the
// result depend on the host; HTTP knows GMT alone.
func parseDate(v string) (time.Time, bool) {
	if strings.Contains(v, ",") && !strings.HasSuffix(v, " GMT") {
		return time.Time{}, false
	}
	t, err := http.ParseTime(v)
	return t, err == nil
}
