package report_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/report"
)

const joiner = "\u2060"

// Rule: characters that format, link or mention in a medium are made harmless; ordinary names stay
// as they are.
func TestEscape(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, md, slack string }{
		{"Ada Lovelace", "Ada Lovelace", "Ada Lovelace"},
		{"deactivated_users", "deactivated_users", "deactivated_users"},
		{"Łódź 北京 👩‍💻", "Łódź 北京 👩‍💻", "Łódź 北京 👩‍💻"},
		{"O'Brien (ops), v1.2 - 50% #3!", "O'Brien (ops), v1.2 - 50% #3!", "O'Brien (ops), v1.2 - 50% #3!"},
		{"a | b", `a \| b`, "a | b"},
		{`a \ b`, `a \\ b`, `a \ b`},
		{`\|`, `\\\|`, `\|`},
		{"# a", `\# a`, "# a"},
		{"a\n# b\r\n\u2028c\t\x00d", "a # b c d", "a # b c d"},
		{"*b* _i_ ~s~ `c`", "\\*b\\* \\_i\\_ \\~s\\~ \\`c\\`", "∗b∗ ＿i＿ ∼s∼ ‵c‵"},
		{"[a](b)", `\[a\](b)`, "[a](b)"},
		{"<b>&amp;", `\<b\>\&amp;`, "&lt;b&gt;&amp;amp;"},
		{"<!channel>", `\<!channel\>`, "&lt;!channel&gt;"},
		{"<@U024BE7LH>", `\<@` + joiner + `U024BE7LH\>`, "&lt;@" + joiner + "U024BE7LH&gt;"},
		{"@here", "@" + joiner + "here", "@" + joiner + "here"},
		{"http://x", "http:" + joiner + "//x", "http:" + joiner + "//x"},
		{"WWW.x", "WWW" + joiner + ".x", "WWW" + joiner + ".x"},
		{"example.com", `example\.com`, "example." + joiner + "com"},
		{":x: :a:b: 12:30", ":" + joiner + "x: :" + joiner + "a:" + joiner + "b: 12:30", ":" + joiner + "x: :" + joiner + "a:" + joiner + "b: 12:30"},
		{"\u202eevil\u200b", "evil", "evil"},
		{"a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{strings.Repeat("é", 201), strings.Repeat("é", 199) + "…", strings.Repeat("é", 199) + "…"},
		{" \n ", "", ""},
	}
	for _, tc := range cases {
		if diff := cmp.Diff(tc.md, report.MdText(tc.in)); diff != "" {
			t.Errorf("Markdown of %q (-want +got):\n%s", tc.in, diff)
		}
		if diff := cmp.Diff(tc.slack, report.SlackText(tc.in)); diff != "" {
			t.Errorf("mrkdwn of %q (-want +got):\n%s", tc.in, diff)
		}
	}
}

// Rule: an e-mail address stays whole; an invalid one is an ordinary value.
func TestEscape_email(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"ada@example.com", "ada.l_b+x-1%@mail.example.co.uk"} {
		if md, slack := report.MdEmail(s), report.SlackMail(s); md != s || slack != s {
			t.Errorf("%q became %q and %q", s, md, slack)
		}
	}
	for _, s := range []string{"_a_@example.com", "a|b@example.com", "<a@example.com>", "a@b", "@channel", "a@b.c d"} {
		if md, slack := report.MdEmail(s), report.SlackMail(s); md != report.MdText(s) || slack != report.SlackText(s) {
			t.Errorf("%q was taken for an address: %q, %q", s, md, slack)
		}
	}
}

func TestSafeURL(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{deepLink, deepLink},
		{"https://example.com:8443/a%20b?c=d&e=f#g", "https://example.com:8443/a%20b?c=d&e=f#g"},
		{"https://example.com/a|b c>d)e\"f", "https://example.com/a%7Cb%20c%3Ed%29e%22f"},
		{"https://example.com/é", "https://example.com/%C3%A9"},
		{"http://example.com/", ""},
		{"javascript:alert(1)", ""},
		{"//example.com", ""},
		{"/relative", ""},
		{"https:///x", ""},
		{"https://user@example.com/", ""},
		{"https://exa<mple.com/", ""},
		{"https://[::1]/", ""},
		{"https://example.com/\n", ""},
		{"https://example.com/" + strings.Repeat("a", 2048), ""},
		{"", ""},
	}
	for _, tc := range cases {
		if got := report.SafeURL(tc.in); got != tc.want {
			t.Errorf("%q became %q, want %q", tc.in, got, tc.want)
		}
	}
	for _, s := range []string{
		"https://your-site.atlassian.net/people/5b10", "https://your-site.atlassian.net/jira/PEOPLE/5b10", "https://your-site.atlassian.net/%70eople/5b10",
		"https://your-site.atlassian.net/users?id=" + processID, "https://your-site.atlassian.net/users?id=007b5c6c%2D0078-4cf2-a9d9-3f8c02f74205", "http://example.com",
	} {
		if got := report.UserURL(s); got != "" {
			t.Errorf("%q was accepted as the link of a user", s)
		}
	}
}

// seeds are names with markup.
var seeds = []string{
	"", "plain", "a|b", "\\", "\\|", "a\n# b", "[x](https://e.example)", "![x](y)", "<https://e.example>", "https://e.example", "www.e.example", "e.example",
	"<!channel>", "<@U1>", "@here", "`", "``a`", "*a*", "__a__", "_a", "~~a~~", "&lt;", "&#60;", ":x:", "\u2028# a", "<!-- -->", "a@b.co", "[^1]", "a\u202eb", "\xff|\xff",
}

