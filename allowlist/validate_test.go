package allowlist_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	automation := allowlist.Automation()
	automation.AllowHosts = []string{"example.com"}
	for _, tt := range []struct {
		name   string
		policy allowlist.Policy
		want   string // a field in the text, or "" for valid
	}{
		{"zero value", allowlist.Policy{}, ""},
		{"automation", allowlist.Automation(), ""},
		{"everything set", allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8", "fd00::/8"), DenyPrefixes: prefixes("8.8.8.8/32"),
			Ports: []uint16{443, 1024, 65535}, AllowHosts: []string{"hooks", ".corp.internal"}, AllowNAT64: true, DenyLiterals: true}, ""},
		{"zero prefix", allowlist.Policy{AllowPrefixes: []netip.Prefix{{}}}, "Policy.AllowPrefixes[0]"},
		{"mapped prefix", allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8", "::ffff:10.0.0.0/104")}, "Policy.AllowPrefixes[1]"},
		{"zero deny prefix", allowlist.Policy{DenyPrefixes: []netip.Prefix{{}}}, "Policy.DenyPrefixes[0]"},
		{"mapped deny prefix", allowlist.Policy{DenyPrefixes: prefixes("::ffff:10.0.0.0/104")}, "Policy.DenyPrefixes[0]"},
		{"port 80", allowlist.Policy{Ports: []uint16{8443, 80}}, "Policy.Ports[1]"},
		{"port 1023", allowlist.Policy{Ports: []uint16{1023}}, "Policy.Ports[0]"},
		{"empty host", allowlist.Policy{AllowHosts: []string{""}}, "Policy.AllowHosts[0]"},
		{"dot alone", allowlist.Policy{AllowHosts: []string{"."}}, "Policy.AllowHosts[0]"},
		{"final dot", allowlist.Policy{AllowHosts: []string{"hooks."}}, "Policy.AllowHosts[0]"},
		{"wildcard", allowlist.Policy{AllowHosts: []string{"*.corp.internal"}}, "Policy.AllowHosts[0]"},
		{"address", allowlist.Policy{AllowHosts: []string{"127.0.0.1"}}, "Policy.AllowHosts[0]"},
		{"URL", allowlist.Policy{AllowHosts: []string{"https://hooks"}}, "Policy.AllowHosts[0]"},
		{"name with an underscore", allowlist.Policy{AllowHosts: []string{"build_1", ".ci_x.internal"}}, ""},
		{"A-label", allowlist.Policy{AllowHosts: []string{"xn--bcher-kva.internal"}}, ""},
		{"A-label that does not decode", allowlist.Policy{AllowHosts: []string{".xn--a.internal"}}, "Policy.AllowHosts[0]"},
		{"hosts in automation", automation, "Policy.AllowHosts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.policy.Validate()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "allowlist: ") {
				t.Errorf("got %v, want one that names %s", err, tt.want)
			}
		})
	}
}

func TestValidateReportsEveryField(t *testing.T) {
	t.Parallel()
	err := allowlist.Policy{DenyPrefixes: []netip.Prefix{{}}, Ports: []uint16{22, 80}, AllowHosts: []string{"*"}}.Validate()
	for _, field := range []string{"DenyPrefixes[0]", "Ports[0]", "Ports[1]", "AllowHosts[0]"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

// prefixes parses address blocks.
func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}
