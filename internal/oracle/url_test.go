package oracle

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

// parts are the parts of a URL in a parser's reading.
type parts struct {
	Scheme string `json:"scheme"`
	Host   string `json:"host"`
	Port   string `json:"port"`
	Path   string `json:"path"`
	Query  string `json:"query"`
}

// cut splits a canonical URL at the first characters that may end a part, like package allowlist.
func cut(canonical string) (p parts) {
	rest := strings.TrimPrefix(canonical, "https://")
	at := strings.IndexAny(rest, "/?")
	p.Scheme, p.Host = "https", rest[:at]
	p.Path, p.Query, _ = strings.Cut(rest[at:], "?")
	if i := strings.LastIndexByte(p.Host, ':'); i > strings.LastIndexByte(p.Host, ']') {
		p.Host, p.Port = p.Host[:i], p.Host[i+1:]
	}
	return p
}

// byGo is the reading of net/url, as net/http sends it.
func byGo(text string) *parts {
	r, err := http.NewRequest(http.MethodPost, text, nil)
	if err != nil {
		return nil
	}
	u := r.URL
	path, query, _ := strings.Cut(u.RequestURI(), "?")
	if u.User != nil || u.Fragment != "" || u.Opaque != "" || path != u.EscapedPath() {
		return &parts{Host: "userinfo, fragment or opaque"}
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return &parts{u.Scheme, host, u.Port(), path, query}
}

// words are possible contents of one part of a URL: ordinary ones, and those on which parsers
// differ or that look like another part.
type words struct{ ordinary, odd []string }

func (w words) pick(r *rand.Rand) string {
	if r.IntN(12) == 0 {
		return w.odd[r.IntN(len(w.odd))]
	}
	return w.ordinary[r.IntN(len(w.ordinary))]
}

var (
	schemes = words{[]string{"https://", "https://", "https://", "HTTPS://", "hTtPs://"},
		[]string{"http://", "https:/", "https:", "https:///", "//", "https:\\\\", " https://", "h\tttps://", "\u017fhttps://", "http\u017f://", "wss://"}}
	hosts = words{[]string{"example.com", "hooks.example.co.uk", "EXAMPLE.com", "exa_mple.com", "_a.example.com", "_._", "xn--bcher-kva.example.com", "XN--p1ai.xn--P1AI", "xn--n3h.net", "xn--mgbaam7a8h.ae", "r3---sn.example.com", "a.0xg", "1.example.com", "0x1.example.com",
		"8.8.8.8", "[2606:4700:4700::1111]", "[2606:4700:4700:0:0:0:0:1111]", "[2606:4700:4700::1.1.1.1]", "[::ffff:8.8.8.8]", "[::FFFF:808:808]", "[2606:4700::4700:0:0:0]", "[2606:4700:0:0:1:0:0:1]", "[2606:4700:0:1:0:0:0:0]", "[2606:04700:0:1::]", "[2606:470:0:1:2:3:4:05]"},
		[]string{"127.1", "0x8.8.8.8", "010.8.8.8", "134744072", "8.8.8", "8.8.8.8.", "8.8.8.0x8", "example.com.", "a.0x1", "a.0x", "1.2.3.4.5", "[::1]", "[fe80::1%25eth0]", "[8.8.8.8]", "127.0.0.1", "localhost", "user@example.com", "@example.com",
			"example.com@evil.net", "example.com:443@evil.net", "b\u00fccher.example.com", "example\u3002com", "\uff45xample.com", "exam%70le.com", "a.example.com%00", "ex\u00adample.com", "xn--a.com", "xn--", "xn--a-zq0i.com", "1\u06f0.com", "", "a..b", "-a.com", "a-.com", "a!b.com", "a,b.com", "[", "]", "\U000e0041.com"}}
	atlassian = words{[]string{"api-private.atlassian.com", "API-private.Atlassian.com"},
		[]string{"api-private.atlassian.com.", "api-private.atlassian.com@evil.net", "evil.net", "api-private.atlassian.com%2eevil.net", "api-private.atla\u017f\u017fian.com", "api-private.atlassian.com\\evil.net"}}
	ports    = words{[]string{"", "", "", ":443", ":8443"}, []string{":", ":0443", ":80", ":65536", ":8443 ", ":\u0664", ":443:443", ":08443", ":4\u200b43", ":+443"}}
	segments = words{[]string{"/a", "/hook", "/x-1_2~3.4", "/", "/...", "/.a", "/a..", "/a;v=1", "/a:b", "/a@b", "/~!$&'()*+,=", "/%41%7e", "/a%2Ec", "/v1%2E0", "/%3Fa%23"},
		[]string{"//", "/.", "/..", "/%2e", "/%2E%2e", "/.%2e", "/..;", "/;v=1", "/..%2F", "/%2F", "/a%2Fb", "/%5C", "\\a", "/a\\b", "/%20", "/ ", "/%25", "/%252e%252e", "/caf\u00e9", "/%C3%A9", "/%c3%a9", "/\u65e5\u672c", "/\U0001F600", "/e\u0301", "/\u2764\ufe0f",
			"/%C3", "/%FF", "/%C0%AE%C0%AE", "/a|b", "/^", "/`", "/{x}", "/\"", "/<", "/\t", "/\n", "/%0a", "/%00", "/\u200b", "/\u2028", "/\ufeff", "/%", "/%zz", "/[a]", "/\U000e0041", "/\u0085", "/\u3164", "/\uff0e\uff0e", "/\uff0f"}}
	queries = words{[]string{"", "", "?", "?a=b", "?u=https://other.net:80/../", "?a=%5B%2f%20", "?q='x'", "??", "?a/../b//c", "?a@b:c;d"},
		[]string{"?a[]=1", "?[", "?q=\u00e9", "?\U0001F600", "?a=b c", "?a#b", "?%", "?%00", "?x|y", "?a=\"", "?a=<b>", "?\u200b", "#", "#a", "?\\", "?^`{}", "?%C3", "?\t"}}
	noise = []string{"\t", "\n", "\r", " ", "\x00", "\x7f", "\\", "@", "#", ":", "/", "?", "%", "[", "]", "_", ".", "\u00e9", "\u200b", "\xff", "%2e", "%2f", "a", "xn--", "1"}
)

func makeURL(r *rand.Rand, automation bool) string {
	host, prefix := hosts, ""
	if automation {
		host, prefix = atlassian, "/automation/webhooks"
		if r.IntN(20) == 0 {
			prefix = segments.pick(r) + "/webhooks"
		}
	}
	var b strings.Builder
	b.WriteString(schemes.pick(r) + host.pick(r) + ports.pick(r) + prefix)
	for range r.IntN(5) {
		b.WriteString(segments.pick(r))
	}
	b.WriteString(queries.pick(r))
	s := b.String()
	if r.IntN(8) == 0 {
		at := r.IntN(len(s) + 1)
		s = s[:at] + noise[r.IntN(len(noise))] + s[at:]
	}
	return s
}

// Rule: the URL Standard's parser, net/url with net/http, and Python's urllib read a URL that
// allowlist accepts in the same way: the same scheme, host, port and path. The URL Standard also
// reads the raw text in the same way. The generator is seeded, so a failure is repeatable.
func TestURLs(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]allowlist.Policy{"Public": {Ports: []uint16{8443}}, "Automation": allowlist.Automation()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(len(name))))
			var raws, canonicals []string
			const generated = 100_000
			for range generated {
				raw := makeURL(r, name == "Automation")
				if canonical, err := policy.CheckURL(raw); err == nil {
					raws, canonicals = append(raws, raw), append(canonicals, canonical)
				}
			}
			// If nearly all were refused, the test would prove nothing.
			if least := generated / 10; len(raws) < least {
				t.Fatalf("only %d of %d were accepted", len(raws), generated)
			}
			t.Logf("%d of %d accepted", len(raws), generated)
			whatwg := ask[[]*parts](t, "urls", canonicals)
			whatwgRaw := ask[[]*parts](t, "urls", raws)
			python := askPython[[]*parts](t, "urls", canonicals)
			if len(whatwg) != len(raws) || len(whatwgRaw) != len(raws) || len(python) != len(raws) {
				t.Fatalf("%d URLs, and %d, %d and %d answers", len(raws), len(whatwg), len(whatwgRaw), len(python))
			}
			wrong := 0
			for i, canonical := range canonicals {
				want := cut(canonical)
				if name == "Automation" && (want.Host != "api-private.atlassian.com" || want.Port != "" || !strings.HasPrefix(want.Path, "/automation/webhooks/")) {
					t.Errorf("%+q is accepted as %q", raws[i], canonical)
				}
				for judge, got := range map[string]*parts{"the URL Standard": whatwgParts(whatwg[i]), "the URL Standard, of the raw text,": whatwgParts(whatwgRaw[i]), "net/url": byGo(canonical), "urllib": pythonParts(python[i])} {
					if got != nil {
						got.Query = want.Query // it decides nothing, and is compared for net/url below
					}
					if got == nil || *got != want {
						wrong++
						t.Errorf("%+q, canonical %q: %s reads %+v, want %+v", raws[i], canonical, judge, got, want)
					}
				}
				if got := byGo(canonical); got != nil && got.Query != want.Query {
					t.Errorf("%q: net/http sends the query %q", canonical, got.Query)
				}
				if u, err := url.Parse(canonical); err != nil || u.String() != canonical {
					t.Errorf("%q: net/url writes it as %v, %v", canonical, u, err)
				}
				if wrong > 20 {
					t.Fatal("and so on")
				}
			}
		})
	}
}

func whatwgParts(p *parts) *parts {
	if p != nil {
		p.Scheme = strings.TrimSuffix(p.Scheme, ":")
	}
	return p
}

// pythonParts restores the brackets around an address that urllib removes.
func pythonParts(p *parts) *parts {
	if p != nil && strings.Contains(p.Host, ":") {
		p.Host = "[" + p.Host + "]"
	}
	return p
}
