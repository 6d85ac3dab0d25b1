package sockets_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
	"github.com/postrider/postrider/webhook/internal/testhook"
)

// Rule: an attempt without an answer has a reason from a closed set of words, none of which names
// the endpoint, its address or its output.
func TestDetails(t *testing.T) {
	t.Parallel()
	issued := func(issue func(*hostile.Authority) tls.Certificate) func(*network) {
		return func(n *network) { n.serve(issue(n.ca)) }
	}
	resolve := func(l hostile.Lookup) func(*network) { return func(n *network) { n.dns.Set(hookHost, l) } }
	does := func(b hostile.Behavior) hostile.Options { return hostile.Options{Then: b} }
	none := func(*network) {}
	tests := []struct {
		name   string
		server hostile.Options
		set    func(*network)
		code   webhook.Code
		detail webhook.Detail
	}{
		{"expired", hostile.Options{}, issued(func(a *hostile.Authority) tls.Certificate { return a.Expired(hookHost) }), webhook.CodeTLSVerify, webhook.DetailExpired},
		{"not yet valid", hostile.Options{}, issued(func(a *hostile.Authority) tls.Certificate { return a.NotYetValid(hookHost) }), webhook.CodeTLSVerify, webhook.DetailNotYetValid},
		{"another host", hostile.Options{}, issued(func(a *hostile.Authority) tls.Certificate { return a.Issue("other.example.com") }), webhook.CodeTLSVerify, webhook.DetailHostname},
		{"self-signed", hostile.Options{}, issued(func(*hostile.Authority) tls.Certificate { return hostile.SelfSigned(t, hookHost) }), webhook.CodeTLSVerify, webhook.DetailAuthority},
		{"unknown authority", hostile.Options{}, issued(func(*hostile.Authority) tls.Certificate { return hostile.NewAuthority(t).Issue(hookHost) }), webhook.CodeTLSVerify, webhook.DetailAuthority},
		{"alert", does(hostile.AlertHandshake()), none, webhook.CodeTLS, webhook.DetailHandshake},
		{"plain HTTP", does(hostile.PlainHTTP()), none, webhook.CodeTLS, webhook.DetailNotTLS},
		{"TLS 1.1", hostile.Options{}, func(n *network) {
			n.listenTLS(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		}, webhook.CodeTLS, webhook.DetailTLSVersion},
		{"client certificate", hostile.Options{}, func(n *network) { n.listenTLS(&tls.Config{ClientAuth: tls.RequireAnyClientCert}) }, webhook.CodeTLS, webhook.DetailClientCertRequired},
		{"hangs in the handshake", does(hostile.HangHandshake()), func(n *network) { n.bounds.TLS = bound }, webhook.CodeTimeout, webhook.DetailTLSTimeout},
		{"no such host", hostile.Options{}, resolve(hostile.Lookup{NotFound: true}), webhook.CodeDNS, webhook.DetailNoSuchHost},
		{"name server fails", hostile.Options{}, resolve(hostile.Lookup{ServerFailure: true}), webhook.CodeDNS, webhook.DetailDNSServer},
		{"name server is silent", hostile.Options{}, func(n *network) {
			n.dns.Set(hookHost, hostile.Lookup{Silent: true})
			n.bounds.Dial = bound
		}, webhook.CodeDNS, webhook.DetailDNSTimeout},
		{"name server is silent, short timeout", hostile.Options{}, func(n *network) {
			n.dns.Set(hookHost, hostile.Lookup{Silent: true})
			n.opts.Timeout = bound
		}, webhook.CodeTimeout, webhook.DetailDNSTimeout},
		{"forbidden address", hostile.Options{}, resolve(hostile.Addrs(forbiddenIP)), webhook.CodeBlockedAddress, ""},
		{"nothing listens", hostile.Options{}, func(n *network) { n.server.Close() }, webhook.CodeConnect, webhook.DetailRefused},
		{"resets", does(hostile.ResetBeforeHeaders()), none, webhook.CodeProtocol, webhook.DetailReset},
		{"resets the handshake", does(hostile.ResetHandshake()), none, webhook.CodeProtocol, webhook.DetailReset},
		{"hangs up", does(hostile.CloseBeforeHeaders()), none, webhook.CodeProtocol, webhook.DetailClosed},
		{"answers with a banner", does(hostile.Malformed()[0]), none, webhook.CodeProtocol, webhook.DetailMalformed},
		{"headers too large", does(hostile.BigHeaders(80 << 10)), none, webhook.CodeProtocol, webhook.DetailMalformed},
		{"status line cut off", does(hostile.Raw("cut", "HTTP/1.1 20")), none, webhook.CodeProtocol, webhook.DetailMalformed},
		{"never answers", does(hostile.HangBeforeHeaders()), func(n *network) { n.bounds.Header = bound }, webhook.CodeTimeout, webhook.DetailNoAnswer},
		{"503", does(hostile.Status(503)), none, webhook.CodeStatus, ""},
		{"200", hostile.Options{}, none, webhook.CodeOK, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, tt.server)
			n.opts.Timeout = 30 * time.Second
			tt.set(n)
			h := newHost(t, n.profile, n.opts)
			testhook.SetBounds(h.Dispatcher, n.bounds)
			w := h.add("one", at("https://"+net.JoinHostPort(hookHost, fmt.Sprint(n.profile.Allow.Ports[0]))+"/hook"))
			a, err := h.hooks.Test(t.Context(), scope, w.ID)
			if err != nil {
				t.Fatal(err)
			}
			if a.Code != tt.code || a.Detail != tt.detail {
				t.Errorf("%q %q, want %q %q", a.Code, a.Detail, tt.code, tt.detail)
			}
		})
	}
}

// serve replaces the server by one with another certificate.
func (n *network) serve(cert tls.Certificate) {
	n.server = hostile.New(n.t, hostile.Options{IP: publicIP, Certificate: cert})
	n.profile.Allow.Ports = []uint16{uint16(n.server.Port())}
}

// listenTLS replaces the server by one that shakes hands and sends nothing else.
func (n *network) listenTLS(c *tls.Config) {
	c.Certificates = []tls.Certificate{n.ca.Issue(hookHost)}
	lis, err := net.Listen("tcp4", publicIP+":0")
	if err != nil {
		n.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c0, err := lis.Accept()
			if err != nil {
				return
			}
			_ = tls.Server(c0, c).Handshake()
			_, _ = io.Copy(io.Discard, c0) // closing with unread bytes would reset an alert away
			_ = c0.Close()
		}
	}()
	n.t.Cleanup(func() { _ = lis.Close(); <-done })
	n.profile.Allow.Ports = []uint16{uint16(lis.Addr().(*net.TCPAddr).Port)}
}
