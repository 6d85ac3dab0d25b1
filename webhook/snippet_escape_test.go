package webhook_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
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

func checkPieces(t *testing.T, what, snippet string) {
	t.Helper()
	for _, piece := range pieces {
		if strings.Contains(snippet, piece) {
			t.Errorf("%s: %q is in %q", what, piece, snippet)
			return
		}
	}
}

func secretsOf(t *testing.T, secret string) []string {
	t.Helper()
	w := webhook.Webhook{URL: "https://example.com/in", Secrets: secrets(secret)}
	u, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	return webhook.SecretsOf(&w, u)
}

// Rule: a secret is not kept in any spelling of the escapers of JSON, HTML, URLs and programming
// languages, alone, in a sentence, in JSON, and at any cut of the answer.
func TestSnippetHidesSpellings(t *testing.T) {
	t.Parallel()
	for _, s := range spellings(t) {
		list := secretsOf(t, s.secret)
		inJSON, err := json.Marshal(map[string]string{"error": s.text})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{s.text, "bad token " + s.text + ", try again", `{"token":"` + s.text + `"}`, string(inJSON)} {
			checkPieces(t, s.by, webhook.CleanSnippet(text, list, false))
		}
		for end := 1; end < len(s.text); end++ {
			before := strings.Repeat("x", 40) + " "
			got := webhook.CleanSnippet(before+s.text[:end], list, true)
			checkPieces(t, s.by+", cut off: "+s.text[:end], got)
		}
	}
}

