// Package transport is the way of a request out of the process. It resolves names, judges
// addresses when they are dialled, keeps connections for a bounded time, repeats a request
// that met a dead connection, and tells in a closed set of words why there was no answer. It
// knows nothing of webhooks.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
	// Proxy is the http, https or socks5 URL of a proxy. Addresses of targets are then the
	// proxy's to judge.
	Proxy *url.URL
	// DialContext replaces the guarded dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// HTTP2 offers HTTP/2 to servers. One connection then carries the requests of all who
	// send to the same host.
	HTTP2 bool
	// ClientCertificate returns the certificate that is shown to a server that asks for one; a nil
	// one shows none. Nil means that there is none.
	ClientCertificate func(context.Context) (*tls.Certificate, error)
	// MaxIdle bounds the connections that are kept, MaxIdlePerHost those of one host.
	MaxIdle, MaxIdlePerHost int
	// MaxAge is how long a connection is used; 0 or less means no limit.
	MaxAge time.Duration
	// Dial, TLS and Header bound the phases of a request: the connection with the look-up of
	// the name, the handshake, the wait for the complete header of the answer.
	Dial, TLS, Header time.Duration
}

const (
	idleTimeout    = 90 * time.Second
	pingAfter      = 15 * time.Second // dead HTTP/2 connections are noticed by pings only
	pingTimeout    = 5 * time.Second
	maxHeaderBytes = 64 << 10
)

// Transport sends requests. It is safe for concurrent use.
type Transport struct {
	o       Options
	kept    pool
	fresh   *generation // never uses a connection twice
	names   *names
	connect dialFunc
}

// New makes a Transport. It starts nothing.
func New(o Options) *Transport {
	n := newNames(o.Resolver, o.Dial)
	return build(o, n, o.dialer(n))
}

func build(o Options, n *names, dial dialFunc) *Transport {
	t := &Transport{o: o, names: n, connect: dial}
	t.fresh = &generation{Transport: o.transport(dial)}
	t.fresh.DisableKeepAlives = true
	t.kept.age = max(o.MaxAge, 0)
	t.kept.make = func() *http.Transport { return o.transport(dial) }
	return t
}

// dialer returns what opens connections.
func (o *Options) dialer(n *names) dialFunc {
	switch {
	case o.DialContext != nil:
		return foreign(o.DialContext)
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
		DisableCompression:     true, // else 200 KiB of gzip may become 200 MiB
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

// tls has no ClientSessionCache: a resumed session would carry the identity of the one that began it,
// and http.Transport.Clone shares the cache.
func (o *Options) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, GetClientCertificate: certificate(o.ClientCertificate)}
}

// Send makes the request of an exchange, which Exchange.Request has begun; its errors are of type
// *[Error]. The request is made a second time, with the same bytes and on a connection of its own,
// when the first one met a connection that had been used before and failed without a byte of an
// answer, or was answered with 421.
func (t *Transport) Send(x *Exchange, req *http.Request) (*http.Response, error) {
	resp, repeat, err := x.send(req, t.kept.take())
	if !repeat || x.Err() != nil {
		return resp, err
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	again := Begin(x.Context, x.message)
	resp, _, err = again.send(again.load(req.WithContext(again.traced())), t.fresh)
	return resp, err
}

// send makes one request and tells whether another one may get more. There is no GetBody, by which
// net/http would repeat requests of its own accord.
func (x *Exchange) send(req *http.Request, by *generation) (resp *http.Response, repeat bool, err error) {
	x.by = by
	if resp, err = by.RoundTrip(req); err != nil {
		by.give()
		return nil, x.diedUnanswered(err), x.Failure(err)
	}
	if resp.Body == http.NoBody {
		by.give()
	} else {
		x.ReadCloser, resp.Body = resp.Body, x
	}
	return resp, resp.StatusCode == http.StatusMisdirectedRequest, nil
}

// Lookup resolves a host and refuses it unless every address passes. It is for targets behind a
// proxy that judges nothing itself.
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
		return t.names.failure(err)
	}
	for _, a := range addrs {
		if t.o.Allow.CheckAddr(a) != nil {
			return &Error{Kind: BlockedAddress}
		}
	}
	return nil
}

// CloseIdleConnections closes what nobody uses now, and what is in use after its answer.
func (t *Transport) CloseIdleConnections() { t.kept.retire(nil) }
