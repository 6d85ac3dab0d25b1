package allowlist_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

func TestControl(t *testing.T) {
	t.Parallel()
	local := allowlist.Policy{AllowPrefixes: prefixes("127.0.0.0/8", "10.0.0.0/8"), Ports: []uint16{8443, 80}}
	for _, tt := range []struct {
		name             string
		policy           allowlist.Policy
		network, address string
		want             string
	}{
		{"public IPv4", allowlist.Public(), "tcp4", "8.8.8.8:443", ""},
		{"public IPv6", allowlist.Public(), "tcp6", "[2606:4700:4700::1111]:443", ""},
		{"automation", allowlist.Automation(), "tcp4", "13.107.42.14:443", ""},
		{"mapped public", allowlist.Public(), "tcp6", "[::ffff:8.8.8.8]:443", ""},
		{"loopback", allowlist.Public(), "tcp4", "127.0.0.1:443", "ADDR"},
		{"loopback in automation", allowlist.Automation(), "tcp4", "127.0.0.1:443", "ADDR"},
		{"unspecified", allowlist.Public(), "tcp4", "0.0.0.0:443", "ADDR"},
		{"mapped loopback", allowlist.Public(), "tcp6", "[::ffff:127.0.0.1]:443", "ADDR"},
		{"NAT64", allowlist.Public(), "tcp6", "[64:ff9b::808:808]:443", "ADDR"},
		{"NAT64 allowed", allowlist.Policy{AllowNAT64: true}, "tcp6", "[64:ff9b::808:808]:443", ""},
		{"zone", allowlist.Public(), "tcp6", "[fe80::1%eth0]:443", "ZONE"},
		{"denied", allowlist.Policy{DenyPrefixes: prefixes("8.0.0.0/8")}, "tcp4", "8.8.8.8:443", "DENY"},
		{"allowed prefix", local, "tcp4", "127.0.0.1:443", ""},
		{"allowed prefix and port", local, "tcp4", "127.0.0.1:8443", ""},
		{"other port", allowlist.Public(), "tcp4", "8.8.8.8:8443", "PORT"},
		{"port zero", allowlist.Public(), "tcp4", "8.8.8.8:0", "PORT"},
		{"low port, though listed", local, "tcp4", "127.0.0.1:80", "PORT"},
		{"network tcp", allowlist.Public(), "tcp", "8.8.8.8:443", "NETWORK"},
		{"network udp4", allowlist.Public(), "udp4", "8.8.8.8:443", "NETWORK"},
		{"network unix", allowlist.Public(), "unix", "/run/docker.sock", "NETWORK"},
		{"network empty", allowlist.Public(), "", "8.8.8.8:443", "NETWORK"},
		{"address empty", allowlist.Public(), "tcp4", "", "NETWORK"},
		{"address without a port", allowlist.Public(), "tcp4", "8.8.8.8", "NETWORK"},
		{"address is a name", allowlist.Public(), "tcp4", "example.com:443", "NETWORK"},
		{"address with a leading zero", allowlist.Public(), "tcp4", "08.8.8.8:443", "NETWORK"},
		{"port is a name", allowlist.Public(), "tcp4", "8.8.8.8:https", "NETWORK"},
		{"port too large", allowlist.Public(), "tcp4", "8.8.8.8:65979", "NETWORK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.policy.Control(context.Background(), tt.network, tt.address, nil)
			if got := ruleOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("got %v, want rule %q", err, tt.want)
			}
			if err != nil && (!errors.Is(err, allowlist.ErrRefused) || !errors.Is(err, allowlist.ErrBlocked)) {
				t.Errorf("%v does not match ErrRefused and ErrBlocked", err)
			}
			if err != nil && strings.ContainsAny(strings.ReplaceAll(err.Error(), "NAT64", ""), "0123456789") {
				t.Errorf("%q shows an address or port", err)
			}
		})
	}
}

