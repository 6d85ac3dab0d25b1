package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// everything is all output of telemetry and the log, in every notation.
func (h *host) everything() string {
	h.t.Helper()
	var b bytes.Buffer
	for _, s := range h.spans.Ended() {
		for _, a := range s.Attributes() {
			fmt.Fprintf(&b, "%s=%s\n", a.Key, a.Value.String())
		}
	}
	stubs := tracetest.SpanStubsFromReadOnlySpans(h.spans.Ended())
	fmt.Fprintf(&b, "%+v\n", stubs)
	check(h.t, json.NewEncoder(&b).Encode(stubs))
	families, err := h.registry.Gather()
	check(h.t, err)
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&b, f)
		check(h.t, err)
	}
	b.WriteString(h.log.String())
	return b.String()
}

func (h *host) mustNotShow(words ...string) {
	h.t.Helper()
	text := h.everything()
	if !strings.Contains(text, "postrider_attempt_duration_seconds_count") || len(h.attempts()) == 0 {
		h.t.Fatalf("nothing was recorded:\n%s", text)
	}
	for _, w := range words {
		if at := strings.Index(text, w); at >= 0 {
			h.t.Errorf("%q got out: ...%s...", w, text[max(0, at-200):min(len(text), at+100)])
		}
	}
}

// Rule: no secret, header value, URL path, body or address is in a span, a metric or the log, for
// any behaviour of endpoint and transport.
func TestNothingSecretIsRecorded(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]transportFunc{
		"an echo": func(r *http.Request) (*http.Response, error) {
			var b strings.Builder
			_ = r.Header.Write(&b)
			fmt.Fprintf(&b, "%s from 203.0.113.77", r.URL)
			return &http.Response{StatusCode: 404, Header: r.Header.Clone(), Body: io.NopCloser(strings.NewReader(b.String()))}, nil
		},
		"an error with all of it": func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("Post %q: dial tcp 203.0.113.77:443 [2001:db8::77]: %v", r.URL, r.Header)
		},
		"a panic with all of it": func(r *http.Request) (*http.Response, error) {
			panic(errors.New(r.URL.String() + fmt.Sprint(r.Header)))
		},
		"a redirect": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://203.0.113.77/pathCanary"}}, Body: http.NoBody}, nil
		},
		"net/http's own hooks": func(r *http.Request) (*http.Response, error) {
			told := httptrace.ContextClientTrace(r.Context())
			told.GetConn("203.0.113.77:443")
			for name, values := range r.Header {
				told.WroteHeaderField(name, values)
			}
			told.WroteHeaderField(":path", []string{r.URL.RequestURI()})
			return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := start(t, settings{options: func(o *webhook.Options) { o.Transport = to }})
				h.dispatch(success)
				settle(time.Hour)
				h.mustNotShow(canaries...)
			})
		})
	}
}

// Rule: over a real connection a span has scheme, host and port, and nothing else of the URL.
func TestRedactedURL(t *testing.T) {
	t.Parallel()
	rule := webhooktest.New(t, &webhooktest.Options{SecretInPath: true})
	rule.Answer(webhooktest.Response{Status: 503, Body: "sorry, " + rule.Secret().Reveal()})
	u, err := url.Parse(rule.URL())
	check(t, err)
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	done := make(chan struct{})
	h := start(t, settings{
		profile: func(p *webhook.Profile) {
			p.Retry = retry.Policy{Slots: []retry.Slot{{Min: time.Millisecond, Max: 2 * time.Millisecond}}}
		},
		options: func(o *webhook.Options) {
			o.DialContext, o.RootCAs = rule.DialContext, rule.RootCAs()
			count := o.Observer.Settled
			o.Observer.Settled = func(ctx context.Context, d webhook.Delivery) {
				count(ctx, d)
				close(done)
			}
		},
		webhook: &webhook.Webhook{Scope: "acme", Name: "Ops", Active: true, Events: []string{"*"}, URL: strings.TrimSuffix(rule.URL(), "/"+rule.Secret().Reveal()),
			Secrets: []webhook.Secret{rule.Secret()}, Attributes: map[string]string{webhook.AttrSecretIn: webhook.SecretInPath}},
	})
	h.dispatch(success)
	<-done
	h.stop()
	if n := len(rule.Requests()); n != 2 || len(h.attempts()) != n {
		t.Fatalf("%d requests and %d attempts, want 2", n, len(h.attempts()))
	}
	for _, s := range h.attempts() {
		got := target{attribute(s, "url.full"), attribute(s, "url.scheme"), attribute(s, "server.address"), attribute(s, "server.port")}
		if want := (target{"https://" + webhooktest.AutomationHost, "https", webhooktest.AutomationHost, "443"}); got != want {
			t.Errorf("the target is %q, want %q", got, want)
		}
	}
	h.mustNotShow(append(canaries, rule.Secret().Reveal(), segments[len(segments)-2], segments[len(segments)-3], "127.0.0.1")...)
}

