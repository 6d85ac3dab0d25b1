package transport

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/postrider/postrider/allowlist"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// contained returns a dialer whose panics and breaches of contract do not end the process: net/http
// and net call dialers in their own goroutines.
func contained(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		defer func() {
			if recover() != nil {
				conn, err = nil, &Error{Egress, Local}
			}
		}()
		if conn, err = dial(ctx, network, address); err == nil && conn == nil {
			err = &Error{Egress, Local}
		}
		return conn, err
	}
}

// hostDialer records the phases of a dialer of the host.
func hostDialer(dial dialFunc) dialFunc {
	dial = contained(dial)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		x := exchangeOf(ctx)
		x.reach(dialling)
		conn, err := dial(ctx, network, address)
		if err == nil {
			x.reach(shaking)
		}
		return conn, err
	}
}

// guard judges every address when it is dialled, so the DNS cannot change an address between check
// and use.
type guard struct {
	allow   allowlist.Policy
	names   *names
	timeout time.Duration
	routed  func() bool
}

var errPort = errors.New("transport: dial of another port than the URL's")

func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{Kind: Connect}
	}
	x := exchangeOf(ctx)
	if _, err := netip.ParseAddr(host); err != nil {
		x.reach(lookingUp)
		host += "." // fully qualified: search domains of the machine cannot answer
	}
	// The dialer tries several addresses, two at a time, and reports the first error. This may
	// be an error of the guard although a permitted address failed later.
	var tried attempts
	d := net.Dialer{Timeout: g.timeout, Resolver: g.names.Resolver,
		ControlContext: func(ctx context.Context, network, address string, c syscall.RawConn) error {
			x.reach(dialling)
			if a, err := netip.ParseAddrPort(address); err != nil || strconv.Itoa(int(a.Port())) != port {
				return errPort
			}
			return g.allow.Control(ctx, network, address, c)
		}}
	conn, err := d.DialContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{ConnectDone: tried.add}), network, net.JoinHostPort(host, port))
	if err == nil {
		x.reach(shaking)
		return conn, nil
	}
	var dns *net.DNSError
	permitted, refused := tried.result()
	switch {
	case permitted == nil && refused:
		return nil, &Error{Kind: BlockedAddress}
	case permitted != nil:
		return nil, connectError(permitted, g.routed)
	case errors.As(err, &dns):
		return nil, g.names.failure(dns)
	}
	return nil, connectError(err, g.routed)
}

// attempts collects the results for the addresses of one dial.
type attempts struct {
	mu        sync.Mutex
	refused   bool  // the guard refused an address
	permitted error // of the first address that the guard let through
}

func (a *attempts) add(_, _ string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, allowlist.ErrRefused), errors.Is(err, errPort):
		a.refused = true
	case a.permitted == nil:
		a.permitted = err
	}
}

func (a *attempts) result() (permitted error, refused bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.permitted, a.refused
}

// connectError classifies a failed connection: the address failed, or this machine cannot connect
// to any address.
func connectError(err error, routed func() bool) *Error {
	switch {
	case isAny(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL):
		return &Error{Egress, Local}
	case isAny(err, syscall.ENETUNREACH, syscall.ENETDOWN) && !routed():
		return &Error{Egress, NoRoute}
	case isAny(err, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTUNREACH):
		return &Error{Connect, Unreachable}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Connect, Refused}
	case errors.Is(err, syscall.ECONNRESET):
		return &Error{Connect, Reset}
	case timedOut(err):
		return &Error{Connect, TimedOut}
	}
	return &Error{Kind: Connect}
}

func isAny(err error, among ...syscall.Errno) bool {
	for _, e := range among {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// routed reports whether this machine has any route, by IPv4 or IPv6. If it has one, an address
// without a route is the target's fault: the name may have only addresses of a family that this
// machine does not use. routed connects a datagram socket and sends nothing.
func routed() bool {
	for _, documentation := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} { // RFC 5737, RFC 3849
		if c, err := net.Dial("udp", documentation); err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}
