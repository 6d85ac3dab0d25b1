package transport

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// names resolves host names.
type names struct {
	*net.Resolver
	asked liveness
}

func newNames(r *net.Resolver, dial time.Duration) *names {
	if r == nil {
		// The C library's resolver reads "127.1" and "0x7f000001" as addresses.
		r = &net.Resolver{PreferGo: true}
	}
	if r.Dial != nil {
		r = &net.Resolver{PreferGo: r.PreferGo, StrictErrors: r.StrictErrors, Dial: contained(r.Dial)}
	}
	return &names{Resolver: r, asked: liveness{patience: min(askFor, dial)}}
}

// failure classifies a failed look-up: the name failed, or no name server answers. A silent
// name server may wait for the server of a tenant's domain, so it is then asked for the root's
// servers, which it knows.
func (n *names) failure(err error) *Error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return &Error{DNS, NoSuchHost}
	case !n.asked.alive(n.anyServer):
		return &Error{Egress, NoResolver}
	case timedOut(err):
		return &Error{DNS, DNSTimeout}
	}
	return &Error{DNS, DNSServer}
}

// anyServer asks for the servers of the root and reports whether a name server answered.
func (n *names) anyServer(ctx context.Context) bool {
	var heard atomic.Bool
	dial := n.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l := watchedConn{conn, &heard}
		if packets, ok := conn.(net.PacketConn); ok { // the resolver recognises UDP by this interface
			return struct {
				watchedConn
				net.PacketConn
			}{l, packets}, nil
		}
		return l, nil
	}}
	_, _ = r.LookupNS(ctx, ".")
	return heard.Load()
}

// watchedConn records whether a byte was received.
type watchedConn struct {
	net.Conn
	heard *atomic.Bool
}

func (l watchedConn) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 {
		l.heard.Store(true)
	}
	return n, err
}

// liveness remembers whether a shared server answers. It is asked only after failures, and
// concurrent failures ask once.
type liveness struct {
	patience time.Duration

	mu    sync.Mutex
	at    time.Time
	known bool
}

const (
	askFor   = 2 * time.Second
	askAgain = 5 * time.Second
)

func (l *liveness) alive(ask func(context.Context) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() || time.Since(l.at) > askAgain {
		ctx, cancel := context.WithTimeout(context.Background(), l.patience)
		defer cancel()
		l.known, l.at = ask(ctx), time.Now()
	}
	return l.known
}
