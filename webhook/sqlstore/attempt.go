package sqlstore

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// attemptLine is a line of the column attempts. Times are microseconds, durations are
// nanoseconds. The lease comes first because settleSet searches for it.
type attemptLine struct {
	Lease      int64         `json:"l"`
	Number     int           `json:"n"`
	Status     int           `json:"s,omitempty"`
	Code       webhook.Code  `json:"c,omitempty"`
	Start      int64         `json:"t"`
	Duration   time.Duration `json:"d"`
	RetryAfter time.Duration `json:"r,omitempty"`
	Snippet    string        `json:"x,omitempty"`

	Detail webhook.Detail `json:"e,omitempty"`
	Header []headerField  `json:"h,omitempty"`
}

type headerField [2]string // name and value

// encodeAttempt encodes a line. JSON escapes newlines and NUL. The usual attempt is
// written without the encoder, which costs more than the rest of its settlement.
func encodeAttempt(lease int64, a *webhook.Attempt) (string, error) {
	if len(a.Header) > 0 || len(a.Snippet) > 64 || !plainText(a.Snippet) || !plainText(string(a.Code)) || !plainText(string(a.Detail)) {
		line := attemptLine{lease, a.Number, a.Status, a.Code, micros(a.Start), a.Duration, a.RetryAfter, a.Snippet, a.Detail, nil}
		for _, f := range a.Header {
			line.Header = append(line.Header, headerField{f.Name, f.Value})
		}
		b, err := json.Marshal(line)
		return endLine(b), err
	}
	var buf [256]byte
	b := strconv.AppendInt(append(buf[:0], `{"l":`...), lease, 10)
	number := func(name string, n int64) {
		b = strconv.AppendInt(append(append(append(b, `,"`...), name...), `":`...), n, 10)
	}
	text := func(name, value string) {
		if value != "" {
			b = append(append(append(append(append(b, `,"`...), name...), `":"`...), value...), '"')
		}
	}
	number("n", int64(a.Number))
	if a.Status != 0 {
		number("s", int64(a.Status))
	}
	text("c", string(a.Code))
	number("t", micros(a.Start))
	number("d", int64(a.Duration))
	if a.RetryAfter != 0 {
		number("r", int64(a.RetryAfter))
	}
	text("x", a.Snippet)
	text("e", string(a.Detail))
	return endLine(append(b, '}')), nil
}

// endLine makes the length of a line a multiple of four. PostgreSQL aligns the body, behind the
// attempts, to four bytes, so the columns between keep their bytes and stay out of the write-ahead log.
func endLine(b []byte) string {
	for len(b)%4 != 3 {
		b = append(b, ' ')
	}
	return string(append(b, '\n'))
}

// plainText reports whether JSON writes a text without escapes.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || strings.IndexByte(`"\<>&`, c) >= 0 {
			return false
		}
	}
	return true
}

func decodeAttempts(lines string) (as []webhook.Attempt) {
	for line := range strings.Lines(lines) {
		var a attemptLine
		if json.Unmarshal([]byte(line), &a) != nil {
			continue
		}
		one := webhook.Attempt{Number: a.Number, Status: a.Status, Code: a.Code, Start: fromMicros(a.Start),
			Duration: a.Duration, RetryAfter: a.RetryAfter, Snippet: a.Snippet, Detail: a.Detail}
		for _, f := range a.Header {
			one.Header = append(one.Header, webhook.HeaderField{Name: f[0], Value: f[1]})
		}
		as = append(as, one)
	}
	return as
}