// Rule: no Markdown value starts markup. By the rules of CommonMark every such character is
// escaped, only the value comes out, and a row keeps its cells.
func FuzzMarkdown(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := report.MdText(s)
		text := oneLine(t, s, out)
		var plain strings.Builder
		for i := 0; i < len(text); i++ {
			switch c := text[i]; c {
			case '\\':
				if i++; i == len(text) || !strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", rune(text[i])) {
					t.Fatalf("%q became %q: a backslash escapes nothing", s, out)
				}
				plain.WriteByte(text[i])
			case '`', '*', '[', ']', '<', '>', '|', '~', '&', '{', '}':
				t.Fatalf("%q became %q: %q is not escaped", s, out, c)
			default:
				plain.WriteByte(c)
			}
		}
		if strings.HasPrefix(text, "#") {
			t.Errorf("%q became %q: a heading", s, out)
		}
		if got, want := plain.String(), report.Plain(s); got != want {
			t.Errorf("%q reads as %q, want %q", s, got, want)
		}
		noAutomaticLinks(t, s, plain.String())
		noBareUnderscore(t, s, strings.ReplaceAll(text, `\_`, ""))
		if cells := cells("| " + out + " | " + report.MdEmail(s) + " |"); cells != 2 {
			t.Errorf("%q makes a row of %d cells, want 2", s, cells)
		}
		if code := report.MdCode(s); strings.Count(code, "`") != 2 && code != "-" {
			t.Errorf("%q became the code %q", s, code)
		}
	})
}

// Rule: no value of mrkdwn holds a control sequence or formatting, or becomes a link, a
// mention or an emoji.
func FuzzSlack(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := report.SlackText(s)
		text := oneLine(t, s, out)
		if strings.ContainsAny(text, "<>*~`") {
			t.Errorf("%q became %q", s, out)
		}
		noBareUnderscore(t, s, text)
		noAutomaticLinks(t, s, text)
		rs := []rune(text)
		for i := 1; i+1 < len(rs); i++ {
			if rs[i] == '.' && (unicode.IsLetter(rs[i-1]) || unicode.IsDigit(rs[i-1])) && unicode.IsLetter(rs[i+1]) {
				t.Errorf("%q became %q, in which a domain name shows", s, out)
			}
		}
		for _, o := range []string{out, report.SlackCode(s), report.SlackMail(s)} {
			rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(o)
			if strings.ContainsAny(rest, "<>&") {
				t.Errorf("%q became %q, with a control character", s, o)
			}
		}
		if code := report.SlackCode(s); strings.Count(code, "`") != 2 {
			t.Errorf("%q became the code %q", s, code)
		}
	})
}

// Rule: a URL that is used is https and has no byte that ends a link, in either medium.
func FuzzSafeURL(f *testing.F) {
	for _, s := range []string{deepLink, "https://e.example/a|b)c>d", "https://e.example/\\", "javascript:x", "HTTPS://E.example", "https://e.example/`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := report.SafeURL(s)
		if got == "" {
			return
		}
		if !strings.HasPrefix(strings.ToLower(got), "https://") || strings.ContainsAny(got, " <>()[]|\\`\"'\n\r") {
			t.Errorf("%q became %q", s, got)
		}
		if again := report.SafeURL(got); again != got && len(got) <= 2048 {
			t.Errorf("%q became %q, and that %q", s, got, again)
		}
	})
}

func oneLine(t *testing.T, in, out string) string {
	t.Helper()
	if !utf8.ValidString(out) || strings.ContainsAny(out, "\n\r\v\f\u0085\u2028\u2029\x00") {
		t.Fatalf("%q became %q, which is not one line", in, out)
	}
	return out
}

// noAutomaticLinks looks for texts that programs link or expand by themselves.
func noAutomaticLinks(t *testing.T, in, text string) {
	t.Helper()
	lower := strings.ToLower(text)
	if strings.Contains(lower, "://") || strings.Contains(lower, "www.") || strings.Contains(strings.ReplaceAll(lower, "@"+joiner, ""), "@") {
		t.Errorf("%q became %q, which would be linked", in, text)
	}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !(r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r))) && !strings.ContainsRune(":_+-'", r)
	})
	for _, w := range words {
		if parts := strings.Split(w, ":"); len(parts) > 2 {
			for _, p := range parts[1 : len(parts)-1] {
				if p != "" {
					t.Errorf("%q became %q with the emoji %q", in, text, p)
				}
			}
		}
	}
}

func noBareUnderscore(t *testing.T, in, text string) {
	t.Helper()
	rs := []rune(text)
	for i, r := range rs {
		inside := i > 0 && i+1 < len(rs) && (unicode.IsLetter(rs[i-1]) || unicode.IsDigit(rs[i-1])) && (unicode.IsLetter(rs[i+1]) || unicode.IsDigit(rs[i+1]))
		if r == '_' && !inside {
			t.Errorf("%q became %q, in which an underscore formats", in, text)
		}
	}
}

// cells counts the cells of a row as GitHub's tables do: a pipe counts unless a backslash
// that is not itself escaped stands before it.
func cells(row string) int {
	n := 0
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n - 1
}
