package webhook

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/postrider/postrider/limiter"
)

// Options configures a [Dispatcher]. Nil, or a zero field, means the default.
// New refuses combinations that cannot work and names the fields. Limits of requests are those of
// this Dispatcher: two hosts on one Store send twice as much.
type Options struct {
	// Capacity is the number of requests that are active at once: in flight for less than
	// SlowAfter; default 64.
	Capacity int
	// MaxInFlight bounds the requests in flight, the slow ones included; at least 4
	// times Capacity. Default: 16 times Capacity but at most 1,024, or 4 times Capacity where that
	// is more.
	MaxInFlight int
	// SlowAfter is how long a request counts as active; default 50 ms. One that takes longer
	// goes on, and no longer holds one of Capacity slots that others need.
	SlowAfter time.Duration
	// PerLane is the number of requests in flight for one webhook; default 4, or Capacity
	// where that is less.
	PerLane int
	// Rate limits the requests per second of one webhook, Burst how many may start at
	// once after a pause; default no limit. Burst 0 with a Rate means one second's
	// worth, at least 1.
	Rate  float64
	Burst int
	// Timeout bounds one attempt from the dial to the end of the answer; default 30 s.
	Timeout time.Duration
	// Lease is how long a claimed delivery stays with this process before others may
	// take it; default 60 s. It must exceed Timeout by more than 10 s.
	Lease time.Duration
	// Poll is how often an idle Run looks for work that was not announced; default 1 s, with a
	// Notifier the shorter of Lease and 60 s.
	Poll time.Duration
	// Drain is how long requests in flight may go on after Run's context ended; default 10 s.
	Drain time.Duration
	// DispatchTimeout bounds Dispatch, whatever the Store does; default 5 s.
	DispatchTimeout time.Duration
	// History is how long ended deliveries are kept, where the Store prunes; default 30
	// days, at least 72 h and no less than the retry policy's horizon. Negative keeps all.
	History time.Duration
	// Breaker holds a webhook back after failures in a row.
	Breaker Breaker

	// RootCAs verify certificates; nil means the system's.
	RootCAs *x509.CertPool
	// ClientCertificate returns the sender's own certificate, for webhooks without one in TLS. It
	// is called at each handshake in which a server asks for a certificate, from several
	// goroutines. A nil certificate shows none, and an error ends the attempt with [CodeConfig].
	// Token endpoints never see it.
	ClientCertificate func(context.Context) (*tls.Certificate, error)
	// AllowClearKeys lets a Store that is no [Sealer] keep the private keys of client certificates.
	AllowClearKeys bool
	// Resolver resolves names; nil means Go's own resolver with the system's servers.
	Resolver *net.Resolver
	// Proxy sends requests through a proxy. Proxies named in the environment are
	// ignored, because the address guard would see the proxy instead of the target.
	Proxy *Proxy
	// MaxConnAge is how long a connection is used, so that requests follow a name to another
	// address however steady the traffic is; default 5 min, negative means no limit. After that the
	// connection is closed when its requests have been answered.
	MaxConnAge time.Duration
	// DialContext replaces the dialer. The caller then provides the address guard: give its
	// net.Dialer the ControlContext of Profile.Allow.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Transport replaces the transport, for tests. The caller then provides the address guard, the
	// timeouts below Timeout, the header cap and the settings above.
	Transport http.RoundTripper

	// Logger receives messages for operators; nil logs nothing.
	Logger *slog.Logger
	// Observer is called at every step; nil means none.
	Observer *Observer
	// Carry takes metadata, such as a trace context, from the context of Dispatch. It is stored
	// with each delivery and handed back in Delivery.Carry; at most 20 keys, 4 KiB in all.
	Carry func(context.Context) map[string]string
	// Around is middleware around every attempt of a delivery, such as a span. send makes the
	// request, once: a later call returns the same Attempt, and if Around does not call it the
	// request is made when Around returns. The Attempt that Around returns is not used.
	Around func(ctx context.Context, d Delivery, send func(context.Context) Attempt) Attempt
}

// Breaker says when a failing webhook is held back. After Failures failed attempts in a row nothing
// is sent for Open; then one probe goes out. If it fails, the wait doubles up to MaxOpen. If it
// succeeds, the webhook's window opens again, twice as far with each success, up to PerLane, so
// that a backlog does not overload an endpoint that has just recovered.
type Breaker struct {
	// Failures is how many in a row open the breaker; default 10, negative never.
	Failures int
	// Open is the first wait; default 30 s. MaxOpen is the longest; default 10 min.
	Open, MaxOpen time.Duration
}

