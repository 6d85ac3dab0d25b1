package allowlist

import "net/netip"

// CheckAddr judges an address: nil if it may be dialled, otherwise an [*Error] that
// matches [ErrRefused] and [ErrBlocked]. An address with a zone is refused, an IPv4-mapped
// one is judged as IPv4, and then DenyPrefixes, AllowPrefixes and the address table
// decide in this order.
//
// CheckAddr makes no look-up, so it does not know the addresses of this machine's
// interfaces; [Policy.Control] refuses them.
func (p Policy) CheckAddr(a netip.Addr) error { return refusal(p.judgeAddr(a)) }

func (p *Policy) judgeAddr(a netip.Addr) *Error {
	// Both first: Prefix.Contains is false for a zoned and for a mapped address.
	if a.Zone() != "" {
		return refuseZone
	}
	a = a.Unmap()
	v4, isNAT64 := embedded(a)
	switch {
	case p.denies(a) || isNAT64 && p.denies(v4):
		return refuseDeny
	case contains(p.AllowPrefixes, a):
		return nil
	case isNAT64 && p.AllowNAT64:
		return p.judgeAddr(v4)
	case isNAT64:
		return refuseNAT64
	case !isPublic(a):
		return refuseAddr
	}
	return nil
}

// denies reports whether a deny prefix covers the address, or cannot be enforced.
func (p *Policy) denies(a netip.Addr) bool {
	for _, pf := range p.DenyPrefixes {
		if !canMatch(pf) || pf.Contains(a) {
			return true
		}
	}
	return false
}

// isPublic is the address table, for an address without a zone that is not mapped. The
// zero Addr is in no prefix and therefore not public.
func isPublic(a netip.Addr) bool {
	if a.Is4() {
		return !contains(special4[:], a)
	}
	return globalUnicast6.Contains(a) && !contains(special6[:], a)
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, pf := range prefixes {
		if pf.Contains(a) {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address inside an address of the well-known NAT64 prefix. The local
// prefix 64:ff9b:1::/48 is never decoded, because each network places the IPv4 part differently.
func embedded(a netip.Addr) (v4 netip.Addr, ok bool) {
	if !nat64.Contains(a) {
		return netip.Addr{}, false
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

var nat64 = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052

// special4 holds the blocks of the IANA IPv4 Special-Purpose Address Registry that do not
// lie inside another one, and two of other origin at the end.
var special4 = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // this network; Linux connects 0.0.0.0 to loopback (RFC 791, 1122)
	netip.MustParsePrefix("10.0.0.0/8"),       // private (RFC 1918)
	netip.MustParsePrefix("100.64.0.0/10"),    // shared address space (RFC 6598)
	netip.MustParsePrefix("127.0.0.0/8"),      // loopback (RFC 1122)
	netip.MustParsePrefix("169.254.0.0/16"),   // link-local, cloud metadata (RFC 3927)
	netip.MustParsePrefix("172.16.0.0/12"),    // private (RFC 1918)
	netip.MustParsePrefix("192.0.0.0/24"),     // IETF protocol assignments (RFC 6890)
	netip.MustParsePrefix("192.0.2.0/24"),     // TEST-NET-1 (RFC 5737)
	netip.MustParsePrefix("192.31.196.0/24"),  // AS112 (RFC 7535)
	netip.MustParsePrefix("192.52.193.0/24"),  // AMT (RFC 7450)
	netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relay anycast (RFC 7526)
	netip.MustParsePrefix("192.168.0.0/16"),   // private (RFC 1918)
	netip.MustParsePrefix("192.175.48.0/24"),  // AS112 (RFC 7534)
	netip.MustParsePrefix("198.18.0.0/15"),    // benchmarking (RFC 2544)
	netip.MustParsePrefix("198.51.100.0/24"),  // TEST-NET-2 (RFC 5737)
	netip.MustParsePrefix("203.0.113.0/24"),   // TEST-NET-3 (RFC 5737)
	netip.MustParsePrefix("240.0.0.0/4"),      // reserved, limited broadcast (RFC 1112, 919)
	netip.MustParsePrefix("224.0.0.0/4"),      // multicast (RFC 5771)
	netip.MustParsePrefix("168.63.129.16/32"), // Azure WireServer, in public space
}

// globalUnicast6 is the part of IPv6 from which public addresses are assigned (RFC 4291).
// It leaves out loopback, IPv4-compatible, NAT64, unique and link-local, multicast and
// unallocated addresses.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// special6 holds the blocks of the IANA IPv6 Special-Purpose Address Registry inside
// globalUnicast6 that do not lie inside another one.
var special6 = [...]netip.Prefix{
	netip.MustParsePrefix("2001::/23"),         // IETF protocol assignments with Teredo, ORCHID, AMT, DRIP (RFC 2928)
	netip.MustParsePrefix("2001:db8::/32"),     // documentation (RFC 3849)
	netip.MustParsePrefix("2002::/16"),         // 6to4, embeds IPv4 (RFC 3056)
	netip.MustParsePrefix("2620:4f:8000::/48"), // AS112 (RFC 7534)
	netip.MustParsePrefix("3fff::/20"),         // documentation (RFC 9637)
}
