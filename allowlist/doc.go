// Package allowlist decides where a webhook may be sent: which URLs are accepted when
// they are stored and again before each request, and which addresses may be dialled.
//
// The zero [Policy] is ready to use and accepts any public https host:
//
//	canonical, err := allowlist.Public().CheckURL(raw)
//
// [Automation] accepts the incoming webhooks of Atlassian Automation and nothing else:
//
//	canonical, err := allowlist.Automation().CheckURL(raw)
//
// A checked URL is only half of the protection, because a harmless name can resolve to any
// address, and to another one a second later. The other half is the dial guard, which
// judges the address of every socket after name resolution and before the connection is
// made:
//
//	d := &net.Dialer{ControlContext: policy.Control}
//
// An operator widens or narrows a Policy through its fields:
//
//	p := allowlist.Policy{AllowPrefixes: []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16")}}
//
// # URL rules
//
// The rules have names, and [Error] reports the name of the rule that refused. The rules
// apply to bytes and do not rely on net/url, which accepts empty userinfo, empty ports and
// raw backslashes, and whose strictness the embedding program can change by GODEBUG.
//
//	A1  1 to 2,048 bytes
//	A2  only the bytes RFC 3986 permits in a URL; no fragment; brackets only around IPv6.
//	    Outside Automation also [ and ] in the query, and visible text in path and query,
//	    which the canonical form has percent-encoded as UTF-8
//	A3  https://
//	A4  Automation: host api-private.atlassian.com, port 443
//	A5  Automation: path below /automation/webhooks/
//	A6  Automation: no empty path segment, one trailing slash aside
//	A7  path: every % begins %HH. In Automation it stands for a visible ASCII byte other than
//	    / \ %, elsewhere for any text in UTF-8 without control characters of ASCII
//	A8  path: no segment that is "." or ".." once decoded and cut at ";", or only parameters;
//	    text between encoded slashes and backslashes counts as a segment too
//	A9  query: every % begins %HH, not standing for a control character
//	H1  host of 1 to 253 bytes
//	H2  brackets hold an IPv6 address without a zone
//	H3  labels of 1 to 63 letters, digits, underscores and inner hyphens; no trailing dot.
//	    A label that begins with xn-- decodes to text that IDNA does not change
//	H4  a host that ends in a number is four decimal octets without leading zeros
//	H5  two labels at least
//	H6  no special-use or internal name (.localhost, .internal, .home.arpa, ...)
//	H7  the addresses of a name are judged at the dial
//
// A4 and A5 bind only Automation, H1 to H6 every other policy. H7 is the dial guard. It
// also means that a dialer should hand the resolver the name with a final dot, so that
// search domains cannot answer for it.
//
// # Addresses
//
// The package refuses all blocks of the IANA IPv4 and IPv6 Special-Purpose Address
// Registries (as of 2025-10-09) with any "globally reachable" flag, multicast, everything
// in IPv6 outside 2000::/3, and one cloud metadata address inside public space. It cannot
// detect ISATAP, 6rd, a network-specific NAT64 prefix, public space that is routed
// internally, or a public address that a cloud maps to this machine. Egress firewall
// rules must cover these.
//
// Everything in this package is a pure function of its arguments, except that
// [Policy.Control] reads the list of network interfaces. All functions are safe for
// concurrent use.
package allowlist