// Rule: the sentence replaces the whole snippet if a secret cannot be cut out. A text with escapes
// but without a secret is kept.
func TestSnippetIsWithheld(t *testing.T) {
	t.Parallel()
	const secret = "qjqj+wqwq/ykyk="
	list := secretsOf(t, secret)
	for _, tt := range []struct{ name, text, want string }{
		{"JSON", `{"token":"qjqj\u002Bwqwq\/ykyk\u003d"}`, webhook.Withheld},
		{"JSON twice", `{"m":"{\"token\":\"qjqj\\u002bwqwq/ykyk\\u003d\"}"}`, webhook.Withheld},
		{"HTML", "qjqj&#43;wqwq&#x2F;ykyk=", webhook.Withheld},
		{"HTML without semicolons", "qjqj&#43wqwq/ykyk&#x3D ", webhook.Withheld},
		{"percent", "qjqj%2bwqwq%2fykyk%3d", webhook.Withheld},
		{"percent and plus", "qjqj+wqwq%2fykyk%3d", webhook.Withheld},
		{"zero-width inside an escape", "qjqj\\u200b\\u002bwqwq/ykyk=", webhook.Withheld},
		{"HTML with many zeros", "qjqj&#" + strings.Repeat("0", 40) + "43;wqwq/ykyk=", webhook.Withheld},
		{"HTML and JSON twice each", `qjqj\\u002Bwqwq&amp;#x2F;ykyk=`, webhook.Withheld},
		{"short octal numbers", `qjqj\53wqwq\57ykyk= `, webhook.Withheld},
		{"octal numbers cut off", `[qjqj\53wqwq\57ykyk\75`, "["},
		{"hexadecimal in braces", `qjqj\x{2b}wqwq/ykyk=`, webhook.Withheld},
		{"in braces with zeros", `qjqj\u{000000000000002b}wqwq/ykyk=`, webhook.Withheld},
		{"CSS", `qjqj\2b wqwq\2F ykyk=`, webhook.Withheld},
		{"CSS in six digits", `qjqj\00002bwqwq/ykyk=`, webhook.Withheld},
		{"beside it as it is", "qjqj+wqwq/ykyk= or qjqj\\u002bwqwq/ykyk=", webhook.Withheld},
		{"around an address", `10.0.0.1\u002dqjqj`, `[redacted]\u002dqjqj`},
		{"as it is", `{"a":"\u00e9","t":"qjqj+wqwq/ykyk="}`, `{"a":"\u00e9","t":"[redacted]"}`},
		{"another text", `{"error":"a \"b\" & c&#43;d 100% %zz \u12 \"`, `{"error":"a \"b\" & c&#43;d 100% %zz \u12 \"`},
		{"a path", `C:\users\temp &copy; %20`, `C:\users\temp &copy; %20`},
	} {
		if got := webhook.CleanSnippet(tt.text, list, false); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
	for _, text := range []string{"dial 10%2e0%2E0%2e1", `connect to 10\u002e0.0.1`, "http://%5B2001%3adb8%3A%3A1%5d:443/", "10&#46;0&#46;0&period;1", `fe80\:\:1`} {
		if got := webhook.CleanSnippet(text, list, false); got != webhook.Withheld {
			t.Errorf("an address: %q became %q", text, got)
		}
	}
	for _, text := range []string{`{"ip":"10.0.0.1","m":"a \"b\""}`, "at ::1, 100% sure"} {
		if got := webhook.CleanSnippet(text, list, false); got == webhook.Withheld || !strings.Contains(got, "[redacted]") {
			t.Errorf("an address as it is: %q became %q", text, got)
		}
	}
	if got := webhook.CleanSnippet(`key-10.0.0.1\u002dqjqj`, secretsOf(t, "key-10.0.0.1-qjqj"), false); got != webhook.Withheld {
		t.Errorf("a secret that holds an address became %q", got)
	}
	derived := "v1,qjqj/wqwq+ykyk/zvzvhjhj=="
	if got := webhook.CleanSnippet(`{"signature":"v1,qjqj\/wqwq\u002bykyk\/zvzvhjhj\u003d\u003d"}`, []string{derived}, false); got != webhook.Withheld {
		t.Errorf("a signature in JSON became %q", got)
	}
}

// Rule: cleaning takes little time for any answer and any number of parts of the URL, because a
// stranger chooses both.
func TestSnippetOfManyEscapes(t *testing.T) {
	t.Parallel()
	units := []string{`\`, `\u0071`, "&#113;", "%71", `\\u0071`, "&amp;", "%25", "&", "%", `\u{`, "/a", "a", `/b%2541&amp;#41\u0041`}
	for _, address := range []string{"1::1::1::", "::1.1.1.", "0:0:0:0:0:0:0.0.", "12345:", "1.1.1."} {
		units = append(units, strings.Repeat(address, 60/len(address))+`\\u0031&amp;#49;%2531%5c%26`)
	}
	token := secretsOf(t, strings.Repeat("qjqj+wqwq/ykyk=", 200))
	for _, path := range []string{"/in", strings.Repeat("/a", 1000), strings.Repeat("/", 2000)} {
		u, err := url.Parse("https://example.com" + path)
		if err != nil {
			t.Fatal(err)
		}
		list := append(webhook.SecretsOf(&webhook.Webhook{}, u), token...)
		size := 0
		for _, secret := range list {
			size += len(secret)
		}
		if size > 512<<10 {
			t.Errorf("%.10q...: %d texts of %d bytes are looked for", path, len(list), size)
		}
		for _, unit := range units {
			began := time.Now()
			webhook.CleanSnippet(strings.Repeat(unit, webhook.MaxSnippet/len(unit)), list, true)
			if took := time.Since(began); took > 5*time.Second { // some milliseconds each; only a hang is a failure
				t.Errorf("%.10q...: %q took %v", path, unit, took)
			}
		}
	}
}

// Rule: an answer that is no text is not kept; a text in another encoding is.
func TestSnippetIsText(t *testing.T) {
	t.Parallel()
	squeeze := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var deflated bytes.Buffer
	z := zlib.NewWriter(&deflated)
	if _, err := z.Write([]byte(strings.Repeat(`{"ok":true}`, 9))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 0, 8192)
	for i := range 256 {
		sum := sha256.Sum256([]byte{byte(i)})
		random = append(random, sum[:]...)
	}
	for name, tt := range map[string]struct{ body, want string }{
		"gzip":                     {squeeze(`{"message":"accepted"}`), ""},
		"gzip of nothing":          {squeeze(""), ""},
		"gzip of much":             {squeeze(string(random)), ""},
		"deflate":                  {deflated.String(), ""},
		"random":                   {string(random), ""},
		"PNG":                      {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06", ""},
		"UTF-16":                   {"o\x00k\x00,\x00 \x00d\x00o\x00n\x00e\x00", ""},
		"zeros":                    {"\x00\x00\x00", ""},
		"text":                     {"ok, taken\n", "ok, taken"},
		"short text":               {"ok", "ok"},
		"UTF-8":                    {"dépôt non trouvé — 見つかりません", "dépôt non trouvé — 見つかりません"},
		"Latin-1":                  {"Der Schl\xfcssel wurde nicht gefunden", "Der Schl\uFFFDssel wurde nicht gefunden"},
		"text with one odd letter": {"taken by \x1b[1mus\x1b[0m, all of it", "taken by [1mus[0m, all of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: func(int, request) answer { return answer{status: 400, body: tt.body} }}
			h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
			if a := h.sendTest(h.add("one")); a.Snippet != tt.want || a.Status != 400 {
				t.Errorf("status %d, %q, want %q", a.Status, a.Snippet, tt.want)
			}
		})
	}
}

// FuzzSnippetEscapes: a secret in the spelling of two nested escapers is not kept, at any place.
func FuzzSnippetEscapes(f *testing.F) {
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
	f.Fuzz(func(t *testing.T, before, secret, after string, first, second uint8) {
		if !hideable(secret) || len(before)+9*len(secret)+len(after) > webhook.MaxSnippet {
			return
		}
		list := secretsOf(t, secret)
		echo := escapers[int(second)%len(escapers)](escapers[int(first)%len(escapers)](secret))
		got := webhook.CleanSnippet(before+" "+echo+" "+after, list, false)
		checkSnippet(t, got)
		if strings.Contains(got, echo) && !strings.Contains(before+" "+after, echo) && !strings.Contains(webhook.Withheld, echo) {
			t.Errorf("%q is in %q", echo, got)
		}
	})
}

// Rule: of an address that was cut off at its end at most the first group is kept, in any spelling.
func TestSnippetCutsAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ address, second string }{
		{"10.20.30.40", "20"}, {"2001:db8:1:2:3:4:5:6", "db8"}, {"fe80::1:2:3:4", ":"}, {"::ffff:10.20.30.40", "f"},
		{`10\u002e77\u002e30\u002e40`, "77"}, {"10%2E77%2E30%2E40", "77"},
	} {
		for end := 1; end < len(tt.address); end++ {
			text := strings.Repeat("x", 40) + " dial " + tt.address[:end]
			if got := webhook.CleanSnippet(text, nil, true); strings.Contains(got, tt.second) {
				t.Errorf("%q at the end became %q", tt.address[:end], got) // the first group alone may be any number
			}
		}
	}
	for _, text := range []string{"within 5.", "at 10:20 o'clock", "see a.b.c", "added."} {
		if got := webhook.CleanSnippet(text, nil, false); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
