package allowlist_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/allowlist"
)

const automationURL = "https://api-private.atlassian.com/automation/webhooks/jira/a/11111111-2222-3333-4444-555555555555/01890000-0000-7000-8000-000000000001"

func TestCheckURLNamesTheRule(t *testing.T) {
	t.Parallel()
	const prefix = "https://api-private.atlassian.com/automation/webhooks/"
	for _, tt := range []struct{ rule, url string }{
		{"A1", ""},
		{"A1", prefix + strings.Repeat("a", allowlist.MaxURL)},
		{"A2", prefix + "a b"},
		{"A2", prefix + "x#"},
		{"A2", prefix + "a[0]"},
		{"A2", prefix + "${issue.key}"},
		{"A2", "https://api-private.atla\u017f\u017fian.com/automation/webhooks/x"},
		{"A2", "https://[::1]/automation/webhooks/x"},
		{"A3", "http://api-private.atlassian.com/automation/webhooks/x"},
		{"A3", "https:/api-private.atlassian.com/automation/webhooks/x"},
		{"A4", "https://atlassian.com/automation/webhooks/x"},
		{"A4", "https://api-private.atlassian.com:8443/automation/webhooks/x"},
		{"A4", "https://user@api-private.atlassian.com/automation/webhooks/x"},
		{"A4", "https://api-private.atlassian.com./automation/webhooks/x"},
		{"A5", "https://api-private.atlassian.com/automation/webhooks"},
		{"A5", prefix},
		{"A5", prefix + "?x"},
		{"A5", "https://api-private.atlassian.com/Automation/webhooks/x"},
		{"A6", prefix + "/"},
		{"A6", prefix + "a//b"},
		{"A7", prefix + "a%2Fb"},
		{"A7", prefix + "a%2"},
		{"A8", prefix + "../x"},
		{"A8", prefix + "..;/x"},
		{"A8", prefix + ";v"},
		{"A9", prefix + "x?%0a"},
		{"A9", prefix + "x?%"},
		{"A2", prefix + "caf\u00e9"},
		{"A2", prefix + "x?caf\u00e9"},
		{"A2", prefix + "x?a[]=1"},
		{"A6", prefix + "a/b//"},
		{"A7", prefix + "a%20b"},
		{"A7", prefix + "caf%C3%A9"},
		{"A7", prefix + "a%25b"},
	} {
		_, err := allowlist.Automation().CheckURL(tt.url)
		if got := ruleOf(err); got != tt.rule {
			t.Errorf("%.80q: refused by %q, want %s", tt.url, got, tt.rule)
		}
	}
}

func TestCheckURLCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		policy    allowlist.Policy
		raw, want string
	}{
		{"already canonical", allowlist.Automation(), automationURL, automationURL},
		{"scheme, host and port", allowlist.Automation(), "HttpS://API-Private.Atlassian.COM:443/automation/webhooks/Ab?Cd=%2f", "https://api-private.atlassian.com/automation/webhooks/Ab?Cd=%2f"},
		{"empty query stays", allowlist.Automation(), "https://api-private.atlassian.com/automation/webhooks/x/?", "https://api-private.atlassian.com/automation/webhooks/x/?"},
		{"empty path becomes a slash", allowlist.Public(), "https://example.com", "https://example.com/"},
		{"empty path before a query", allowlist.Public(), "https://EXAMPLE.com:443?A=b", "https://example.com/?A=b"},
		{"other port stays", generic(), "https://Example.com:8443/x", "https://example.com:8443/x"},
		{"text in path and query", generic(), "https://Example.com:8443/Caf\u00e9/%c3%a9?q=\u65e5", "https://example.com:8443/Caf%C3%A9/%c3%a9?q=%E6%97%A5"},
		{"text behind an empty path", allowlist.Public(), "https://example.com?\u00e9", "https://example.com/?%C3%A9"},
		{"percent-encodings stay as they are", allowlist.Public(), "https://example.com/%41%7e%2f%2F?%5b", "https://example.com/%41%7e%2f%2F?%5b"},
		{"empty segments stay", allowlist.Public(), "https://example.com//a///", "https://example.com//a///"},
		{"A-label in lower case", allowlist.Public(), "https://XN--Bcher-KVA.example.com/", "https://xn--bcher-kva.example.com/"},
		{"address written out", allowlist.Public(), "https://[2606:4700:4700:0000:0000:0000:0000:1111]/", "https://[2606:4700:4700::1111]/"},
		{"address with leading zeros", allowlist.Public(), "https://[2606:4700:4700::0001]/", "https://[2606:4700:4700::1]/"},
		{"address whose longer run of zeros is written out", allowlist.Public(), "https://[2606::4700:0:0:0:1111]/", "https://[2606:0:0:4700::1111]/"},
		{"address with one zero shortened", allowlist.Public(), "https://[2606:4700:4700::1:1:1:1111]/", "https://[2606:4700:4700:0:1:1:1:1111]/"},
		{"address with a dotted tail", allowlist.Public(), "https://[2606:4700:4700::1.1.1.1]/", "https://[2606:4700:4700::101:101]/"},
		{"mapped address with octets", allowlist.Public(), "https://[::ffff:8.8.8.8]:443/", "https://[::ffff:808:808]/"},
		{"mapped address written out", generic(), "https://[0:0:0:0:0:FFFF:0808:0008]:8443", "https://[::ffff:808:8]:8443/"},
		{"brackets in lower case", allowlist.Public(), "https://[2606:4700:4700::ABCD]:443/X", "https://[2606:4700:4700::abcd]/X"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.policy.CheckURL(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("canonical form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckURLGiantInputReturnsAtOnce(t *testing.T) {
	t.Parallel()
	giant := "https://example.com/" + strings.Repeat("../", 10<<20/3)
	start := time.Now()
	for range 1000 {
		if _, err := allowlist.Public().CheckURL(giant); ruleOf(err) != "A1" {
			t.Fatalf("10 MB: %v, want A1", err)
		}
	}
	// A thousand checks must not take longer than about one reading of the text.
	if took := time.Since(start); took > time.Second {
		t.Errorf("1000 refusals of 10 MB took %v", took)
	}
}

func TestCheckExpanded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, url string
		want      string // the rule that refuses, or "" for accepted
	}{
		{"plain value", "https://example.com/webhook/EXA-1", ""},
		{"space and non-ASCII", "https://example.com/%C3%86%20%C3%A6/x", ""},
		{"encoded slash", "https://example.com/a%2Fb", ""},
		{"encoded percent", "https://example.com/100%25", ""},
		{"encoded dot segment encoded again", "https://example.com/%252e%252e", ""},
		{"encoded backslash", "https://example.com/a%5Cb", ""},
		{"control in path and query", "https://example.com/a%0Ab?x=%0A%00", ""},
		{"empty segment", "https://example.com/a//b", ""},
		{"empty first segment", "https://example.com//b", ""},
		{"two empty segments at the end", "https://example.com/a//", ""},
		{"empty value before a parameter", "https://example.com/;v=1/b", ""},
		{"empty query value", "https://example.com/a?thing=", ""},
		{"three dots", "https://example.com/.../a", ""},
		{"dots inside a value", "https://example.com/a%2F..b", ""},
		{"dot", "https://example.com/./a", "A8"},
		{"dot-dot", "https://example.com/../a", "A8"},
		{"encoded dot-dot", "https://example.com/%2e%2E/a", "A8"},
		{"dot-dot cut at a semicolon", "https://example.com/..%3Bx/a", "A8"},
		{"dot-dot before an encoded slash", "https://example.com/..%2Fa", "A8"},
		{"dot-dot behind an encoded slash", "https://example.com/a%2F..", "A8"},
		{"dot-dot between encoded backslashes", "https://example.com/a%5C..%5Cb", "A8"},
		{"malformed in the path", "https://example.com/a%2", "A7"},
		{"malformed in the query", "https://example.com/a?%zz", "A9"},
		{"raw space", "https://example.com/a b", "A2"},
		{"variable left over", "https://example.com/${x}", "A2"},
		{"value as the host", "https://127.0.0.1/a", "ADDR"},
		{"userinfo", "https://a@example.com/", "USERINFO"},
		{"port", "https://example.com:81/", "PORT"},
		{"http", "http://example.com/", "A3"},
		{"length", "https://example.com/" + strings.Repeat("%20", 700), "A1"},
		{"length once text is encoded", "https://example.com/" + strings.Repeat("\u00e9", 500), "A1"},
		{"text of the template", "https://example.com/caf\u00e9/x?[\u00e9]=1", ""},
		{"bytes of a value that are no text", "https://example.com/%FF/%C3", ""},
		{"invisible text of the template", "https://example.com/a\u200bb", "A2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			canonical, err := allowlist.Public().CheckExpanded(tt.url)
			if got := ruleOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("got %v, want rule %q", err, tt.want)
			}
			if err == nil {
				checkSent(t, tt.url, canonical)
			}
		})
	}
}

func TestCheckExpandedKeepsTheAutomationPrefix(t *testing.T) {
	t.Parallel()
	p := allowlist.Automation()
	if _, err := p.CheckExpanded("https://api-private.atlassian.com/automation/webhooks/a%20b//c"); err != nil {
		t.Errorf("below the prefix: %v", err)
	}
	for _, url := range []string{"https://api-private.atlassian.com/automation/webhooks/caf\u00e9", "https://api-private.atlassian.com/automation/webhooks/x?a[]=1"} {
		if _, err := p.CheckExpanded(url); ruleOf(err) != "A2" {
			t.Errorf("%s: %v, want A2", url, err)
		}
	}
	for url, rule := range map[string]string{
		"https://api-private.atlassian.com/automation/webhooks/..%2Fx": "A8",
		"https://api-private.atlassian.com/automation/webhooks/":       "A5",
		"https://api-private.atlassian.com/automation//webhooks/x":     "A5",
		"https://example.com/automation/webhooks/x":                    "A4",
	} {
		if _, err := p.CheckExpanded(url); ruleOf(err) != rule {
			t.Errorf("%s: %v, want %s", url, err, rule)
		}
	}
}

func TestCheckURLOperatorSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy allowlist.Policy
		url    string
		want   string
	}{
		{"private literal by default", allowlist.Policy{}, "https://10.1.2.3/", "ADDR"},
		{"private literal in AllowPrefixes", allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8")}, "https://10.1.2.3/", ""},
		{"mapped literal in AllowPrefixes", allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8")}, "https://[::ffff:10.1.2.3]/", ""},
		{"public literal in DenyPrefixes", allowlist.Policy{DenyPrefixes: prefixes("8.8.0.0/16")}, "https://8.8.8.8/", "DENY"},
		{"deny wins over allow", allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8"), DenyPrefixes: prefixes("10.1.0.0/16")}, "https://10.1.2.3/", "DENY"},
		{"NAT64 literal by default", allowlist.Policy{}, "https://[64:ff9b::808:808]/", "ADDR"},
		{"NAT64 literal with AllowNAT64", allowlist.Policy{AllowNAT64: true}, "https://[64:ff9b::808:808]/", ""},
		{"IPv4 literal with DenyLiterals", allowlist.Policy{DenyLiterals: true}, "https://8.8.8.8/", "LITERAL"},
		{"IPv6 literal with DenyLiterals", allowlist.Policy{DenyLiterals: true}, "https://[2606:4700:4700::1111]/", "LITERAL"},
		{"name with DenyLiterals", allowlist.Policy{DenyLiterals: true}, "https://example.com/", ""},
		{"listed port", allowlist.Policy{Ports: []uint16{8443}}, "https://example.com:8443/", ""},
		{"lowest port that may be listed", allowlist.Policy{Ports: []uint16{1024}}, "https://example.com:1024/", ""},
		{"highest port that may be listed", allowlist.Policy{Ports: []uint16{65535}}, "https://example.com:65535/", ""},
		{"port below that, though listed", allowlist.Policy{Ports: []uint16{1023}}, "https://example.com:1023/", "PORT"},
		{"low port is not permitted even if listed", allowlist.Policy{Ports: []uint16{80}}, "https://example.com:80/", "PORT"},
		{"listed port in Automation", func() allowlist.Policy { p := allowlist.Automation(); p.Ports = []uint16{8443}; return p }(), strings.Replace(automationURL, ".com/", ".com:8443/", 1), "A4"},
		{"single label in AllowHosts", allowlist.Policy{AllowHosts: []string{"Hooks"}}, "https://hOOKS/", ""},
		{"another single label", allowlist.Policy{AllowHosts: []string{"hooks"}}, "https://books/", "H5"},
		{"internal name in AllowHosts", allowlist.Policy{AllowHosts: []string{"n8n.corp.internal"}}, "https://n8n.corp.internal/", ""},
		{"name below one in AllowHosts", allowlist.Policy{AllowHosts: []string{"corp.internal"}}, "https://n8n.corp.internal/", "H6"},
		{"suffix in AllowHosts", allowlist.Policy{AllowHosts: []string{".corp.internal"}}, "https://a.n8n.CORP.internal/", ""},
		{"suffix itself is not covered", allowlist.Policy{AllowHosts: []string{".corp.internal"}}, "https://corp.internal/", "H6"},
		{"suffix is cut at a label", allowlist.Policy{AllowHosts: []string{".corp.internal"}}, "https://xcorp.internal/", "H6"},
		{"AllowHosts does not lift H4", allowlist.Policy{AllowHosts: []string{"127.0.0.1"}}, "https://127.0.0.1/", "ADDR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.policy.CheckURL(tt.url)
			if got := ruleOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("got %v, want rule %q", err, tt.want)
			}
		})
	}
}

// Not parallel: AllocsPerRun counts the allocations of the whole process.
func TestCheckURLAcceptsWithoutAllocation(t *testing.T) {
	for name, tt := range map[string]struct {
		policy allowlist.Policy
		url    string
	}{
		"automation":   {allowlist.Automation(), automationURL},
		"with a query": {allowlist.Automation(), automationURL + "?issue=HSP-1&x=%20"},
		"name":         {allowlist.Public(), "https://hooks.example.com/services/T00/B00/xyz"},
		"IPv4":         {allowlist.Public(), "https://8.8.8.8/hook"},
		"IPv6":         {allowlist.Public(), "https://[2606:4700:4700::1111]/hook"},
		"mapped":       {allowlist.Public(), "https://[::ffff:808:808]/hook"},
		"encoded text": {allowlist.Public(), "https://example.com/caf%C3%A9%2Fa?x[]=1"},
		"A-label":      {allowlist.Public(), "https://xn--bcher-kva.example.xn--p1ai/"},
		"own settings": {allowlist.Policy{Ports: []uint16{8443}, AllowHosts: []string{".CORP.internal"}, AllowPrefixes: prefixes("10.0.0.0/8")}, "https://a.corp.internal:8443/"},
	} {
		var err error
		allocs := testing.AllocsPerRun(100, func() { _, err = tt.policy.CheckURL(tt.url) })
		if err != nil || allocs != 0 {
			t.Errorf("%s: %v allocations, %v", name, allocs, err)
		}
	}
}
