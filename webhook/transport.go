package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/postrider/postrider/allowlist"
)

// bounds are the times of one attempt below Options.Timeout.
type bounds struct {
	dial   time.Duration
	tls    time.Duration
	header time.Duration // also ends trickled headers and endless 1xx answers
	body   time.Duration // counts from the headers: a slow body must not hold a slot
}

func defaultBounds() bounds {
	return bounds{dial: 10 * time.Second, tls: 10 * time.Second, header: 15 * time.Second, body: 5 * time.Second}
}

const (
	idleTimeout     = 90 * time.Second
	pingAfter       = 15 * time.Second // dead HTTP/2 connections are noticed by pings only
	pingTimeout     = 5 * time.Second
	maxHeaderBytes  = 64 << 10
	maxBodyRead     = 64 << 10
	maxSnippet      = 4 << 10
	userAgent       = "Postrider/1 (+https://github.com/postrider/postrider)"
	contentTypeJSON = "application/json"
)

// newTransport makes the only transport of a Dispatcher.
func newTransport(allow allowlist.Policy, o *Options, b bounds) *http.Transport {
	t := &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:    b.tls,
		ResponseHeaderTimeout:  b.header,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // else 200 KiB of gzip may become 200 MiB
		MaxIdleConns:           2 * o.Capacity,
		MaxIdleConnsPerHost:    o.Capacity, // the default of 2 opens a connection per request above two in flight
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      true, // net/http switches it off for a custom dialer
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	resolver := o.Resolver
	if resolver == nil {
		// The C library's resolver would read "127.1" or "0x7f000001" as addresses.
		resolver = &net.Resolver{PreferGo: true}
	}
	switch {
	case o.DialContext != nil:
		t.DialContext = o.DialContext
	case o.Proxy != nil:
		// Only the proxy is dialled here; see Proxy.AddressesCheckedBy.
		t.Proxy = http.ProxyURL(o.Proxy.URL)
		t.DialContext = (&net.Dialer{Timeout: b.dial, Resolver: resolver}).DialContext
	default:
		t.DialContext = (&guardedDialer{allow: allow, resolver: resolver, timeout: b.dial}).dial
	}
	return t
}

// guardedDialer judges every address at the moment it is dialled, so no answer of
// the DNS can slip in between check and use.
type guardedDialer struct {
	allow    allowlist.Policy
	resolver *net.Resolver
	timeout  time.Duration
}

// dialError is a failed dial without the name and addresses that net prints.
type dialError struct{ code Code }

func (e *dialError) Error() string { return "webhook: dial: " + string(e.code) }

var errPort = errors.New("webhook: dial of another port than the URL's")

func (g *guardedDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &dialError{CodeURLRejected}
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host += "." // fully qualified: search domains of the machine cannot answer
	}
	// The dialer tries several addresses, two at a time, and reports the first error,
	// which may be the guard's although a permitted address failed after it.
	var permitted, refused atomic.Int32
	d := net.Dialer{Timeout: g.timeout, Resolver: g.resolver,
		ControlContext: func(ctx context.Context, network, address string, c syscall.RawConn) error {
			if a, err := netip.ParseAddrPort(address); err != nil || strconv.Itoa(int(a.Port())) != port {
				refused.Add(1)
				return errPort
			}
			err := g.allow.Control(ctx, network, address, c)
			if errors.Is(err, allowlist.ErrRefused) {
				refused.Add(1)
			} else {
				permitted.Add(1)
			}
			return err
		}}
	conn, err := d.DialContext(ctx, network, net.JoinHostPort(host, port))
	if err == nil {
		return conn, nil
	}
	var dns *net.DNSError
	switch {
	case permitted.Load() == 0 && refused.Load() > 0:
		return nil, &dialError{CodeBlockedAddress}
	case errors.As(err, &dns):
		return nil, &dialError{CodeDNS}
	}
	return nil, &dialError{CodeConnect}
}

// lookup is the address check of Proxy.AddressesCheckedBy == ByLookup: every address
// of the name must pass.
func lookup(ctx context.Context, resolver *net.Resolver, allow allowlist.Policy, timeout time.Duration, host string) Code {
	if a, err := netip.ParseAddr(host); err == nil {
		if allow.CheckAddr(a) != nil {
			return CodeBlockedAddress
		}
		return CodeOK
	}
	if resolver == nil {
		resolver = &net.Resolver{PreferGo: true}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	addrs, err := resolver.LookupNetIP(ctx, "ip", host+".")
	if err != nil || len(addrs) == 0 {
		return CodeDNS
	}
	for _, a := range addrs {
		if allow.CheckAddr(a) != nil {
			return CodeBlockedAddress
		}
	}
	return CodeOK
}

// errorCode says why a request got no status. Nothing of err leaves this function:
// net/http puts addresses and bytes of the remote side into its errors.
func errorCode(err error) Code {
	var (
		dial    *dialError
		dns     *net.DNSError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		op      *net.OpError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &dial):
		return dial.code
	case errors.Is(err, allowlist.ErrRefused):
		return CodeBlockedAddress // a DialContext of the host that uses the guard
	case errors.As(err, &verify):
		return CodeTLSVerify
	case errors.As(err, &record), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return CodeTLS // those two are what crypto/tls calls alerts, whose type it does not export
	case errors.As(err, &dns):
		return CodeDNS
	case errors.As(err, &op) && op.Op == "dial":
		return CodeConnect
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return CodeTimeout
	}
	return CodeProtocol
}
