package matrix

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/canary"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

const scope = "acme"

// The addresses of the matrix: two that stand for public ones, and one to which no connection is
// allowed.
const (
	publicIP    = "127.0.0.2"
	unusedIP    = "127.0.0.4" // public too, without a listener
	forbiddenIP = "127.0.0.3"
)

// Values that must not be shown anywhere. The secret is one that every profile accepts: 24 bytes in
// base64.
const (
	SecretCanary = "secretCanary0123456789abcdefABCD"
	headerCanary = "header-canary-0123456789abcdef"
	pathCanary   = "path-canary-0123456789abcdef"
	queryCanary  = "query-canary-0123456789abcdef"
	bannerCanary = "banner-canary"
)

// scene is one event to an endpoint that fails and to one that does not.
type scene struct {
	t             *testing.T
	m             *matrix
	fault         fault
	name          string           // host of the failing endpoint
	server        *hostile.Server  // nil where none is needed
	forbidden     *hostile.Counter // at a forbidden address, on the server's port
	forbiddenPort net.Listener     // reserved for it where port was chosen before
	port          int

	// set changes the fields below before the host starts.
	profile webhook.Profile
	opts    webhook.Options
	bound   time.Duration // for one of bounds, or a timeout
	bounds  Bounds
	event   payload.Event
	url     string // of the webhook, where it is not the usual one
	cert    func(names ...string) tls.Certificate
	script  []hostile.Behavior      // before fault.do
	then    func() hostile.Behavior // instead of fault.do
	edit    func(*webhook.Webhook)
	alone   bool // without the healthy neighbour

	store     webhook.Store
	hooks     *webhook.Dispatcher
	manager   *webhook.Manager
	log       canary.Notes
	told      *witness
	hook      webhook.Webhook
	faulty    string // delivery IDs
	neighbour string
	health    webhook.Health
	explained webhook.Explanation
	kept      int64 // growth of the heap in bytes
	allocated int64 // allocated bytes, garbage included
}

// timeout is the timeout of attempts that must not reach it.
const timeout = 10 * time.Second

// drip is the time between two bytes of slow endpoints.
const drip = 20 * time.Millisecond

// bounds are the shortened timeouts of a fault that runs into one. Everything else must stay below
// them too: on a machine that is too busy for that, the fault is run again with the next bound.
var bounds = [...]time.Duration{400 * time.Millisecond, 1200 * time.Millisecond, 3600 * time.Millisecond}

// scene prepares a fault.
func (m *matrix) scene(t *testing.T, f fault, name string, bound time.Duration) *scene {
	s := &scene{t: t, m: m, fault: f, name: name, bound: bound, told: newWitness(), event: m.event(t),
		cert: func(...string) tls.Certificate { return m.cert }}
	s.opts = webhook.Options{
		Timeout: timeout, Poll: 5 * time.Millisecond,
		Resolver: m.dns.Resolver(), RootCAs: m.ca.Pool(), Observer: s.told.observer(),
		Logger: slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	m.dns.Set(name, hostile.Addrs(publicIP))
	s.profile = m.Profile()
	if f.set != nil {
		f.set(s)
	}
	if s.port != 0 {
		s.forbidden = hostile.Watch(t, s.forbiddenPort)
	} else {
		both := hostile.SamePort(t, forbiddenIP, publicIP)
		s.forbidden = hostile.Watch(t, both[0])
		s.port = s.forbidden.Port()
		if s.then != nil {
			f.do = s.then()
		}
		s.server = hostile.New(t, hostile.Options{Listener: both[1], Certificate: s.cert(name), Script: s.script, Then: f.do})
	}
	if s.opts.DialContext == nil {
		s.profile.Allow = allowed(uint16(s.port), uint16(m.healthy.Port()))
	}
	switch { // a planned retry that is not waited for needs no hurry
	case f.wait == nil:
		s.profile.Retry = hurried(s.profile.Retry)
		s.profile.Retry.Last = retry.Slot{}
	case s.opts.DialContext == nil:
		s.profile.Retry = hurried(s.profile.Retry)
	}
	return s
}

// allowed accepts the endpoints of the matrix.
func allowed(ports ...uint16) allowlist.Policy {
	return allowlist.Policy{
		AllowPrefixes: []netip.Prefix{netip.MustParsePrefix(publicIP + "/32"), netip.MustParsePrefix(unusedIP + "/32")},
		Ports:         ports,
	}
}

// hurried retries as often as p, within milliseconds.
func hurried(p retry.Policy) retry.Policy {
	p.Slots = slices.Repeat([]retry.Slot{{Min: shortest, Max: 3 * shortest}}, len(p.Slots))
	return p
}

// pinned sends to the one host of Atlassian Automation, through the unchanged profile; only the
// dial leads to the test's server.
func (s *scene) pinned() {
	s.name, s.alone = "api-private.atlassian.com", true
	s.url = "https://api-private.atlassian.com/automation/webhooks/jira/a/11111111-2222-3333-4444-555555555555/" + pathCanary + "?key=" + queryCanary
	s.opts.Resolver = nil
	s.opts.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
		if address != s.name+":443" {
			return nil, fmt.Errorf("dial of %s", address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp4", s.server.Addr())
	}
}

func (s *scene) urlAt(host string) string {
	return "https://" + net.JoinHostPort(host, strconv.Itoa(s.port)) + "/hooks/" + pathCanary + "?key=" + queryCanary
}
