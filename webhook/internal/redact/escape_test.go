package redact_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// spelling is the result of an escaper for a secret.
type spelling struct{ by, secret, text string }

// spellings are those in testdata, which a script makes with escapers of three languages.
func spellings(t *testing.T) (all []spelling) {
	t.Helper()
	f, err := os.Open("testdata/spellings/spellings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s []string
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil || len(s) != 3 {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		all = append(all, spelling{s[0], s[1], s[2]})
	}
	if err := lines.Err(); err != nil || len(all) < 300 {
		t.Fatalf("%d spellings, %v", len(all), err)
	}
	return all
}

// pieces are the parts of the secrets that every spelling leaves readable, unless it spells
// every character.
var pieces = []string{"qjqj", "wqwq", "ykyk", "zvzv", "hjhj", "uyuy", `\u0071\u006a`}

// endpoint is the URL of a receiver without a secret.
const endpoint = "https://example.com/in"

func checkPieces(t *testing.T, what, snippet string) {
	t.Helper()
	for _, piece := range pieces {
		if strings.Contains(snippet, piece) {
			t.Errorf("%s: %q is in %q", what, piece, snippet)
			return
		}
	}
}

// Rule: a secret is not kept in any spelling of the escapers of JSON, HTML, URLs and programming
// languages, alone, in a sentence, in JSON, and at any cut of the answer.
func TestCleanHidesSpellings(t *testing.T) {
	t.Parallel()
	for _, s := range spellings(t) {
		list := secretsOf(t, endpoint, s.secret)
		inJSON, err := json.Marshal(map[string]string{"error": s.text})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{s.text, "bad token " + s.text + ", try again", `{"token":"` + s.text + `"}`, string(inJSON)} {
			checkPieces(t, s.by, list.Clean(text, most, false))
		}
		for end := 1; end < len(s.text); end++ {
			before := strings.Repeat("x", 40) + " "
			got := list.Clean(before+s.text[:end], most, true)
			checkPieces(t, s.by+", cut off: "+s.text[:end], got)
		}
	}
}

// Rule: the sentence replaces the whole snippet if a secret cannot be cut out. A text with escapes
// but without a secret is kept.
func TestCleanWithholds(t *testing.T) {
	t.Parallel()
	const secret = "qjqj+wqwq/ykyk="
	list := secretsOf(t, endpoint, secret)
	for _, tt := range []struct{ name, text, want string }{
		{"JSON", `{"token":"qjqj\u002Bwqwq\/ykyk\u003d"}`, redact.Withheld},
		{"JSON twice", `{"m":"{\"token\":\"qjqj\\u002bwqwq/ykyk\\u003d\"}"}`, redact.Withheld},
		{"HTML", "qjqj&#43;wqwq&#x2F;ykyk=", redact.Withheld},
		{"HTML without semicolons", "qjqj&#43wqwq/ykyk&#x3D ", redact.Withheld},
		{"percent", "qjqj%2bwqwq%2fykyk%3d", "[redacted]"},
		{"percent and plus", "qjqj+wqwq%2fykyk%3d", redact.Withheld},
		{"zero-width inside an escape", "qjqj\\u200b\\u002bwqwq/ykyk=", redact.Withheld},
		{"HTML with many zeros", "qjqj&#" + strings.Repeat("0", 40) + "43;wqwq/ykyk=", redact.Withheld},
		{"HTML and JSON twice each", `qjqj\\u002Bwqwq&amp;#x2F;ykyk=`, redact.Withheld},
		{"short octal numbers", `qjqj\53wqwq\57ykyk= `, redact.Withheld},
		{"octal numbers cut off", `[qjqj\53wqwq\57ykyk\75`, "["},
		{"hexadecimal in braces", `qjqj\x{2b}wqwq/ykyk=`, redact.Withheld},
		{"in braces with zeros", `qjqj\u{000000000000002b}wqwq/ykyk=`, redact.Withheld},
		{"CSS", `qjqj\2b wqwq\2F ykyk=`, redact.Withheld},
		{"CSS in six digits", `qjqj\00002bwqwq/ykyk=`, redact.Withheld},
		{"beside it as it is", "qjqj+wqwq/ykyk= or qjqj\\u002bwqwq/ykyk=", redact.Withheld},
		{"around an address", `10.0.0.1\u002dqjqj`, `[redacted]\u002dqjqj`},
		{"as it is", `{"a":"\u00e9","t":"qjqj+wqwq/ykyk="}`, `{"a":"\u00e9","t":"[redacted]"}`},
		{"another text", `{"error":"a \"b\" & c&#43;d 100% %zz \u12 \"`, `{"error":"a \"b\" & c&#43;d 100% %zz \u12 \"`},
		{"a path", `C:\users\temp &copy; %20`, `C:\users\temp &copy; %20`},
	} {
		if got := list.Clean(tt.text, most, false); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
	for _, text := range []string{"dial 10%2e0%2E0%2e1", `connect to 10\u002e0.0.1`, "http://%5B2001%3adb8%3A%3A1%5d:443/", "10&#46;0&#46;0&period;1", `fe80\:\:1`, `10.0.0.1\u0030`} {
		if got := list.Clean(text, most, false); got != redact.Withheld {
			t.Errorf("an address: %q became %q", text, got)
		}
	}
	for _, text := range []string{`{"ip":"10.0.0.1","m":"a \"b\""}`, "at ::1, 100% sure"} {
		if got := list.Clean(text, most, false); got == redact.Withheld || !strings.Contains(got, "[redacted]") {
			t.Errorf("an address as it is: %q became %q", text, got)
		}
	}
	if got := secretsOf(t, endpoint, "key-10.0.0.1-qjqj").Clean(`key-10.0.0.1\u002dqjqj`, most, false); got != redact.Withheld {
		t.Errorf("a secret that holds an address became %q", got)
	}
	derived := redact.Secrets(nil).WithHeader(http.Header{"Webhook-Signature": {"v1,qjqj/wqwq+ykyk/zvzvhjhj=="}})
	if got := derived.Clean(`{"signature":"v1,qjqj\/wqwq\u002bykyk\/zvzvhjhj\u003d\u003d"}`, most, false); got != redact.Withheld {
		t.Errorf("a signature in JSON became %q", got)
	}
}

// Rule: cleaning takes little time for any answer and any number of parts of the URL, because a
// stranger chooses both.
func TestCleanOfManyEscapes(t *testing.T) {
	t.Parallel()
	units := []string{`\`, `\u0071`, "&#113;", "%71", `\\u0071`, "&amp;", "%25", "&", "%", `\u{`, "/a", "a", `/b%2541&amp;#41\u0041`}
	for _, address := range []string{"1::1::1::", "::1.1.1.", "0:0:0:0:0:0:0.0.", "12345:", "1.1.1."} {
		units = append(units, strings.Repeat(address, 60/len(address))+`\\u0031&amp;#49;%2531%5c%26`)
	}
	token := secretsOf(t, endpoint, strings.Repeat("qjqj+wqwq/ykyk=", 200))
	for _, path := range []string{"/in", strings.Repeat("/a", 1000), strings.Repeat("/", 2000)} {
		list := append(secretsOf(t, "https://example.com"+path), token...)
		size := 0
		for _, secret := range list {
			size += len(secret)
		}
		if size > 512<<10 {
			t.Errorf("%.10q...: %d texts of %d bytes are looked for", path, len(list), size)
		}
		for _, unit := range units {
			began := time.Now()
			list.Clean(strings.Repeat(unit, most/len(unit)), most, true)
			if took := time.Since(began); took > 30*time.Second { // some milliseconds each; only a hang is a failure
				t.Errorf("%.10q...: %q took %v", path, unit, took)
			}
		}
	}
}

// FuzzCleanEscapes: a secret in the spelling of two nested escapers is not kept, at any place, nor is
// half of that spelling.
func FuzzCleanEscapes(f *testing.F) {
	marshal := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	everyMark := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		return b.String()
	}
	escapers := []func(string) string{marshal, html.EscapeString, url.QueryEscape, url.PathEscape, strconv.Quote, everyMark,
		func(s string) string { return s }}
	f.Add("bad ", "qjqj+wqwq/ykyk=", " token", uint8(0), uint8(1))
	f.Add(`\`, `qjqj"%41\u0041&amp;`, "%", uint8(2), uint8(0))
	f.Add("0", "00 0", "0", uint8(3), uint8(3))
	f.Fuzz(func(t *testing.T, before, secret, after string, first, second uint8) {
		if !hideable(secret) || len(before)+9*len(secret)+len(after) > most {
			return
		}
		list := secretsOf(t, endpoint, secret)
		echo := escapers[int(second)%len(escapers)](escapers[int(first)%len(escapers)](secret))
		got := list.Clean(before+" "+echo+" "+after, most, false)
		checkClean(t, got)
		if strings.Contains(got, echo) && !strings.Contains(before+" "+after, echo) && !strings.Contains(redact.Withheld, echo) {
			t.Errorf("%q is in %q", echo, got)
		}
		if !printable(before + after) {
			return
		}
		size := max(4, len(echo)/2)
		for i := 0; i+size <= len(echo); i++ {
			piece := echo[i : i+size]
			if strings.Contains(got, piece) && !strings.Contains(before+" "+after+redact.Mask+redact.Withheld, piece) {
				t.Fatalf("%q of %q is in %q", piece, echo, got)
			}
		}
	})
}
