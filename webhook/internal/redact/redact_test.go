package redact_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// most is the length to which these tests clean.
const most = 4 << 10

func secretsOf(t testing.TB, address string, credentials ...string) redact.Secrets {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return redact.NewSecrets(credentials, u)
}

// Rule: among secrets that contain each other the longest is replaced first, and a query counts as
// a whole even if its values are short.
func TestCleanHidesWholes(t *testing.T) {
	t.Parallel()
	list := secretsOf(t, "https://hooks.example.com/in?k=v1&z=v2", "alphaalpha", "alphaalpha-betabeta", "beta")
	const text, want = "got alphaalpha-betabeta for k=v1&z=v2", "got [redacted] for [redacted]"
	if got := list.Clean(text, most, false); got != want {
		t.Errorf("%q became %q, want %q", text, got, want)
	}
}

// Rule: words that many URLs share are no secrets.
func TestCleanKeepsWords(t *testing.T) {
	t.Parallel()
	list := secretsOf(t, "https://api-private.atlassian.com/automation/webhooks/jira/a/pathCanary-qjqjqjqj/ruleCanary-xkxkxkxk?q=queryCanary-zvzvzvzv")
	for _, text := range []string{"no automation here", "unknown webhooks of jira", `{"error":"a query q is needed"}`} {
		if got := list.Clean(text, most, false); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// Rule: data that are no text are not taken for one; a text in another encoding is.
func TestIsText(t *testing.T) {
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
			got := ""
			if redact.IsText([]byte(tt.body)) {
				got = redact.Secrets(nil).Clean(tt.body, most, false)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func checkClean(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || len(s) > most {
		t.Errorf("%d bytes, valid UTF-8 %t", len(s), utf8.ValidString(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			t.Errorf("%U is in %q", r, s)
		}
	}
}

// Rule: texts that overlap are hidden together. A mask in place of one leaves no part of the other.
func TestCleanOfOverlaps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, secret, text, want string }{
		{"a secret and itself", "qjqjXqjqj", "a qjqjXqjqjXqjqj b", "a [redacted] b"},
		{"a secret and its spelling in front", "00 0", "0 00%25200 0", redact.Withheld},
		{"a secret and its spelling behind", `qj\u0071j`, `qj\u0071j\u005cu0071j`, redact.Withheld},
		{"a secret and an address", "0.7:8080", "at 10.0.0.7:8080.", "at [redacted]."},
		{"a secret and an address behind it", "qjqj", "at qjqjfe80::7", "at [redacted][redacted]"},
		{"neighbours", "qjqj", "qjqjqjqjx", "[redacted]x"},
		{"two in a row", "qjqw", "qjqwqjqw", "[redacted][redacted]"},
		{"a secret and its own beginning at the end", "00 00 00", "0 00 00 00 0", "0"},
		{"an address and a beginning at the end", "0.7/in/qjqj/wqwq", "at 10.0.0.7/in/qjqj", "at"},
		{"a secret and a spelled beginning at the end", "00 00 00", "0 00 00 00%200", "0"},
		{"a secret whose escapes are its own", `qj%2571`, `t=qj%2571&u=\u00e9`, `t=[redacted]&u=\u00e9`},
		{"the same behind an escape that is dropped", `qj%2571`, `\bqj%2571\b`, `\b[redacted]\b`},
	} {
		if got := secretsOf(t, endpoint, tt.secret).Clean(tt.text, most, false); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
	const text = "qjqj%41bc%64wqwq" // where the first is hidden, %41 is no escape
	if got := secretsOf(t, endpoint, "qjqj%", "41bcdwqwq").Clean(text, most, false); got != redact.Withheld {
		t.Errorf("%q became %q", text, got)
	}
}

// FuzzClean: a cleaned text is valid UTF-8 of at most 4 KiB without controls, and holds no
// secret that stands anywhere in the text, whole, or begins at its cut end.
func FuzzClean(f *testing.F) {
	f.Add("bad token ", "secretCanary-wqwqwq", " at 10.0.0.1:443: refused", true)
	f.Add("\xff\xfe", "a/b\"c<d", "\u200b\x00", false)
	f.Add(strings.Repeat("é", 2047), "aaaa", "::1", true)
	f.Add("abab", "abab", "ab", true)
	f.Add("0", "EY-N\xc4", "\xa1", false)
	f.Add("0:0:0:0:", "1.2.3.4", "::::", false)
	f.Fuzz(func(t *testing.T, before, secret, after string, cut bool) {
		if len(before)+len(secret)+len(after) > 3*most {
			return
		}
		list := secretsOf(t, "https://example.com/", secret)
		text := before + secret + after
		if cut {
			text = text[:min(len(text), most)]
		}
		began := time.Now()
		got := list.Clean(text, most, cut)
		if took := time.Since(began); took > 30*time.Second { // some milliseconds; only a hang is a failure
			t.Errorf("took %v", took)
		}
		checkClean(t, got)
		if hideable(secret) && strings.Contains(got, secret) {
			t.Errorf("%q is in %q", secret, got)
		}
		if again := list.Clean(got, most, false); hideable(secret) && strings.Contains(again, secret) {
			t.Errorf("%q is in %q", secret, again)
		}
		if hideable(secret) && printable(before) {
			checkCutEnd(t, list, before, secret)
		}
	})
}

// checkCutEnd cleans texts that were cut off within a secret: nothing of the secret stays at the end.
func checkCutEnd(t *testing.T, list redact.Secrets, before, secret string) {
	t.Helper()
	for n := 1; n < min(len(secret), 40) && len(before)+1+n <= most; n++ {
		begun := secret[:n]
		got := list.Clean(before+" "+begun, most, true)
		if strings.HasSuffix(got, begun) && !strings.Contains(before, begun) && got != redact.Withheld {
			t.Errorf("%q stays at the end of %q", begun, got)
		}
	}
}

// hideable reports whether a text can be a secret that the Manager accepts, and is not part of its
// replacement.
func hideable(s string) bool {
	return printable(s) && len(s) >= 4 && s == strings.TrimSpace(s) && !strings.ContainsAny(s, "[]") &&
		!strings.Contains("redacted", s) && !strings.Contains(redact.Withheld, s)
}

// printable reports whether a text has printable ASCII characters only.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
