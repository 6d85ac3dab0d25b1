package retry

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseAfter returns the wait of a Retry-After header, counted from now. The
// header is a number of seconds, or a date in any of the three forms of RFC 9110,
// section 5.6.7, as [http.ParseTime] reads them.
//
// ok is false when the header is missing or is neither: empty, negative, with a
// sign, a fraction or a unit, or a date in another form or zone. A zero and a past
// date are valid and mean no wait: 0 and true. A wait that exceeds a Duration
// (about 292 years) is the longest Duration. Of several header lines the first
// valid one counts.
//
// ParseAfter does not limit the wait; [Policy.MaxAfter] does.
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

// parseSeconds reads delta-seconds of RFC 9110: only digits.
func parseSeconds(v string) (time.Duration, bool) {
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n > math.MaxInt64/uint64(time.Second) {
		return math.MaxInt64, true // of digits only: the range is the only possible error
	}
	return time.Duration(n) * time.Second, true
}

// parseDate reads an HTTP-date. It accepts only the zone GMT, as HTTP does: in the
// obsolete form of RFC 850 package time would take a zone such as PST from the
// host's zone, and the result would depend on the host.
func parseDate(v string) (time.Time, bool) {
	if strings.Contains(v, ",") && !strings.HasSuffix(v, " GMT") {
		return time.Time{}, false
	}
	t, err := http.ParseTime(v)
	return t, err == nil
}
