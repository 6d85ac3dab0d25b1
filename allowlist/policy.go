package allowlist

import "net/netip"

// Policy says which webhook URLs and which addresses are acceptable.
//
// The zero value accepts any public host over https on port 443. A Policy is a value: its
// methods never change it, a copy is independent as long as the slices are not written
// to, and it may be used from several goroutines at once. Settings that cannot be
// enforced are reported by [Policy.Validate].
type Policy struct {
	// AllowPrefixes are address blocks that the operator permits although the address
	// table refuses them. They bind dials and hosts written as an address alike, and
	// lift the ban on this machine's own interface addresses. Default: none.
	AllowPrefixes []netip.Prefix

	// DenyPrefixes are address blocks refused beside the table. They win over
	// AllowPrefixes. A prefix that could never match (invalid, or IPv4-mapped) denies
	// everything, so that a mistake does not open a hole. Default: none.
	DenyPrefixes []netip.Prefix

	// Ports are permitted beside 443, such as 8443 for a Jenkins or GitLab that its users
	// run. Ports below 1024 are never permitted. Rule A4
	// keeps the URLs of Automation at 443 whatever stands here; the field then widens
	// the dial guard alone. Default: none.
	Ports []uint16

	// AllowHosts are names that H5 and H6 would refuse, such as "hooks" or
	// "hooks.corp.internal"; ".corp.internal" covers every name below it. ASCII letters
	// compare without case. The addresses behind them are judged as always, so they
	// usually need AllowPrefixes too. No effect in Automation. Default: none.
	AllowHosts []string

	// AllowNAT64 accepts addresses of the well-known NAT64 prefix 64:ff9b::/96 (RFC
	// 6052) whose embedded IPv4 address is acceptable. Networks without IPv4 need it.
	// Default: the prefix is refused whole.
	AllowNAT64 bool

	// DenyLiterals refuses every host written as an address, public ones included.
	DenyLiterals bool

	automation bool // A4 and A5 instead of H1 to H6
}

// Automation returns the policy for incoming webhooks of Atlassian Automation: rules A1
// to A9 bind the URL to https://api-private.atlassian.com/automation/webhooks/, and the
// dial guard judges the addresses. The result may be adjusted through its fields.
func Automation() Policy { return Policy{automation: true} }

// Public returns the zero Policy: any public https host. Its paths and queries may hold
// whatever every parser reads alike; the host is what it judges.
func Public() Policy { return Policy{} }

// permitsPort reports whether URLs and dials may use the port.
func (p *Policy) permitsPort(port uint16) bool {
	if port == 443 {
		return true
	}
	if port < 1024 {
		return false
	}
	for _, extra := range p.Ports {
		if extra == port {
			return true
		}
	}
	return false
}