// Proxy is an explicit way out through an HTTP or SOCKS5 proxy. Behind one, the dial guard sees the
// proxy's address only, so the target's must be checked otherwise. A proxy that is down or refuses
// our credentials ends attempts with [CodeEgress], which counts against no webhook; a fault of a
// target that it reports counts like the target's own.
type Proxy struct {
	// URL of the proxy: http, https or socks5.
	URL *url.URL
	// AddressesCheckedBy says how the target's address is checked. It has no default.
	AddressesCheckedBy ProxyCheck
}

// ProxyCheck says how target addresses are checked behind a proxy.
type ProxyCheck uint8

// The two ways to check target addresses.
const (
	// ByProxy: the proxy refuses forbidden addresses itself, as egress proxies do.
	ByProxy ProxyCheck = 1
	// ByLookup: Postrider resolves the name before each request and refuses it unless all of its
	// addresses pass. It is weaker than the dial guard, because a name can change its answer in
	// between.
	ByLookup ProxyCheck = 2
)

// Observer has a function for every step of a delivery. Any field may be nil. The functions are
// called from several goroutines and must return quickly; a panic, or the end of the goroutine, is
// contained and logged. Nothing that they receive, apart from Webhook.Secrets, Webhook.URL,
// Webhook.Headers, Webhook.Auth and the keys of Webhook.TLS, is secret.
type Observer struct {
	// Enqueued: Dispatch stored the delivery. After DispatchTx it is called before the
	// host commits.
	Enqueued func(context.Context, Delivery)
	// Attempted: an attempt ended. The outcome is not stored yet.
	Attempted func(context.Context, Delivery, Attempt)
	// Settled: the delivery ended, as delivered or failed, for any cause, and this is stored.
	// Delivery.Body is set only if an attempt of this process failed for good.
	Settled func(context.Context, Delivery)
	// Lost: the outcome was not stored, because another process took the delivery over or its scope was
	// deleted meanwhile.
	Lost func(context.Context, Delivery)
	// Disabled: Postrider switched the webhook off; Webhook.DisabledReason says why.
	Disabled func(context.Context, Webhook)
	// Attention: the webhook needs attention: 401, 403, 404, 410, a certificate that does not
	// verify, no token, failures for half of Profile.DisableAfter, secrets that cannot be opened, or
	// a Profile that cannot use it (see Routed.Err). It is called once for each code and status
	// until an attempt succeeds, once for each delivery that is held back under [OrderHold], and
	// with [CodeCertificate] once 30, 14 and 3 days before the end of a client certificate and once
	// after it, when a request is made. The Attempt is nil if there was none. A webhook that cannot
	// be opened has only its Scope and ID set.
	Attention func(context.Context, Webhook, Code, *Attempt)
}

const (
	defaultCapacity = 64
	defaultPerLane  = 4
	slowPerSlot     = 16
	mostInFlight    = 1024 // by default, unless Capacity calls for more
	leastSlow       = 4    // requests in flight for each slot, slow ones included
	leaseMargin     = 10 * time.Second
	minHistory      = 72 * time.Hour
	maxHistory      = 30 * 24 * time.Hour
	maxInterrupted  = 10
	maxFanOut       = 64 << 20
	defaultMaxBody  = 100 << 10
	defaultConnAge  = 5 * time.Minute
	defaultMaxAge   = 7 * 24 * time.Hour
)

