package oracle

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

// The names of the judges, for the rows of the table below.
const (
	python   = "ipaddress" // is_global of Python's standard library
	ipaddrJS = "ipaddr.js" // the range "unicast"
)

// explained lists the blocks that allowlist refuses and a judge calls public, with the reason.
// Everywhere else all agree, and no judge refuses an address that allowlist accepts. Python's
// verdict on some blocks depends on its release, so a listed one may also agree.
var explained = []struct {
	block string
	whom  string
	why   string
}{
	{"::/3", python, "no address outside 2000::/3 is assigned to a host (RFC 4291); the judge knows the blocks that have a name"},
	{"::/3", ipaddrJS, "the same"},
	{"4000::/2", python, "the same"},
	{"4000::/2", ipaddrJS, "the same"},
	{"8000::/1", python, "the same"},
	{"8000::/1", ipaddrJS, "the same"},
	{"168.63.129.16/32", python, "Azure's WireServer, inside public space: no registry has it"},
	{"168.63.129.16/32", ipaddrJS, "the same"},
	{"224.0.0.0/4", python, "multicast has a registry of its own"},
	{"192.0.0.0/24", python, "IETF protocol assignments: two anycast addresses are globally reachable by the registry (RFC 7723, 8155), and older releases know the first eight addresses alone"},
	{"192.31.196.0/24", python, "globally reachable by the registry, served by the nearest server (RFC 7535)"},
	{"192.52.193.0/24", python, "the same (RFC 7450)"},
	{"192.88.99.0/24", python, "6to4 relays, withdrawn (RFC 7526)"},
	{"192.175.48.0/24", python, "globally reachable by the registry, served by the nearest server (RFC 7534)"},
	{"2001::/23", python, "IETF protocol assignments, some globally reachable by the registry; none is a receiver"},
	{"2002::/16", python, "6to4 embeds an IPv4 address; neither global nor not by the registry"},
	{"2620:4f:8000::/48", python, "globally reachable by the registry, served by the nearest server (RFC 7534)"},
	{"3fff::/20", python, "documentation (RFC 9637), unknown to releases of Python from before"},
}

// addresses returns addresses of every kind: the edges and the inside of every named block, all
// first sixteen bits of IPv6, random ones, and IPv4 addresses embedded in IPv6 ones.
func addresses(r *rand.Rand) (list []netip.Addr) {
	v4 := func(n uint32) netip.Addr {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], n)
		return netip.AddrFrom4(b)
	}
	v6 := func(hi, lo uint64) netip.Addr {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], hi)
		binary.BigEndian.PutUint64(b[8:], lo)
		return netip.AddrFrom16(b)
	}
	for _, text := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/31",
		"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "168.63.129.16/32",
		"::/128", "::1/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2000::/3", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48",
		"2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		block := netip.MustParsePrefix(text)
		first, last := block.Masked().Addr(), lastOf(block)
		for _, a := range []netip.Addr{first.Prev(), first, first.Next(), last.Prev(), last, last.Next()} {
			if a.IsValid() {
				list = append(list, a)
			}
		}
		for range 20 {
			list = append(list, within(r, block))
		}
	}
	for hi := range uint64(1 << 16) {
		list = append(list, v6(hi<<48|r.Uint64()>>16, r.Uint64()))
	}
	for range 20_000 {
		n := r.Uint32()
		list = append(list, v4(n), v6(0, 0xffff<<32|uint64(n)), v6(0x0064ff9b<<32, uint64(n)), v6(0x2002<<48|uint64(n)<<16, r.Uint64()),
			v6(0x2001_0000<<32|uint64(n), r.Uint64()), v6(0, uint64(n)), v6(0, 0xffff<<48|uint64(n)), v6(0x0064ff9b_0001<<16, uint64(n)), v6(0x2001<<48|r.Uint64()>>16, r.Uint64()), v6(0x20010db8<<32|r.Uint64()>>32, r.Uint64()))
	}
	return list
}

func lastOf(block netip.Prefix) netip.Addr {
	b := block.Masked().Addr().AsSlice()
	for i := block.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func within(r *rand.Rand, block netip.Prefix) netip.Addr {
	b := block.Masked().Addr().AsSlice()
	for i := block.Bits(); i < 8*len(b); i++ {
		if r.IntN(2) == 0 {
			b[i/8] |= 0x80 >> (i % 8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Rule: the guard allows exactly the addresses that two classifications by other authors call
// public, except for the blocks in the table.
func TestAddresses(t *testing.T) {
	t.Parallel()
	list := addresses(rand.New(rand.NewPCG(1, 2)))
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	byPython := askPython[[]bool](t, "addresses", texts)
	ranges := ask[[]string](t, "addresses", texts)
	if len(byPython) != len(list) || len(ranges) != len(list) {
		t.Fatalf("%d addresses, %d and %d answers", len(list), len(byPython), len(ranges))
	}
	known := make(map[string][]netip.Prefix)
	for _, row := range explained {
		known[row.whom] = append(known[row.whom], netip.MustParsePrefix(row.block))
	}
	dialled, differ := 0, 0
	for i, a := range list {
		ours := allowlist.Public().CheckAddr(a) == nil
		if ours {
			dialled++
		}
		for whom, theirs := range map[string]bool{python: byPython[i], ipaddrJS: ranges[i] == "unicast"} {
			if theirs == ours || !ours && slices.ContainsFunc(known[whom], func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }) {
				continue
			}
			if differ++; differ < 20 {
				t.Errorf("%v: accepted = %t, by %s %t", a, ours, whom, theirs)
			}
		}
	}
	if dialled < len(list)/10 || dialled > len(list)*9/10 {
		t.Errorf("%d of %d are accepted: the choice of addresses shows little", dialled, len(list))
	}
	t.Logf("%d addresses, %d of them accepted", len(list), dialled)
}
