package sign_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook/sign"
)

func mustParse(tb testing.TB, raw string) *url.URL {
	tb.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func TestQueryHashVectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).QSH {
		u := mustParse(t, v.URL)
		if got, err := sign.CanonicalRequest(v.Method, u, "", sign.PathRaw); err != nil || got != v.Canonical {
			t.Errorf("%s: CanonicalRequest = %q, %v; want %q", v.Name, got, err, v.Canonical)
		}
		if got, err := sign.QueryHash(strings.ToLower(v.Method), u, "https://h.example/", sign.PathRaw); err != nil || got != v.QSH {
			t.Errorf("%s: QueryHash = %s, %v; want %s", v.Name, got, err, v.QSH)
		}
	}
}

func TestCanonicalRequest(t *testing.T) {
	t.Parallel()
	const raw, decoded = sign.PathRaw, sign.PathDecoded
	tests := []struct {
		name, url, base string
		mode            sign.PathMode
		want            string
	}{
		{"base path removed", "https://h.example/add-on/hook", "https://h.example/add-on", raw, "POST&/hook&"},
		{"base path with a slash at its end", "https://h.example/add-on/hook", "https://h.example/add-on/", raw, "POST&/hook&"},
		{"the base path itself", "https://h.example/add-on", "https://h.example/add-on", raw, "POST&/&"},
		{"the base path and a slash", "https://h.example/add-on/", "https://h.example/add-on", raw, "POST&/&"},
		{"base path removed once", "https://h.example/a/a/b", "https://h.example/a", raw, "POST&/a/b&"},
		{"removed at a segment's end only", "https://h.example/add-ons/hook", "https://h.example/add-on", raw, "POST&/add-ons/hook&"},
		{"a proxy cut the base path off", "https://h.example/hook", "https://h.example/add-on", raw, "POST&/hook&"},
		{"ampersand in the base path", "https://h.example/a&b/c&d", "https://h.example/a&b", raw, "POST&/c%26d&"},
		{"one slash of two at the end", "https://h.example/hook//", "", raw, "POST&/hook/&"},
		{"two slashes alone", "https://h.example//", "", raw, "POST&/&"},
		{"escapes stay, raw", "https://h.example/a%2Fb%20c/%C3%86", "", raw, "POST&/a%2Fb%20c/%C3%86&"},
		{"escapes in lower case stay, raw", "https://h.example/a%2fb", "", raw, "POST&/a%2fb&"},
		{"escapes decoded", "https://h.example/a%2Fb%20c/%C3%86", "", decoded, "POST&/a/b c/Æ&"},
		{"base path with escapes, raw", "https://h.example/a%20b/c", "https://h.example/a%20b", raw, "POST&/c&"},
		{"base path with escapes, decoded", "https://h.example/a%20b/c", "https://h.example/a%20b", decoded, "POST&/c&"},
		{"jwt is left out by its exact name", "https://h.example/h?jwt=a&jwt=b&JWT=c&jwts=d", "", raw, "POST&/h&JWT=c&jwts=d"},
		{"jwt alone", "https://h.example/h?jwt=a", "", raw, "POST&/h&"},
		{"jwt with escapes", "https://h.example/h?%6Awt=a", "", raw, "POST&/h&"},
		{"empty pairs", "https://h.example/h?&&a=1&&", "", raw, "POST&/h&a=1"},
		{"question mark alone", "https://h.example/h?", "", raw, "POST&/h&"},
		{"no name", "https://h.example/h?=v", "", raw, "POST&/h&=v"},
		{"equals signs in a value", "https://h.example/h?a=b=c", "", raw, "POST&/h&a=b%3Dc"},
		{"question mark in a value", "https://h.example/h?a=b?c", "", raw, "POST&/h&a=b%3Fc"},
		{"one name in two spellings", "https://h.example/h?%61=2&a=1", "", raw, "POST&/h&a=1,2"},
		{"the same value twice", "https://h.example/h?a=1&a=1", "", raw, "POST&/h&a=1,1"},
		{"an encoded semicolon", "https://h.example/h?a=1%3B2", "", raw, "POST&/h&a=1%3B2"},
		{"other languages", "https://h.example/h?%C3%86=%E4%B8%AD+%F0%9F%98%80", "", raw, "POST&/h&%C3%86=%E4%B8%AD%20%F0%9F%98%80"},
		{"values in the order of UTF-16", "https://h.example/h?a=%EF%BD%9E&a=%F0%9F%98%80", "", raw, "POST&/h&a=%F0%9F%98%80,%EF%BD%9E"},
		{"values below the surrogates in front", "https://h.example/h?a=%F0%9F%98%80&a=%E4%B8%AD", "", raw, "POST&/h&a=%E4%B8%AD,%F0%9F%98%80"},
		{"values behind a common beginning", "https://h.example/h?a=x%F0%9F%98%81&a=x%EE%80%80&a=x%F0%9F%98%80&a=x", "", raw, "POST&/h&a=x,x%F0%9F%98%80,x%F0%9F%98%81,x%EE%80%80"},
		{"a base URL with several slashes at its end", "https://h.example/add-on/hook", "https://h.example/add-on///", raw, "POST&/hook&"},
		{"a base URL with several slashes inside", "https://h.example//add-on/hook", "https://h.example//add-on", raw, "POST&/hook&"},
		{"fragments do not count", "https://h.example/h?a=1#b", "", raw, "POST&/h&a=1"},
	}
	for _, tt := range tests {
		if got, err := sign.CanonicalRequest("post", mustParse(t, tt.url), tt.base, tt.mode); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestCanonicalRequestRefuses(t *testing.T) {
	t.Parallel()
	good := &url.URL{Scheme: "https", Host: "h.example", Path: "/canary"}
	query := func(q string) *url.URL {
		u := *good
		u.RawQuery = q
		return &u
	}
	tests := []struct {
		name string
		url  *url.URL
		base string
		mode sign.PathMode
	}{
		{"a semicolon", query("a=canary;b=2"), "", sign.PathRaw},
		{"a % at the end", query("a=canary%"), "", sign.PathRaw},
		{"half an escape", query("canary%2=b"), "", sign.PathRaw},
		{"no escape", query("a=canary%zz"), "", sign.PathRaw},
		{"no UTF-8", query("a=canary%ff"), "", sign.PathRaw},
		{"no URL", nil, "", sign.PathRaw},
		{"a URL without a path", &url.URL{Scheme: "mailto", Opaque: "canary@h.example"}, "", sign.PathRaw},
		{"a base URL without a host", good, "/canary", sign.PathRaw},
		{"a base URL of another scheme", good, "ftp://canary.example/", sign.PathRaw},
		{"a base URL that does not parse", good, "https://canary .example/", sign.PathRaw},
		{"a base URL with a query", good, "https://h.example/canary?a", sign.PathRaw},
		{"a base URL with an empty query", good, "https://h.example/canary?", sign.PathRaw},
		{"a base URL with a fragment", good, "https://h.example/canary#a", sign.PathRaw},
		{"a base URL with a user", good, "https://canary@h.example/", sign.PathRaw},
		{"a base URL with dot segments", good, "https://h.example/canary/../", sign.PathRaw},
		{"an unknown mode", good, "", 2},
	}
	for _, tt := range tests {
		_, err := sign.CanonicalRequest("POST", tt.url, tt.base, tt.mode)
		_, hashErr := sign.QueryHash("POST", tt.url, tt.base, tt.mode)
		if !errors.Is(err, sign.ErrConfig) || !errors.Is(hashErr, sign.ErrConfig) {
			t.Errorf("%s: %v and %v, want ErrConfig", tt.name, err, hashErr)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the URL: %v", tt.name, err)
		}
	}
}

// FuzzCanonicalRequest checks two rules: order and encoding of the parameters do not change
// the text; and requests with different parameters have different texts.
func FuzzCanonicalRequest(f *testing.F) {
	for _, v := range allVectors(f).QSH {
		u := mustParse(f, v.URL)
		f.Add(u.EscapedPath(), u.RawQuery)
	}
	f.Add("/a%2", "a=1;b=2")
	f.Add("", "%=%&&=")
	f.Fuzz(func(t *testing.T, path, query string) {
		u := &url.URL{Scheme: "https", Host: "h.example", Path: path, RawQuery: query}
		got, err := sign.CanonicalRequest(http.MethodPost, u, "", sign.PathRaw)
		values, parseErr := url.ParseQuery(query)
		if err != nil {
			if !errors.Is(err, sign.ErrConfig) {
				t.Fatalf("undocumented error %v", err)
			}
			if parseErr == nil && utf8.ValidString(query) && !strings.Contains(query, "%") {
				t.Fatalf("a plain query is refused: %v", err)
			}
			return
		}
		if parseErr != nil {
			t.Fatalf("net/url refuses what is signed: %v", parseErr)
		}
		again := *u
		again.RawQuery = values.Encode() // other order, other spelling
		if same, err := sign.CanonicalRequest(http.MethodPost, &again, "", sign.PathRaw); err != nil || same != got {
			t.Fatalf("%q and %q: %q, then %q, %v", query, again.RawQuery, got, same, err)
		}
		method, rest, _ := strings.Cut(got, "&")
		canonicalPath, pairs, ok := strings.Cut(rest, "&")
		if method != "POST" || !ok || !strings.HasPrefix(canonicalPath, "/") {
			t.Fatalf("%q is not method, path and query", got)
		}
		checkPairs(t, values, pairs)
	})
}

// checkPairs decodes a canonical query and compares it with the wanted parameters.
func checkPairs(t *testing.T, want url.Values, pairs string) {
	t.Helper()
	delete(want, "jwt")
	got := url.Values{}
	for pair := range strings.SplitSeq(pairs, "&") {
		if pair == "" {
			continue
		}
		name, list, _ := strings.Cut(pair, "=")
		name, err := url.PathUnescape(name)
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(list, ",") {
			value, err := url.PathUnescape(text)
			if err != nil {
				t.Fatal(err)
			}
			got.Add(name, value)
		}
	}
	for name, values := range want {
		slices.Sort(values)
		if !slices.Equal(values, got[name]) {
			t.Fatalf("%q: %q, want %q", name, got[name], values)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Fatalf("unexpected parameters: %q", got)
	}
}

// Rule: the values of one name are in the order of their UTF-16 units, for any
// characters.
func TestCanonicalRequestOrdersByUTF16(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 7))
	alphabet := []rune{'a', '~', 'é', '中', 0xd7ff, 0xe000, 0xff5e, 0xfffd, 0x10000, 0x1f600, 0x10ffff}
	for range 500 {
		values := make([]string, 2+random.IntN(5))
		for i := range values {
			for range 1 + random.IntN(3) {
				values[i] += string(alphabet[random.IntN(len(alphabet))])
			}
		}
		query := url.Values{"a": values}
		got, err := sign.CanonicalRequest("GET", mustParse(t, "https://h.example/h?"+query.Encode()), "", sign.PathRaw)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(values, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
		for i, v := range values {
			values[i] = strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
		}
		if want := "GET&/h&a=" + strings.Join(values, ","); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}
