package allowlist

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// Control is the dial guard for the ControlContext of a [net.Dialer]. The dialer
// calls it for each candidate address after name resolution and before connecting, so
// every address of every resolution is judged.
//
// It refuses, with an [*Error] that matches [ErrRefused] and [ErrBlocked]: a network other
// than tcp4 and tcp6, a port that the Policy does not permit, addresses that CheckAddr refuses,
// and addresses of this machine's interfaces, which the kernel would route over loopback
// past any firewall. AllowPrefixes permit interface addresses. If the interfaces cannot be
// listed, the dial fails with [ErrInterfaces].
//
// A dialer that tries several addresses reports the first error, which may be a refusal
// although another address was permitted and failed to connect. The *net.OpError around
// the refusal prints the address: do not show it to a tenant.
func (p Policy) Control(_ context.Context, network, address string, _ syscall.RawConn) error {
	return p.guard(network, address, net.InterfaceAddrs)
}

// guard takes the list of interface addresses as a function, because it needs the list only
// when no other rule decides. Each dial reads the list: dials are few, addresses
// change, and a cache would be mutable state of the package.
func (p *Policy) guard(network, address string, interfaces func() ([]net.Addr, error)) error {
	if network != "tcp4" && network != "tcp6" {
		return refusal(refuseNetwork)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return refusal(refuseNetwork) // not err, which prints the address
	}
	if !p.permitsPort(target.Port()) {
		return refusal(refuseDialPort)
	}
	if e := p.judgeAddr(target.Addr()); e != nil {
		return refusal(e)
	}

	a := target.Addr().Unmap()
	v4, _ := embedded(a)
	if contains(p.AllowPrefixes, a) || contains(p.AllowPrefixes, v4) {
		return nil
	}
	own, err := interfaces()
	if err != nil {
		return ErrInterfaces
	}
	for _, addr := range own {
		if mine := interfaceAddr(addr); mine.IsValid() && (mine == a || mine == v4) {
			return refusal(refuseOwn)
		}
	}
	return nil
}

// interfaceAddr returns the address of an interface without zone and mask, or the zero
// Addr.
func interfaceAddr(addr net.Addr) netip.Addr {
	var ip net.IP
	switch addr := addr.(type) {
	case *net.IPNet:
		ip = addr.IP
	case *net.IPAddr:
		ip = addr.IP
	}
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
