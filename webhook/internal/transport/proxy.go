package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// proxy opens connections through a proxy. net/http also can, but it does not distinguish
// failures of the proxy from those of the target.
type proxy struct {
	url     *url.URL
	address string
	dialer  net.Dialer
	tls     *tls.Config // of an https proxy
	timeout time.Duration
	asked   liveness
}

func newProxy(o *Options, n *names) *proxy {
	p := &proxy{url: o.Proxy, dialer: net.Dialer{Timeout: o.Dial, Resolver: n.Resolver}, timeout: o.Dial, asked: liveness{patience: min(askFor, o.Dial)}}
	port := o.Proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080"}[o.Proxy.Scheme]
	}
	p.address = net.JoinHostPort(o.Proxy.Hostname(), port)
	if o.Proxy.Scheme == "https" {
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, ServerName: o.Proxy.Hostname()}
	}
	return p
}

var errProxy = &Error{Egress, Proxy}

// dial opens a connection to a target.
func (p *proxy) dial(ctx context.Context, _, address string) (net.Conn, error) {
	x := exchangeOf(ctx)
	x.reach(lookingUp)
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, errProxy
	}
	x.reach(atProxy)
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	err = withContext(ctx, conn, func() error {
		if p.url.Scheme == "socks5" {
			return p.socks(conn, address)
		}
		return p.tunnel(conn, address)
	})
	if err != nil {
		_ = conn.Close()
		return nil, p.judge(err)
	}
	x.reach(shaking)
	return conn, nil
}

// judge separates failures of the proxy from those of the target. For a failed target some proxies
// do not answer, or close the connection.
func (p *proxy) judge(err error) *Error {
	own, ok := err.(*Error)
	switch {
	case ok:
		return own
	case !p.asked.alive(p.answers):
		return errProxy
	case timedOut(err):
		return &Error{Connect, TimedOut}
	}
	return &Error{Connect, Closed}
}

// connect opens a connection to the proxy.
func (p *proxy) connect(ctx context.Context) (net.Conn, error) {
	conn, err := p.dialer.DialContext(ctx, "tcp", p.address)
	if err != nil || p.tls == nil {
		return conn, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	secure := tls.Client(conn, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// withContext runs do, whose use of conn fails when ctx ends.
func withContext(ctx context.Context, conn net.Conn, do func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err := do()
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// tunnel asks an HTTP proxy for a tunnel: RFC 9110 section 9.3.6.
func (p *proxy) tunnel(conn net.Conn, address string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {""}}}
	if u := p.url.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxHeaderBytes))
	if _, err := r.Peek(1); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, req)
	switch {
	case timedOut(err):
		return err
	case err != nil, r.Buffered() > 0 && resp.StatusCode/100 == 2: // a TLS server does not send first
		return errProxy
	}
	return tunnelError(resp.StatusCode)
}

// tunnelError classifies the status of a proxy. Proxies answer 5xx for an unreachable target, and some
// answer 404 for an unknown name. As a failure of this side, a tenant's dead name would be retried
// for days and reported as an outage.
func tunnelError(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusProxyAuthRequired:
		return &Error{Egress, ProxyAuth}
	case status == http.StatusForbidden, status == http.StatusUnavailableForLegalReasons:
		return &Error{Protocol, ProxyRefused}
	case status == http.StatusGatewayTimeout:
		return &Error{Connect, TimedOut}
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported:
		return errProxy
	case status/100 == 5, status == http.StatusNotFound:
		return &Error{Connect, Unreachable}
	}
	return errProxy
}

// answers reports whether the proxy sends any answer.
func (p *proxy) answers(ctx context.Context) bool {
	conn, err := p.connect(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	hello := "OPTIONS * HTTP/1.1\r\nHost: " + p.address + "\r\nConnection: close\r\n\r\n"
	if p.url.Scheme == "socks5" {
		hello = "\x05\x01\x00"
	}
	return withContext(ctx, conn, func() error {
		if _, err := io.WriteString(conn, hello); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	}) == nil
}
