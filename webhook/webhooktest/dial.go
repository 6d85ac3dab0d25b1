package webhooktest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DialContext connects to the endpoint for any port of the endpoint's hosts, and
// refuses every other host. It resolves no name. Use it as Options.DialContext of
// package webhook, together with RootCAs: all other parts of a sender then work as in
// production.
func (e *Endpoint) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	if e.closing.Err() != nil {
		return nil, ErrClosed
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil || !e.hasHost(host) {
		return nil, fmt.Errorf("webhooktest: dial %s: this is not a host of the endpoint, list it in Options.Hosts", address)
	}
	return e.dialer.DialContext(ctx, "tcp4", e.addr)
}

// Transport returns a transport that reaches only the endpoint, under its host
// names over verified TLS. It follows no redirects. Every call returns the same
// transport, which ends with the endpoint.
func (e *Endpoint) Transport() http.RoundTripper { return httpsOnly{e.client} }

func (e *Endpoint) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         e.DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: e.pool},
		TLSHandshakeTimeout: 10 * time.Second,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		ForceAttemptHTTP2:   !e.opts.HTTP1,
	}
}

// hasHost reports whether host, in any case and with or without the dot of a fully
// qualified name, is one of the endpoint's.
func (e *Endpoint) hasHost(host string) bool {
	return slices.Contains(e.hosts, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// httpsOnly refuses plain requests: the TLS server would answer them with a 400
// that looks like a check of the webhook.
type httpsOnly struct{ *http.Transport }

func (t httpsOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL == nil || r.URL.Scheme != "https" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errors.New("webhooktest: only https is served")
	}
	return t.Transport.RoundTrip(r)
}
