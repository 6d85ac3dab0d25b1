package allowlist

import "net/netip"

// Policy says which webhook URLs and which addresses are acceptable.
//
// The zero value accepts any public host over https on port 443. A Policy is a value: its
// methods never change it, copies are independent as long as the slices are not written
// to, and it is safe for concurrent use. [Policy.Validate] reports settings that cannot
// be enforced.
type Policy struct {
	// AllowPrefixes are address blocks that the operator permits although the address
	// table refuses them. They apply to dials and to hosts written as an address, and
	// also permit this machine's own interface addresses. Default: none.
	AllowPrefixes []netip.Prefix

	// DenyPrefixes are address blocks refused in addition to the table. They have
	// precedence over AllowPrefixes. A prefix that can never match (invalid, or
	// IPv4-mapped) denies everything, so that a mistake permits nothing. Default: none.
	DenyPrefixes []netip.Prefix

	// Ports are permitted in addition to 443, such as 8443 for a self-hosted Jenkins or
	// GitLab. Ports below 1024 are never permitted. In Automation rule A4 permits only
	// 443 in URLs, and the field affects only the dial guard. Default: none.
	Ports []uint16

	// AllowHosts are names that H5 and H6 would refuse, such as
	// "hooks.corp.internal"; ".corp.internal" covers every name below it. ASCII letters
	// compare without case. Their addresses are judged as usual, so they
	// usually need AllowPrefixes too. Search domains do not complete a name (H7), so one
	// of a single label must be in the DNS: "localhost" is not found.
	// No effect in Automation. Default: none.
	AllowHosts []string

	// AllowNAT64 accepts addresses of the well-known NAT64 prefix 64:ff9b::/96 (RFC
	// 6052) whose embedded IPv4 address is acceptable. Networks without IPv4 need it.
	// Default: the whole prefix is refused.
	AllowNAT64 bool

	// DenyLiterals refuses every host written as an address, public ones included.
	DenyLiterals bool

	automation bool // A4 and A5 instead of H1 to H6
}

// Automation returns the policy for incoming webhooks of Atlassian Automation: rules A1
// to A9 limit URLs to https://api-private.atlassian.com/automation/webhooks/, and the
// dial guard judges the addresses. The fields of the result may be set.
func Automation() Policy { return Policy{automation: true} }

// Public returns the zero Policy: any public https host. Paths and queries may hold any
// text that all parsers read alike.
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
