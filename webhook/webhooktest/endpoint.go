// Package webhooktest provides a receiver for the tests of an application that
// sends webhooks. It is for tests and demonstrations only: its secrets may be
// printed, and it keeps every request in memory.
//
// An [Endpoint] speaks TLS on 127.0.0.1, has a certificate for the real
// host name of Atlassian Automation, and makes the checks of the real endpoint.
// So the sender's URL rules are the same as in production; only the dial is
// redirected:
//
//	endpoint := webhooktest.New(t, nil)
//	hooks, err := webhook.New(store, webhook.Automation(), &webhook.Options{
//		DialContext: endpoint.DialContext,
//		RootCAs:     endpoint.RootCAs(),
//	})
//	// ... add a webhook with endpoint.URL() and endpoint.Secret(), dispatch, then:
//	requests, err := endpoint.Wait(ctx, 1)
//
// [Endpoint.Answer] and Options.Script simulate failures that a sender must
// handle. Options.Generic turns the checks off, for receivers of any other
// kind.
package webhooktest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// AutomationHost is the host name of Atlassian Automation's incoming webhooks.
const AutomationHost = "api-private.atlassian.com"

// GenericHost is the default host name of a generic endpoint.
const GenericHost = "hooks.example.com"

// ErrClosed is the error of Wait and DialContext after the endpoint is closed.
var ErrClosed = errors.New("webhooktest: endpoint is closed")

// Options configures an [Endpoint]. Nil, or a zero field, means the default.
type Options struct {
	// Hosts are further names or IP addresses of the endpoint, for which its
	// certificate is valid too.
	Hosts []string
	// Secret is the token that the endpoint expects; default 40 random
	// hexadecimal digits, the form of real tokens.
	Secret sign.Secret
	// SecretInPath makes URL contain the secret as its last path segment. The
	// endpoint always accepts requests in both forms.
	SecretInPath bool
	// NeedsWorkItems simulates a rule that takes work items from the webhook: a
	// body without the key "issues" is answered with 400.
	NeedsWorkItems bool
	// Generic switches all checks off: any method, path and body is accepted, and
	// SecretInPath and NeedsWorkItems have no effect. The host of URL is then the
	// first of Hosts, or GenericHost.
	Generic bool
	// HTTP1 switches HTTP/2 off.
	HTTP1 bool
	// Script answers requests that passed the checks while no answers are queued
	// (see Endpoint.Answer). n counts the requests from 1. Calls of Script are not
	// concurrent. Default: 200.
	Script func(n int, r Request) Response
}

// Endpoint is a running receiver. Its methods are safe for concurrent use.
type Endpoint struct {
	opts   Options
	hosts  []string // lower case
	url    string
	pool   *x509.CertPool
	addr   string
	dialer net.Dialer
	client *http.Transport
	server *http.Server
	lis    net.Listener
	served chan struct{} // closed when Serve has returned

	closing context.Context // ends when Close begins
	stop    context.CancelFunc
	once    sync.Once

	turn sync.Mutex // held while a request is numbered and its answer chosen

	mu       sync.Mutex
	queue    []Response
	requests []Request
	changed  chan struct{} // closed and replaced after each new request
	conns    sync.WaitGroup
	handlers sync.WaitGroup // HTTP/2 handlers may outlive their connection
}

// New starts an endpoint and closes it when the test ends. It fails the test
// when the start fails.
func New(tb testing.TB, o *Options) *Endpoint {
	tb.Helper()
	e, err := Start(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(e.Close)
	return e
}

// Start starts an endpoint on a free port of 127.0.0.1. The caller closes it.
func Start(o *Options) (*Endpoint, error) {
	e := &Endpoint{changed: make(chan struct{}), served: make(chan struct{})}
	if o != nil {
		e.opts = *o
	}
	if e.opts.Secret.IsZero() {
		var random [20]byte
		if _, err := io.ReadFull(rand.Reader, random[:]); err != nil {
			return nil, fmt.Errorf("webhooktest: random secret: %w", err)
		}
		e.opts.Secret = sign.NewSecret(hex.EncodeToString(random[:]))
	}
	if e.opts.SecretInPath && !sign.PathSafe(e.opts.Secret) {
		return nil, errors.New("webhooktest: Options.SecretInPath needs a Secret of letters, digits and -._~")
	}
	for _, h := range e.opts.Hosts {
		if h == "" || strings.ContainsAny(h, "/:@ ") && net.ParseIP(h) == nil {
			return nil, fmt.Errorf("webhooktest: Options.Hosts: %q is neither a host name nor an IP address", h)
		}
		e.hosts = append(e.hosts, strings.ToLower(h))
	}
	e.hosts = append(e.hosts, AutomationHost)
	if e.opts.Generic {
		e.hosts = append(e.hosts, GenericHost)
	}
	e.url = e.makeURL()
	cert, pool, err := newCertificate(e.hosts)
	if err != nil {
		return nil, fmt.Errorf("webhooktest: certificate: %w", err)
	}
	e.pool = pool
	e.lis, err = net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("webhooktest: listen: %w", err)
	}
	e.addr = e.lis.Addr().String()
	e.closing, e.stop = context.WithCancel(context.Background())
	e.client = e.newTransport()
	e.serve(cert)
	return e, nil
}

func (e *Endpoint) makeURL() string {
	switch {
	case e.opts.Generic && len(e.opts.Hosts) == 0:
		return "https://" + GenericHost + "/hook"
	case e.opts.Generic && strings.Contains(e.opts.Hosts[0], ":"):
		return "https://[" + e.opts.Hosts[0] + "]/hook"
	case e.opts.Generic:
		return "https://" + e.opts.Hosts[0] + "/hook"
	case e.opts.SecretInPath:
		return "https://" + AutomationHost + automationPath + "/" + e.opts.Secret.Reveal()
	}
	return "https://" + AutomationHost + automationPath
}

func (e *Endpoint) serve(cert tls.Certificate) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!e.opts.HTTP1)
	e.server = &http.Server{
		Handler:           http.HandlerFunc(e.handle),
		Protocols:         protocols,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}},
		ErrorLog:          log.New(io.Discard, "", 0), // the client reports failed handshakes
		ReadHeaderTimeout: 30 * time.Second,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				e.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				e.conns.Done()
			}
		},
	}
	go func() {
		defer close(e.served)
		_ = e.server.ServeTLS(e.lis, "", "") // ends with the listener
	}()
}

// Close ends all connections and answers, also hanging ones, and returns when no
// goroutine of the endpoint is left. It must not be called from Options.Script. It
// may be called repeatedly.
func (e *Endpoint) Close() {
	e.once.Do(func() {
		e.mu.Lock()
		e.stop() // no new handler begins
		e.mu.Unlock()
		// The listener is closed first, because a connection accepted after the
		// server's Close would stay open.
		_ = e.lis.Close()
		<-e.served
		_ = e.server.Close()
		e.client.CloseIdleConnections()
		e.conns.Wait()
		e.handlers.Wait()
	})
}

// URL returns an address that the URL rules of Atlassian Automation accept and
// the endpoint answers. The endpoint also answers URLs of the same form with another
// product or other identifiers, so several webhooks can share it.
func (e *Endpoint) URL() string { return e.url }

// Secret returns the token for URL.
func (e *Endpoint) Secret() sign.Secret { return e.opts.Secret }

// Addr returns the address of the listener: a local IP address and a port.
func (e *Endpoint) Addr() string { return e.addr }

// RootCAs returns the authority that signed the endpoint's certificate. It is made
// for this endpoint only.
func (e *Endpoint) RootCAs() *x509.CertPool { return e.pool.Clone() }
