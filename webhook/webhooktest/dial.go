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

// DialContext connects to the endpoint whatever port is asked for, as long as
// the host is one of the endpoint's; it refuses every other host. No name is
// resolved. It fits Options.DialContext of package webhook, together with
// RootCAs, and leaves everything else of a sender as it is in production.
func (e *Endpoint) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	if e.closing.Err() != nil {
		return nil, ErrClosed
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil || !e.owns(host) {
		return nil, fmt.Errorf("webhooktest: dial %s: this is not a host of the endpoint, list it in Options.Hosts", address)
	}
	return e.dialer.DialContext(ctx, "tcp4", e.addr)
}

// Transport returns a transport that reaches the endpoint under its host names
// over verified TLS, and nothing else. It follows no redirects. It is the same
// one at every call, and ends with the endpoint.
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

// owns reports whether host, in any case and with or without the dot of a fully
// qualified name, is one of the endpoint's.
func (e *Endpoint) owns(host string) bool {
	return slices.Contains(e.hosts, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// httpsOnly keeps a plain request off the TLS port: the server would answer it
// with a 400 that looks like a verdict on the webhook.
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
