package allowlist

import "net"

// Guard is Control with another list of interface addresses.
func Guard(p Policy, network, address string, interfaces func() ([]net.Addr, error)) error {
	return p.guard(network, address, interfaces)
}
