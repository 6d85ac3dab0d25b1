package hostile

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
)

// probeIP is the source of the package's own probes, to distinguish them from clients.
var probeIP = netip.AddrFrom4([4]byte{127, 77, 77, 77})

// accepted counts the connections of a listener.
type accepted struct {
	addr string

	mu sync.Mutex
	n  int
}

func newAccepted(addr string) *accepted { return &accepted{addr: addr} }

// isProbe counts c, unless it is one of total's own connections, which it closes.
func (a *accepted) isProbe(c net.Conn) bool {
	if from, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil && from.Addr() == probeIP {
		_ = c.Close()
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n++
	return false
}

// total counts connections that the kernel accepted before now, also those that the accept loop has
// not reached. Connections are accepted in order: once the loop has closed a new one, all earlier
// ones are counted.
func (a *accepted) total() int {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: probeIP.AsSlice()}}
	if c, err := d.Dial("tcp4", a.addr); err == nil {
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n
}

// Counter is a listener to which no client may connect. It counts its connections and closes them.
type Counter struct {
	lis   net.Listener
	count *accepted
}

// NewCounter listens on a loopback address, on a free port for 0, until the
// test ends.
func NewCounter(tb testing.TB, ip string, port int) *Counter {
	tb.Helper()
	lis, err := net.Listen("tcp4", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		tb.Fatalf("hostile: %v", err)
	}
	return Watch(tb, lis)
}

// Watch counts the connections of a listener, which it closes when the test ends.
func Watch(tb testing.TB, lis net.Listener) *Counter {
	c := &Counter{lis: lis, count: newAccepted(lis.Addr().String())}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			if !c.count.isProbe(conn) {
				_ = conn.Close()
			}
		}
	})
	tb.Cleanup(func() {
		_ = lis.Close()
		wg.Wait()
	})
	return c
}

// Addr is the watched address and port.
func (c *Counter) Addr() string { return c.lis.Addr().String() }

// Port is the port of Addr.
func (c *Counter) Port() int { return c.lis.Addr().(*net.TCPAddr).Port }

// Connections is the number of connections so far.
func (c *Counter) Connections() int { return c.count.total() }

// SamePort listens on the same free port of several loopback addresses. It retries, because the
// free port of one address may be taken on another.
func SamePort(tb testing.TB, ips ...string) []net.Listener {
	tb.Helper()
	var err error
	for range 20 {
		var all []net.Listener
		for port := 0; len(all) < len(ips); {
			var lis net.Listener
			if lis, err = net.Listen("tcp4", net.JoinHostPort(ips[len(all)], strconv.Itoa(port))); err != nil {
				break
			}
			all, port = append(all, lis), lis.Addr().(*net.TCPAddr).Port
		}
		if err == nil {
			return all
		}
		for _, lis := range all {
			_ = lis.Close()
		}
	}
	tb.Fatalf("hostile: no port is free on %v: %v", ips, err)
	return nil
}