// A connection to the machine's own public address is routed over loopback.
func TestControlRefusesOwnAddresses(t *testing.T) {
	t.Parallel()
	const (
		own4  = "8.8.8.8:443"
		own6  = "[2606:4700:4700::1111]:443"
		nat64 = "[64:ff9b::808:808]:443"
		other = "8.8.8.9:443"
	)
	interfaces := func() ([]net.Addr, error) {
		return []net.Addr{
			&net.IPNet{IP: net.IPv4(127, 0, 0, 1), Mask: net.CIDRMask(8, 32)},
			&net.IPNet{IP: net.IPv4(8, 8, 8, 8), Mask: net.CIDRMask(24, 32)},
			&net.IPAddr{IP: net.ParseIP("2606:4700:4700::1111")},
			&net.UnixAddr{Name: "not an IP address"},
			&net.IPNet{},
		}, nil
	}
	for _, tt := range []struct {
		name    string
		policy  allowlist.Policy
		address string
		want    string
	}{
		{"IPv4", allowlist.Public(), own4, "OWN"},
		{"IPv6", allowlist.Public(), own6, "OWN"},
		{"mapped", allowlist.Public(), "[::ffff:8.8.8.8]:443", "OWN"},
		{"through NAT64", allowlist.Policy{AllowNAT64: true}, nat64, "OWN"},
		{"automation", allowlist.Automation(), own4, "OWN"},
		{"neighbour in the same network", allowlist.Public(), other, ""},
		{"allowed by the operator", allowlist.Policy{AllowPrefixes: prefixes("8.8.8.8/32")}, own4, ""},
		{"allowed through NAT64", allowlist.Policy{AllowNAT64: true, AllowPrefixes: prefixes("8.8.8.8/32")}, nat64, ""},
		{"denied by the operator", allowlist.Policy{DenyPrefixes: prefixes("8.8.8.8/32")}, own4, "DENY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			network := "tcp4"
			if strings.HasPrefix(tt.address, "[") {
				network = "tcp6"
			}
			err := allowlist.Guard(tt.policy, network, tt.address, interfaces)
			if got := ruleOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("got %v, want rule %q", err, tt.want)
			}
			if tt.want == "OWN" && !errors.Is(err, allowlist.ErrBlocked) {
				t.Errorf("%v does not match ErrBlocked", err)
			}
		})
	}
}

// Control itself asks the system: a public interface address, if this machine has one, is
// refused; with everything allowed, loopback passes.
func TestControlReadsTheRealInterfaces(t *testing.T) {
	t.Parallel()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	all := allowlist.Policy{AllowPrefixes: prefixes("0.0.0.0/0", "::/0")}
	for _, addr := range addrs {
		prefix := netip.MustParsePrefix(addr.String())
		address, network := netip.AddrPortFrom(prefix.Addr(), 443).String(), "tcp4"
		if prefix.Addr().Is6() {
			network = "tcp6"
		}
		if err := allowlist.Public().Control(context.Background(), network, address, nil); !errors.Is(err, allowlist.ErrBlocked) {
			t.Errorf("an interface address: %v, want a refusal", err)
		}
		if err := all.Control(context.Background(), network, address, nil); err != nil {
			t.Errorf("an interface address that the operator allows: %v", err)
		}
	}
}

func TestControlWithoutAnInterfaceList(t *testing.T) {
	t.Parallel()
	broken := func() ([]net.Addr, error) { return nil, os.ErrPermission }
	err := allowlist.Guard(allowlist.Public(), "tcp4", "8.8.8.8:443", broken)
	if !errors.Is(err, allowlist.ErrInterfaces) || errors.Is(err, allowlist.ErrRefused) {
		t.Errorf("got %v, want ErrInterfaces, which is not ErrRefused", err)
	}
	allowed := allowlist.Policy{AllowPrefixes: prefixes("8.8.8.8/32")}
	if err := allowlist.Guard(allowed, "tcp4", "8.8.8.8:443", broken); err != nil {
		t.Errorf("allowed address: %v, want no use of the interface list", err)
	}
}

// The guard works inside a real dialer: no connection reaches a refused listener, and
// errors.As finds the reason through the *net.OpError.
func TestControlInADialer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan struct{}, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			c.Close()
			accepted <- struct{}{}
		}
	}()
	port := uint16(l.Addr().(*net.TCPAddr).Port)

	for _, tt := range []struct {
		name   string
		policy allowlist.Policy
		host   string
		want   string
	}{
		{"public policy", allowlist.Policy{Ports: []uint16{port}}, "127.0.0.1", "ADDR"},
		{"name", allowlist.Policy{Ports: []uint16{port}}, "localhost", "ADDR"},
		{"port not listed", allowlist.Policy{AllowPrefixes: prefixes("127.0.0.0/8")}, "127.0.0.1", "PORT"},
		{"denied", allowlist.Policy{AllowPrefixes: prefixes("127.0.0.0/8"), DenyPrefixes: prefixes("127.0.0.1/32"), Ports: []uint16{port}}, "127.0.0.1", "DENY"},
	} {
		d := &net.Dialer{ControlContext: tt.policy.Control}
		c, err := d.DialContext(context.Background(), "tcp", net.JoinHostPort(tt.host, strconv.Itoa(int(port))))
		if err == nil {
			c.Close()
			t.Errorf("%s: connected", tt.name)
			continue
		}
		var op *net.OpError
		if !errors.As(err, &op) || !errors.Is(err, allowlist.ErrBlocked) || ruleOf(err) != tt.want {
			t.Errorf("%s: %v, want a *net.OpError around a refusal by %s", tt.name, err, tt.want)
		}
	}

	permitted := allowlist.Policy{AllowPrefixes: prefixes("127.0.0.0/8"), Ports: []uint16{port}}
	d := &net.Dialer{ControlContext: permitted.Control}
	c, err := d.DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("permitted: %v", err)
	}
	c.Close()
	<-accepted
	l.Close()
	if _, more := <-accepted; more {
		t.Error("a refused dial reached the listener")
	}
}
