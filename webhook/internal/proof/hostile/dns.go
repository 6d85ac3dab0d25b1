package hostile

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Lookup is the answer to one lookup of a name.
type Lookup struct {
	// Addrs are the addresses of the name. IPv4 ones answer questions of type A,
	// IPv6 ones those of type AAAA.
	Addrs []netip.Addr
	// NotFound answers NXDOMAIN, ServerFailure SERVFAIL; Silent does not answer.
	NotFound, ServerFailure, Silent bool
}

// Addrs is a Lookup that finds addresses. It panics on invalid ones.
func Addrs(addrs ...string) Lookup {
	var l Lookup
	for _, a := range addrs {
		l.Addrs = append(l.Addrs, netip.MustParseAddr(a))
	}
	return l
}

// Query is a question to the DNS server.
type Query struct {
	Name    string // lower case, without the final dot
	Type    string // "A", "AAAA" or "other"
	Network string // "udp" or "tcp"
	Time    time.Time
}

// DNS is a name server with scripted answers, by UDP and, for long answers, by TCP. Its methods are
// safe for concurrent use.
type DNS struct {
	udp  net.PacketConn
	tcp  net.Listener
	wg   sync.WaitGroup
	once sync.Once

	mu      sync.Mutex
	script  map[string][]Lookup
	asked   map[string]int // by name and type
	queries []Query
	open    map[net.Conn]bool // nil once closed
	asking  []net.Conn        // of Resolver
}

// NewDNS starts a name server without names, and ends it with the test.
func NewDNS(tb testing.TB) *DNS {
	tb.Helper()
	d := &DNS{script: map[string][]Lookup{}, asked: map[string]int{}, open: map[net.Conn]bool{}}
	// Both protocols share a port number; another process may hold one of the two.
	for range 20 {
		udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			tb.Fatalf("hostile: %v", err)
		}
		if d.tcp, err = net.Listen("tcp4", udp.LocalAddr().String()); err == nil {
			d.udp = udp
			break
		}
		_ = udp.Close()
	}
	if d.udp == nil {
		tb.Fatal("hostile: no port is free for both UDP and TCP")
	}
	d.wg.Go(d.serveUDP)
	d.wg.Go(d.serveTCP)
	tb.Cleanup(d.Close)
	return d
}

// Close ends the server and returns when no goroutine is left.
func (d *DNS) Close() {
	d.once.Do(func() {
		_, _ = d.udp.Close(), d.tcp.Close()
		d.mu.Lock()
		defer d.mu.Unlock()
		for c := range d.open {
			_ = c.Close()
		}
		d.open = nil
		for _, c := range d.asking {
			_ = c.Close()
		}
	})
	d.wg.Wait()
}

// Addr is the address and port of the server.
func (d *DNS) Addr() string { return d.udp.LocalAddr().String() }

// Resolver asks this server and no other. Look up names with a final dot, because the machine's
// search domains multiply the questions. An unanswered question ends with the server, because Go's
// resolver would listen for seconds after its caller has left.
func (d *DNS) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, d.Addr())
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.open == nil {
			_ = c.Close()
			return nil, net.ErrClosed
		}
		d.asking = append(d.asking, c)
		return c, nil
	}}
}

// Set scripts a name: the first lookup gets the first answer and so on, the last answer stays.
// Questions of type A and AAAA count separately, so one lookup of both uses up one answer. A
// resolver repeats a question that failed, which counts again. A name that was never set is not
// found.
func (d *DNS) Set(name string, lookups ...Lookup) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = fold(name)
	d.script[name] = slices.Clone(lookups)
	for _, kind := range []string{"A", "AAAA", "other"} {
		delete(d.asked, name+" "+kind)
	}
}

// Queries returns the questions so far.
func (d *DNS) Queries() []Query {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.queries)
}

func fold(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// answer returns the reply to a message, or nil for none.
func (d *DNS) answer(network string, msg []byte) []byte {
	q, ok := parseQuestion(msg)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := q.name + " " + q.kind()
	d.queries = append(d.queries, Query{Name: q.name, Type: q.kind(), Network: network, Time: time.Now()})
	lookups := d.script[q.name]
	if len(lookups) == 0 {
		return q.reply(rcodeNotFound, nil, network == "udp")
	}
	l := lookups[min(d.asked[key], len(lookups)-1)]
	reply := q.reply(l.rcode(), l.Addrs, network == "udp")
	if !truncated(reply) { // repeated by TCP, it is the same lookup
		d.asked[key]++
	}
	if l.Silent {
		return nil
	}
	return reply
}

func (d *DNS) serveUDP() {
	buf := make([]byte, 4096)
	for {
		n, from, err := d.udp.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if reply := d.answer("udp", buf[:n]); reply != nil {
			_, _ = d.udp.WriteTo(reply, from)
		}
	}
}

func (d *DNS) serveTCP() {
	for {
		c, err := d.tcp.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		if d.open == nil {
			d.mu.Unlock()
			_ = c.Close()
			return
		}
		d.open[c] = true
		d.mu.Unlock()
		d.wg.Go(func() { d.serveConn(c) })
	}
}

// serveConn reads messages with a length of two bytes in front.
func (d *DNS) serveConn(c net.Conn) {
	defer func() {
		_ = c.Close()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, c)
	}()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, msg); err != nil {
			return
		}
		reply := d.answer("tcp", msg)
		if reply == nil {
			continue
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
