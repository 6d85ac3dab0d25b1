// Package transport sends requests. It resolves names, judges addresses when they are dialled,
// keeps connections for a bounded time, repeats a request after a dead connection, and reports the
// reason for a missing answer in a closed set of words. It does not know webhooks.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/postrider/postrider/allowlist"
)

// Options configures a [Transport].
type Options struct {
	// Allow judges every address that is dialled.
	Allow allowlist.Policy
	// RootCAs verify certificates, the proxy's too; nil means the system's.
	RootCAs *x509.CertPool
	// Resolver resolves names; nil means Go's own with the system's servers.
	Resolver *net.Resolver
	// Proxy is the http, https or socks5 URL of a proxy. The proxy then judges the addresses
	// of targets.
	Proxy *url.URL
	// DialContext replaces the guarded dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// HTTP2 offers HTTP/2 to servers. One connection then carries all requests to the same
	// host.
	HTTP2 bool
	// ClientCertificate returns the certificate for servers that ask for one; a nil
	// certificate, or a nil func, means none.
	ClientCertificate func(context.Context) (*tls.Certificate, error)
	// MaxIdle bounds the idle connections, MaxIdlePerHost those of one host.
	MaxIdle, MaxIdlePerHost int
	// MaxAge bounds the use of a connection; 0 or less means no limit.
	MaxAge time.Duration
	// Dial, TLS and Header bound the phases of a request: the connection with the look-up of
	// the name, the handshake, the wait for the complete header of the answer; a Header of 0 leaves
	// that to Exchange.Limit.
	Dial, TLS, Header time.Duration
}

const (
	idleTimeout    = 90 * time.Second
	pingAfter      = 15 * time.Second // only pings detect dead HTTP/2 connections
	pingTimeout    = 5 * time.Second
	maxHeaderBytes = 64 << 10
)

// Transport sends requests. It is safe for concurrent use.
type Transport struct {
	o       Options
	kept    pool
	fresh   *generation // uses each connection once
	names   *names
	connect dialFunc
}

// New makes a Transport. It starts no goroutine.
func New(o Options) *Transport {
	n := newNames(o.Resolver, o.Dial)
	g := gate{doors: make(map[string]*door)}
	return build(o, n, g.around(o.dialer(n)))
}

func build(o Options, n *names, dial dialFunc) *Transport {
	t := &Transport{o: o, names: n, connect: dial}
	t.fresh = &generation{Transport: o.transport(dial)}
	t.fresh.DisableKeepAlives = true
	t.kept.age = max(o.MaxAge, 0)
	t.kept.make = func() *http.Transport { return o.transport(dial) }
	return t
}

// dialer returns the function that opens connections.
func (o *Options) dialer(n *names) dialFunc {
	switch {
	case o.DialContext != nil:
		return hostDialer(o.DialContext)
	case o.Proxy != nil:
		return newProxy(o, n).dial
	}
	return (&guard{allow: o.Allow, names: n, timeout: o.Dial, routed: routed}).dial
}

func (o *Options) transport(dial dialFunc) *http.Transport {
	t := &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        o.tls(),
		TLSHandshakeTimeout:    o.TLS,
		ResponseHeaderTimeout:  o.Header,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // 200 KiB of gzip may become 200 MiB
		MaxIdleConns:           o.MaxIdle,
		MaxIdleConnsPerHost:    o.MaxIdlePerHost, // the default of 2 opens a connection per request above two in flight
		IdleConnTimeout:        idleTimeout,
		Protocols:              new(http.Protocols),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	if o.MaxAge > 0 {
		t.IdleConnTimeout = min(idleTimeout, o.MaxAge)
	}
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(o.HTTP2)
	return t
}

// tls sets no ClientSessionCache: a resumed session has the identity that began it, and
// http.Transport.Clone shares the cache.
func (o *Options) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, GetClientCertificate: certificate(o.ClientCertificate)}
}

// Send makes the request of an exchange, which Exchange.Request has begun; its errors are of type
// *[Error]. Send makes the request a second time, with the same bytes and on a new connection, when
// the first one failed on a reused connection without a byte of an answer, or was answered with 421.
func (t *Transport) Send(x *Exchange, req *http.Request) (*http.Response, error) {
	resp, repeat, err := x.send(req, t.kept.acquire())
	if !repeat || x.Err() != nil {
		return resp, err
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	again := x.again()
	resp, _, err = again.send(again.setBody(req.WithContext(again.traced())), t.fresh)
	return resp, err
}

// send makes one request and reports whether a repeat may succeed. It sets no GetBody, with which
// net/http would repeat requests by itself.
func (x *Exchange) send(req *http.Request, by *generation) (resp *http.Response, repeat bool, err error) {
	x.by, x.secure = by, req.URL.Scheme == "https"
	if resp, err = by.RoundTrip(req); err != nil {
		by.release()
		return nil, x.diedUnanswered(err), x.Failure(err)
	}
	if resp.Body == http.NoBody {
		by.release()
	} else {
		x.ReadCloser, resp.Body = resp.Body, x
	}
	return resp, resp.StatusCode == http.StatusMisdirectedRequest, nil
}

// Lookup resolves a host and refuses it unless every address is permitted. It is for targets behind
// a proxy that does not judge addresses.
func (t *Transport) Lookup(ctx context.Context, host string) error {
	if a, err := netip.ParseAddr(host); err == nil {
		if t.o.Allow.CheckAddr(a) != nil {
			return &Error{Kind: BlockedAddress}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.o.Dial)
	defer cancel()
	addrs, err := t.names.LookupNetIP(ctx, "ip", host+".")
	if err != nil {
		if isLate(ctx) {
			err = fmt.Errorf("%w: %w", err, context.DeadlineExceeded)
		}
		return t.names.failure(err)
	}
	for _, a := range addrs {
		if t.o.Allow.CheckAddr(a) != nil {
			return &Error{Kind: BlockedAddress}
		}
	}
	return nil
}

// CloseIdleConnections closes idle connections at once, and the others after their answers.
func (t *Transport) CloseIdleConnections() { t.kept.retire(nil) }
