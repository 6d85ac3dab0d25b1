package telemetry

import (
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// redacted stands for a host that is an address, the word that OpenTelemetry uses in URLs.
const redacted = "REDACTED"

// target learns the target of a request from net/http, because a Delivery does not have it, and
// reading the webhook would be a query for each attempt. It stores the host and nothing behind it:
// it never sees the path, and of the headers it reads only the host.
//
// A request that was refused before it was made has no target, nor has one of a
// webhook.Options.Transport other than net/http's. With webhook.Options.Proxy the target is the
// proxy until the request is being written.
type target struct {
	mu    sync.Mutex // net/http writes requests in its own goroutines
	host  string     // host or host:port
	plain bool       // no TLS
}

func (t *target) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(hostPort string) {
			t.set(hostPort, strings.HasSuffix(hostPort, ":80")) // a guess, until there is a connection
		},
		GotConn: func(c httptrace.GotConnInfo) {
			_, secure := c.Conn.(*tls.Conn)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.plain = !secure
		},
		WroteHeaderField: func(key string, value []string) {
			if (strings.EqualFold(key, "Host") || key == ":authority") && len(value) == 1 {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.host = value[0]
			}
		},
	}
}

func (t *target) set(host string, plain bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.host, t.plain = host, plain
}

// attributes are scheme, host and port, or nothing when no request was made.
func (t *target) attributes() []attribute.KeyValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.host == "" {
		return nil
	}
	scheme, usual := "https", "443"
	if t.plain {
		scheme, usual = "http", "80"
	}
	host, port, err := net.SplitHostPort(t.host)
	if err != nil {
		host, port = t.host, usual
	}
	attrs := make([]attribute.KeyValue, 0, 4)
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, semconv.ServerPort(n))
	}
	if isAddress(host) {
		host = redacted
	}
	url := scheme + "://" + host
	if port != usual {
		url += ":" + port
	}
	return append(attrs, semconv.ServerAddress(host), semconv.URLScheme(scheme), semconv.URLFull(url))
}

var dottedQuad = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+`)

// isAddress reports whether a host is, or has in it, an IPv4 or IPv6 address.
func isAddress(host string) bool { return strings.Contains(host, ":") || dottedQuad.MatchString(host) }