// target is the target of a request in its span.
type target struct{ url, scheme, host, port string }

// Rule: the target is the one of net/http; an address is not shown.
func TestTarget(t *testing.T) {
	t.Parallel()
	plain, other := net.Pipe()
	t.Cleanup(func() { _, _ = plain.Close(), other.Close() })
	for name, c := range map[string]struct {
		told func(*httptrace.ClientTrace)
		want target
	}{
		"nothing was asked for": {func(*httptrace.ClientTrace) {}, target{}},
		"a name":                {func(h *httptrace.ClientTrace) { h.GetConn("hooks.example.com:443") }, target{"https://hooks.example.com", "https", "hooks.example.com", "443"}},
		"another port":          {func(h *httptrace.ClientTrace) { h.GetConn("hooks.example.com:8443") }, target{"https://hooks.example.com:8443", "https", "hooks.example.com", "8443"}},
		"no TLS, not connected": {func(h *httptrace.ClientTrace) { h.GetConn("hooks.example.com:80") }, target{"http://hooks.example.com", "http", "hooks.example.com", "80"}},
		"no TLS, another port": {func(h *httptrace.ClientTrace) {
			h.GetConn("hooks.example.com:8080")
			h.GotConn(httptrace.GotConnInfo{Conn: plain})
		}, target{"http://hooks.example.com:8080", "http", "hooks.example.com", "8080"}},
		"through a proxy, HTTP/1": {func(h *httptrace.ClientTrace) {
			h.GetConn("proxy.internal:3128")
			h.WroteHeaderField("Host", []string{"hooks.example.com"})
		}, target{"https://hooks.example.com", "https", "hooks.example.com", "443"}},
		"through a proxy, HTTP/2": {func(h *httptrace.ClientTrace) {
			h.GetConn("proxy.internal:3128")
			h.WroteHeaderField(":authority", []string{"hooks.example.com:8443"})
		}, target{"https://hooks.example.com:8443", "https", "hooks.example.com", "8443"}},
		"an IPv4 address":        {func(h *httptrace.ClientTrace) { h.GetConn("203.0.113.77:443") }, target{"https://REDACTED", "https", "REDACTED", "443"}},
		"an IPv6 address":        {func(h *httptrace.ClientTrace) { h.GetConn("[2001:db8::77]:443") }, target{"https://REDACTED", "https", "REDACTED", "443"}},
		"a name with an address": {func(h *httptrace.ClientTrace) { h.GetConn("203.0.113.77.example.com:443") }, target{"https://REDACTED", "https", "REDACTED", "443"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := start(t, settings{options: func(o *webhook.Options) {
					o.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
						c.told(httptrace.ContextClientTrace(r.Context()))
						return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
					})
				}})
				h.dispatch(success)
				settle(time.Minute)
				s := h.attempts()[0]
				got := target{attribute(s, "url.full"), attribute(s, "url.scheme"), attribute(s, "server.address"), attribute(s, "server.port")}
				if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(target{})); diff != "" {
					t.Errorf("target (-want +got)\n%s", diff)
				}
			})
		})
	}
}
