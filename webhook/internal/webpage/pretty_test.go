package webpage_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook/internal/webpage"
)

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// Rule: a body on a page is indented unless it would become too long, else shown unchanged, and
// cut at the limit between characters.
func TestPretty(t *testing.T) {
	t.Parallel()
	const limit = 4096
	broad := strings.Repeat("[", 60) + strings.Repeat("0,", 400) + "0" + strings.Repeat("]", 60)
	for name, tt := range map[string]struct {
		body, want string
		shown      int
	}{
		"nothing":                  {"", "", 0},
		"JSON":                     {`{"a":[1,{}],"b":"{,[\""}`, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"{,[\\\"\"\n}", 24},
		"text":                     {"a < b", "a < b", 5},
		"not UTF-8":                {"a\xffb", "a?b", 3},
		"not UTF-8 in JSON":        {"[\"a\xffb\"]", "[\n  \"a?b\"\n]", 7},
		"as deep as it may be":     {nested(64)[:64] + nested(64)[64:], "", 128},
		"too deep":                 {nested(65), nested(65), 130},
		"much too deep":            {nested(2000), nested(2000), 4000},
		"too long when indented":   {broad, broad, len(broad)},
		"as long as the limit":     {strings.Repeat("x", limit), strings.Repeat("x", limit), limit},
		"longer":                   {strings.Repeat("x", limit+1), strings.Repeat("x", limit), limit},
		"longer, within a rune":    {strings.Repeat("x", limit-1) + "é", strings.Repeat("x", limit-1), limit - 1},
		"longer, JSON":             {`"` + strings.Repeat("x", limit) + `"`, `"` + strings.Repeat("x", limit-1), limit},
		"braces that never open":   {"}}}}" + nested(3), "}}}}" + nested(3), 10},
		"a string that never ends": {`["a`, `["a`, 3},
	} {
		got, shown := webpage.Pretty([]byte(tt.body), limit)
		if tt.want != "" && got != tt.want || shown != tt.shown {
			t.Errorf("%s: %d bytes of %d shown, %.80q, want %d and %.80q", name, shown, len(tt.body), got, tt.shown, tt.want)
		}
		if tt.want == "" && len(tt.body) > 0 && strings.Count(got, "\n") != 126 {
			t.Errorf("%s: was not indented", name)
		}
	}
}

// FuzzPretty: the shown text is valid UTF-8 of at most four times the limit, and JSON stays
// the same JSON.
func FuzzPretty(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\"]}"]}`), 100)
	f.Add([]byte(nested(70)), 1000)
	f.Add([]byte("\xff\xc3"), 1)
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		if limit < 1 || limit > 1<<16 {
			return
		}
		got, shown := webpage.Pretty(body, limit)
		if !utf8.ValidString(got) || len(got) > 4*limit+3 || shown > min(len(body), limit) || shown < min(len(body), limit)-3 {
			t.Fatalf("%d bytes of %d shown as %d, limit %d", shown, len(body), len(got), limit)
		}
		var was, is bytes.Buffer
		if shown == len(body) && utf8.Valid(body) && json.Compact(&was, body) == nil &&
			(json.Compact(&is, []byte(got)) != nil || !bytes.Equal(was.Bytes(), is.Bytes())) {
			t.Errorf("%q became %q", body, got)
		}
	})
}
