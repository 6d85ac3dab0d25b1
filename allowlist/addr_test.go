package allowlist_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

// specialBlock is a row of the address table, by its first and last address.
type specialBlock struct{ name, first, last string }

// specialBlocks is the whole table: the IANA IPv4 and IPv6 Special-Purpose Address
// Registries of 2025-10-09 with their nested rows, and the blocks added to them. The
// package keeps prefixes and no nested rows; here the bounds are written out, so that the
// two can be compared.
var specialBlocks = []specialBlock{
	{"this network", "0.0.0.0", "0.255.255.255"},
	{"this host", "0.0.0.0", "0.0.0.0"},
	{"private 10", "10.0.0.0", "10.255.255.255"},
	{"shared address space", "100.64.0.0", "100.127.255.255"},
	{"loopback", "127.0.0.0", "127.255.255.255"},
	{"link-local", "169.254.0.0", "169.254.255.255"},
	{"private 172", "172.16.0.0", "172.31.255.255"},
	{"IETF protocol assignments", "192.0.0.0", "192.0.0.255"},
	{"IPv4 service continuity", "192.0.0.0", "192.0.0.7"},
	{"IPv4 dummy address", "192.0.0.8", "192.0.0.8"},
	{"PCP anycast", "192.0.0.9", "192.0.0.9"},
	{"TURN anycast", "192.0.0.10", "192.0.0.10"},
	{"NAT64 discovery 170", "192.0.0.170", "192.0.0.170"},
	{"NAT64 discovery 171", "192.0.0.171", "192.0.0.171"},
	{"TEST-NET-1", "192.0.2.0", "192.0.2.255"},
	{"AS112-v4", "192.31.196.0", "192.31.196.255"},
	{"AMT", "192.52.193.0", "192.52.193.255"},
	{"6to4 relay anycast", "192.88.99.0", "192.88.99.255"},
	{"6a44 relay", "192.88.99.2", "192.88.99.2"},
	{"private 192", "192.168.0.0", "192.168.255.255"},
	{"direct delegation AS112", "192.175.48.0", "192.175.48.255"},
	{"benchmarking", "198.18.0.0", "198.19.255.255"},
	{"TEST-NET-2", "198.51.100.0", "198.51.100.255"},
	{"TEST-NET-3", "203.0.113.0", "203.0.113.255"},
	{"reserved", "240.0.0.0", "255.255.255.255"},
	{"limited broadcast", "255.255.255.255", "255.255.255.255"},
	{"multicast", "224.0.0.0", "239.255.255.255"},
	{"Azure WireServer", "168.63.129.16", "168.63.129.16"},
	{"unspecified", "::", "::"},
	{"loopback v6", "::1", "::1"},
	{"IPv4-compatible", "::", "::ffff:ffff"},
	{"IPv4-translated", "::ffff:0:0:0", "::ffff:0:ffff:ffff"},
	{"NAT64 well-known prefix", "64:ff9b::", "64:ff9b::ffff:ffff"},
	{"NAT64 local use", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
	{"discard-only", "100::", "100::ffff:ffff:ffff:ffff"},
	{"dummy prefix", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff"},
	{"IETF protocol assignments v6", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"Teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"PCP anycast v6", "2001:1::1", "2001:1::1"},
	{"TURN anycast v6", "2001:1::2", "2001:1::2"},
	{"DNS-SD SRP anycast", "2001:1::3", "2001:1::3"},
	{"benchmarking v6", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"},
	{"AMT v6", "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"AS112-v6", "2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"},
	{"ORCHID", "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"ORCHIDv2", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"DRIP entity tags", "2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"documentation 2001:db8", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"direct delegation AS112 v6", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"},
	{"documentation 3fff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"segment routing SIDs", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"link-local v6", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"site-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"multicast v6", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"below global unicast", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"above global unicast", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
}

// walkBlocks is the second implementation of the address table: it compares with the
// bounds of one row after the other.
func walkBlocks(a netip.Addr) (refused bool) {
	if a.Zone() != "" || !a.IsValid() {
		return true
	}
	a = a.Unmap()
	return slices.ContainsFunc(specialBlocks, func(b specialBlock) bool {
		first, last := netip.MustParseAddr(b.first), netip.MustParseAddr(b.last)
		return a.BitLen() == first.BitLen() && first.Compare(a) <= 0 && a.Compare(last) <= 0
	})
}

func TestAddressTable(t *testing.T) {
	t.Parallel()
	for _, block := range specialBlocks {
		t.Run(block.name, func(t *testing.T) {
			t.Parallel()
			first, last := netip.MustParseAddr(block.first), netip.MustParseAddr(block.last)
			for _, a := range []netip.Addr{first, first.Next(), last.Prev(), last} {
				inside := a.IsValid() && first.Compare(a) <= 0 && a.Compare(last) <= 0
				if err := allowlist.Public().CheckAddr(a); inside && ruleOf(err) != "ADDR" {
					t.Errorf("%v: %v, want a refusal by ADDR", a, err)
				}
			}
			// The neighbours are public unless another row contains them.
			for _, a := range []netip.Addr{first.Prev(), last.Next()} {
				if !a.IsValid() {
					continue // the end of the address space
				}
				if err := allowlist.Public().CheckAddr(a); (err != nil) != walkBlocks(a) {
					t.Errorf("neighbour %v: %v, want refused to be %v", a, err, walkBlocks(a))
				}
			}
			if first.Is4() {
				mapped := netip.AddrFrom16(first.As16())
				if err := allowlist.Public().CheckAddr(mapped); ruleOf(err) != "ADDR" {
					t.Errorf("mapped %v: %v, want a refusal by ADDR", mapped, err)
				}
			}
		})
	}
}

// TestAddressTablePublicNeighbours: the neighbours of each outermost block, written by hand, are public.
func TestAddressTablePublicNeighbours(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0",
		"192.31.195.255", "192.31.197.0", "192.52.192.255", "192.52.194.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
		"192.175.47.255", "192.175.49.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
		"223.255.255.255", "168.63.129.15", "168.63.129.17",
		"2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::",
		"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::",
		"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"::ffff:1.0.0.0", "::ffff:8.8.8.8",
	} {
		if err := allowlist.Public().CheckAddr(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestCheckAddrSpecialForms(t *testing.T) {
	t.Parallel()
	var (
		none    = allowlist.Policy{}
		nat64   = allowlist.Policy{AllowNAT64: true}
		allow   = allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8", "fd00::/8", "::ffff:172.16.0.0/108")}
		deny    = allowlist.Policy{DenyPrefixes: prefixes("8.8.8.0/24", "2606:4700::/32")}
		both    = allowlist.Policy{AllowPrefixes: prefixes("10.0.0.0/8"), DenyPrefixes: prefixes("10.1.0.0/16"), AllowNAT64: true}
		gateway = allowlist.Policy{AllowPrefixes: prefixes("64:ff9b::/96"), DenyPrefixes: prefixes("8.8.8.0/24")}
		mistake = allowlist.Policy{DenyPrefixes: []netip.Prefix{{}}}
		mapped  = allowlist.Policy{DenyPrefixes: prefixes("::ffff:8.8.8.0/120")}
	)
	for _, tt := range []struct {
		name   string
		policy allowlist.Policy
		addr   string
		want   string
	}{
		{"zone on link-local", none, "fe80::1%eth0", "ZONE"},
		{"zone on a public address", none, "2606:4700:4700::1111%eth0", "ZONE"},
		{"zone on a mapped address", none, "::ffff:8.8.8.8%eth0", "ZONE"},
		{"zone in AllowPrefixes", allow, "fd00::1%eth0", "ZONE"},
		{"mapped public", none, "::ffff:8.8.8.8", ""},
		{"mapped loopback", none, "::ffff:127.0.0.1", "ADDR"},
		{"mapped metadata", none, "::ffff:a9fe:a9fe", "ADDR"},
		{"mapped in a deny prefix", deny, "::ffff:8.8.8.8", "DENY"},
		{"mapped in an allow prefix", allow, "::ffff:10.0.0.1", ""},
		{"mapped allow prefix permits nothing", allow, "172.16.0.1", "ADDR"},
		{"IPv4-compatible loopback", none, "::127.0.0.1", "ADDR"},
		{"IPv4-translated public", none, "::ffff:0:8.8.8.8", "ADDR"},
		{"6to4 of a public address", none, "2002:808:808::1", "ADDR"},
		{"6to4 of loopback", none, "2002:7f00:1::", "ADDR"},
		{"6to4 with AllowNAT64", nat64, "2002:808:808::1", "ADDR"},
		{"Teredo", none, "2001:0:4136:e378:8000:63bf:3fff:fdd2", "ADDR"},
		{"Teredo with AllowNAT64", nat64, "2001:0:4136:e378:8000:63bf:3fff:fdd2", "ADDR"},
		{"NAT64 of a public address", none, "64:ff9b::808:808", "ADDR"},
		{"NAT64 unwrapped, public", nat64, "64:ff9b::808:808", ""},
		{"NAT64 unwrapped, loopback", nat64, "64:ff9b::7f00:1", "ADDR"},
		{"NAT64 unwrapped, private", nat64, "64:ff9b::a00:1", "ADDR"},
		{"NAT64 unwrapped, metadata", nat64, "64:ff9b::a9fe:a9fe", "ADDR"},
		{"NAT64 unwrapped, WireServer", nat64, "64:ff9b::a83f:8110", "ADDR"},
		{"NAT64 unwrapped, zero", nat64, "64:ff9b::", "ADDR"},
		{"NAT64 unwrapped, zone", nat64, "64:ff9b::808:808%eth0", "ZONE"},
		{"NAT64 unwrapped, allowed", both, "64:ff9b::a00:1", ""},
		{"NAT64 unwrapped, denied", both, "64:ff9b::a01:1", "DENY"},
		{"NAT64 just above the prefix", nat64, "64:ff9b::1:808:808", "ADDR"},
		{"NAT64 of local use is never decoded", nat64, "64:ff9b:1::808:808", "ADDR"},
		{"NAT64 by an allow prefix", gateway, "64:ff9b::707:707", ""},
		{"NAT64 by an allow prefix, embedded address denied", gateway, "64:ff9b::808:808", "DENY"},
		{"allow IPv4", allow, "10.255.255.255", ""},
		{"allow IPv6", allow, "fd00:ec2::254", ""},
		{"allow covers no more", allow, "11.0.0.0", ""},
		{"allow does not touch other blocks", allow, "192.168.0.1", "ADDR"},
		{"deny IPv4", deny, "8.8.8.8", "DENY"},
		{"deny IPv6", deny, "2606:4700:4700::1111", "DENY"},
		{"deny covers no more", deny, "8.8.9.0", ""},
		{"deny wins over allow", both, "10.1.0.1", "DENY"},
		{"allow beside deny", both, "10.2.0.1", ""},
		{"invalid deny prefix denies all", mistake, "1.1.1.1", "DENY"},
		{"mapped deny prefix denies all", mapped, "1.1.1.1", "DENY"},
		{"AllowNAT64 lifts nothing else", nat64, "10.0.0.1", "ADDR"},
		{"automation", allowlist.Automation(), "127.0.0.1", "ADDR"},
		{"automation, public", allowlist.Automation(), "13.107.42.14", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.policy.CheckAddr(netip.MustParseAddr(tt.addr))
			if got := ruleOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("%s: got %v, want rule %q", tt.addr, err, tt.want)
			}
		})
	}
}

func TestCheckAddrZeroValue(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]allowlist.Policy{"public": {}, "allow all": {AllowPrefixes: prefixes("0.0.0.0/0", "::/0")}} {
		if err := p.CheckAddr(netip.Addr{}); ruleOf(err) != "ADDR" {
			t.Errorf("%s: %v, want a refusal by ADDR", name, err)
		}
	}
}
