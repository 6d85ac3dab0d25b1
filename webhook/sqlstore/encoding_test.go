package sqlstore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// FuzzTextArray: an array literal holds the elements and nothing else, by the rules of
// the PostgreSQL manual, section 8.15.
func FuzzTextArray(f *testing.F) {
	f.Add("a", "b")
	f.Add(`"`, `\`)
	f.Add(`{},"`, `NULL`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := parseArray(sqlstore.TextArray([]string{a, b})); !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q came back as %q", []string{a, b}, got)
		}
	})
	if got := sqlstore.TextArray(nil); got != "{}" {
		f.Errorf("empty list: %q", got)
	}
}

func parseArray(s string) (list []string) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	for len(s) > 0 {
		var b strings.Builder
		i := 1 // behind the quote
		for ; s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
			b.WriteByte(s[i])
		}
		list = append(list, b.String())
		s = strings.TrimPrefix(s[i+1:], ",")
	}
	return list
}

// FuzzAttempt: an attempt is decoded from its line unchanged. The line is one line of JSON,
// written with or without the encoder.
func FuzzAttempt(f *testing.F) {
	f.Add(int64(7), 1, 200, "", "ok", int64(3), int64(0), "", "", "")
	f.Add(int64(1)<<62, 2, 503, "status", "a \"quoted\" <b>\n", int64(-1), int64(9), "", "Via", "1.1 proxy")
	f.Add(int64(7), 1, 0, "network", "", int64(3), int64(0), "refused", "", "")
	f.Fuzz(func(t *testing.T, lease int64, number, status int, code, snippet string, took, after int64, detail, name, value string) {
		valid := func(s string) string { return strings.ToValidUTF8(s, "") }
		a := webhook.Attempt{Number: number, Status: status, Code: webhook.Code(valid(code)), Detail: webhook.Detail(valid(detail)), Snippet: valid(snippet),
			Start: time.UnixMicro(1700000000000001).UTC(), Duration: time.Duration(took), RetryAfter: time.Duration(after)}
		if name != "" {
			a.Header = []webhook.HeaderField{{Name: valid(name), Value: valid(value)}, {Name: "Server", Value: valid(value)}}
		}
		line, err := sqlstore.EncodeAttempt(lease, &a)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(line, "\n") != 1 || len(line)%4 != 0 || !json.Valid([]byte(line)) {
			t.Errorf("not a line of JSON of a multiple of four bytes: %q", line)
		}
		if diff := cmp.Diff([]webhook.Attempt{a}, sqlstore.DecodeAttempt(line)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// FuzzCursor: a cursor of Due is refused, or it is decoded and encoded to the same bytes.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("AQAAAAAAAAABYQ")
	f.Add("AAAAAAAAAAIAYg")
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, cursor string) {
		again, err := sqlstore.ParsePlace(cursor)
		if err != nil || cursor == "" {
			return
		}
		want, _ := base64.RawURLEncoding.DecodeString(cursor)
		if got, err := base64.RawURLEncoding.DecodeString(again); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q became %q, %v", cursor, again, err)
		}
	})
	if _, err := sqlstore.ParsePlace("AQAAAAAAAAABYQ"); err != nil {
		f.Errorf("a cursor of Due is refused: %v", err)
	}
}

// TestKeys: hooks and IDs depend on each name, and on the boundaries between names.
func TestKeys(t *testing.T) {
	t.Parallel()
	hooks := map[int64]bool{}
	for _, names := range [][2]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}, {"a", "bc"}} {
		n := sqlstore.HookOf(names[0], names[1])
		if n < 0 || hooks[n] {
			t.Errorf("%q has hook %d, negative or that of another", names, n)
		}
		hooks[n] = true
	}
	from, below := sqlstore.EventPrefix("acme", "evt_1")
	for _, id := range []string{webhook.DeliveryID("acme", "evt_1", "wh_1"), webhook.DeliveryID("acme", "evt_1", "wh_2")} {
		if id < from || id >= below {
			t.Errorf("%s is not between %s and %s", id, from, below)
		}
	}
	if id := webhook.DeliveryID("acme", "evt_2", "wh_1"); id >= from && id < below {
		t.Errorf("%s of another event is between %s and %s", id, from, below)
	}
}