func (o *Options) withDefaults(notifies bool) Options {
	var out Options
	if o != nil {
		out = *o
	}
	out.Capacity = cmp.Or(out.Capacity, defaultCapacity)
	out.MaxInFlight = cmp.Or(out.MaxInFlight, max(min(slowPerSlot*out.Capacity, mostInFlight), leastSlow*out.Capacity))
	out.SlowAfter = cmp.Or(out.SlowAfter, 50*time.Millisecond)
	out.PerLane = cmp.Or(out.PerLane, min(defaultPerLane, out.Capacity))
	out.Timeout = cmp.Or(out.Timeout, 30*time.Second)
	out.Lease = cmp.Or(out.Lease, 60*time.Second)
	if notifies {
		out.Poll = cmp.Or(out.Poll, min(out.Lease, time.Minute))
	}
	out.Poll = cmp.Or(out.Poll, time.Second)
	out.Drain = cmp.Or(out.Drain, 10*time.Second)
	out.DispatchTimeout = cmp.Or(out.DispatchTimeout, 5*time.Second)
	out.History = cmp.Or(out.History, maxHistory)
	out.Breaker.Failures = cmp.Or(out.Breaker.Failures, 10)
	out.Breaker.Open = cmp.Or(out.Breaker.Open, 30*time.Second)
	out.Breaker.MaxOpen = cmp.Or(out.Breaker.MaxOpen, max(10*time.Minute, out.Breaker.Open))
	if out.Transport == nil {
		out.MaxConnAge = cmp.Or(out.MaxConnAge, defaultConnAge)
	}
	if out.RootCAs != nil {
		out.RootCAs = out.RootCAs.Clone()
	}
	out.Proxy = out.Proxy.clone()
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	} else {
		out.Logger = slog.New(containedHandler{out.Logger.Handler()})
	}
	var observer Observer
	if out.Observer != nil {
		observer = *out.Observer
	}
	out.Observer = &observer
	return out
}

// check refuses settings that cannot work. o has its defaults.
func (o *Options) check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w Options: "+format, append([]any{ErrInvalid}, args...)...)
	}
	switch {
	case o.Capacity < 1:
		return refuse("Capacity %d must be at least 1", o.Capacity)
	case o.MaxInFlight < leastSlow*o.Capacity:
		return refuse("MaxInFlight %d must be at least %d times Capacity %d", o.MaxInFlight, leastSlow, o.Capacity)
	case o.SlowAfter < 0:
		return refuse("SlowAfter %v must be positive", o.SlowAfter)
	case o.PerLane < 1 || o.PerLane > o.Capacity:
		return refuse("PerLane %d must be between 1 and Capacity %d", o.PerLane, o.Capacity)
	case o.Timeout < 0:
		return refuse("Timeout %v must be positive", o.Timeout)
	case o.Lease < 0 || o.Lease-leaseMargin <= o.Timeout: // the sum could overflow
		return refuse("Lease %v must exceed Timeout %v by more than %v", o.Lease, o.Timeout, leaseMargin)
	case o.Poll < 0:
		return refuse("Poll %v must be positive", o.Poll)
	case o.Drain < 0:
		return refuse("Drain %v must be positive", o.Drain)
	case o.DispatchTimeout < 0:
		return refuse("DispatchTimeout %v must be positive", o.DispatchTimeout)
	case o.History > 0 && o.History < minHistory:
		return refuse("History %v must be at least %v, or negative to keep everything", o.History, minHistory)
	case o.Breaker.Open < 0 || o.Breaker.MaxOpen < o.Breaker.Open:
		return refuse("Breaker.MaxOpen %v must not be less than Breaker.Open %v", o.Breaker.MaxOpen, o.Breaker.Open)
	case o.Transport != nil && (o.DialContext != nil || o.RootCAs != nil || o.Proxy != nil || o.Resolver != nil || o.MaxConnAge != 0 || o.ClientCertificate != nil):
		return refuse("Transport excludes DialContext, RootCAs, ClientCertificate, Proxy, Resolver and MaxConnAge, which it would ignore")
	case o.DialContext != nil && o.Resolver != nil:
		return refuse("DialContext excludes Resolver, which it would ignore")
	case o.Proxy != nil && o.DialContext != nil:
		return refuse("Proxy excludes DialContext")
	}
	if _, err := limiter.New(&limiter.Options{Total: o.Capacity, PerKey: o.PerLane, Rate: o.Rate, Burst: o.Burst}); err != nil {
		return refuse("%w", err) // Rate and Burst have the bounds of package limiter
	}
	if p := o.Proxy; p != nil {
		switch {
		case p.URL == nil || p.URL.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, p.URL.Scheme):
			return refuse("Proxy.URL must be an http, https or socks5 URL")
		case p.AddressesCheckedBy != ByProxy && p.AddressesCheckedBy != ByLookup:
			return refuse("Proxy.AddressesCheckedBy must be ByProxy or ByLookup: behind a proxy the dial guard sees the proxy's address only")
		}
	}
	return nil
}

// clone returns a copy that a host cannot change any more.
func (p *Proxy) clone() *Proxy {
	if p == nil {
		return nil
	}
	out := *p
	if p.URL != nil {
		u := *p.URL
		out.URL = &u
	}
	return &out
}
