package webhook_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/hostile"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
)

// What must not show up anywhere.
const (
	secretCanary = "secret-canary-0123456789abcdef"
	headerCanary = "header-canary-0123456789abcdef"
	pathCanary   = "path-canary-0123456789abcdef"
	queryCanary  = "query-canary-0123456789abcdef"
	bannerCanary = "banner-canary"
)

// scene is one event on its way to an endpoint that fails and to one that does not.
type scene struct {
	t         *testing.T
	m         *matrix
	fault     fault
	name      string           // host of the endpoint that fails
	server    *hostile.Server  // nil where none is needed
	forbidden *hostile.Counter // at a forbidden address, on the server's port
	port      int

	// set changes these before the host starts.
	profile webhook.Profile
	opts    webhook.Options
	bounds  webhook.Bounds
	event   payload.Event
	url     string // where the webhook's URL is not the usual
	cert    func(names ...string) tls.Certificate
	script  []hostile.Behavior      // before fault.do
	then    func() hostile.Behavior // instead of fault.do
	edit    func(*webhook.Webhook)
	alone   bool // without the healthy neighbour

	host      *host
	hook      webhook.Webhook
	faulty    string // delivery IDs
	neighbour string
	health    webhook.Health
	explained webhook.Explanation
	kept      int64 // bytes by which the run made the heap grow
	allocated int64 // bytes allocated in it, garbage included
	told      *witness
}

// witness is an Observer that writes down everything it is told.
type witness struct {
	lockedBuffer
	mu        sync.Mutex
	attempted map[string]int
	settled   map[string]int
	attention []webhook.Code
	disabled  int
}

func newWitness() *witness { return &witness{attempted: map[string]int{}, settled: map[string]int{}} }

func (w *witness) observer() *webhook.Observer {
	note := func(d webhook.Delivery, more ...any) {
		d.Body = nil // the host's own
		fmt.Fprintf(w, "%+v %+v\n", d, more)
	}
	locked := func(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }
	return &webhook.Observer{
		Enqueued: func(_ context.Context, d webhook.Delivery) { note(d) },
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) {
			note(d, a)
			locked(func() { w.attempted[d.ID]++ })
		},
		Settled:  func(_ context.Context, d webhook.Delivery) { note(d); locked(func() { w.settled[d.ID]++ }) },
		Lost:     func(_ context.Context, d webhook.Delivery) { note(d, "lost") },
		Disabled: func(_ context.Context, h webhook.Webhook) { locked(func() { w.disabled++ }) },
		Attention: func(_ context.Context, h webhook.Webhook, c webhook.Code) {
			fmt.Fprintf(w, "%s %v %s\n", h.ID, h.Secrets, c)
			locked(func() { w.attention = append(w.attention, c) })
		},
	}
}

func (w *witness) hasSettled(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settled[id] > 0
}

// scene builds what a fault needs.
func (m *matrix) scene(t *testing.T, f fault, name string) *scene {
	s := &scene{t: t, m: m, fault: f, name: name, told: newWitness(), event: m.event(t),
		cert: func(...string) tls.Certificate { return m.cert }}
	s.opts = webhook.Options{
		Timeout: 10 * time.Second, Poll: 5 * time.Millisecond,
		Resolver: m.dns.Resolver(), RootCAs: m.ca.Pool(), Observer: s.told.observer(),
	}
	m.dns.Set(name, hostile.Addrs(publicIP))
	s.profile = m.profile()
	if f.set != nil {
		f.set(s)
	}
	s.forbidden = hostile.NewCounter(t, forbiddenIP, s.port)
	if s.port == 0 {
		s.port = s.forbidden.Port()
		if s.then != nil {
			f.do = s.then()
		}
		s.server = hostile.New(t, hostile.Options{IP: publicIP, Port: s.port, Certificate: s.cert(name), Script: s.script, Then: f.do})
	}
	if s.opts.DialContext == nil {
		s.profile.Allow = allowed(uint16(s.port), uint16(m.healthy.Port()))
	}
	switch { // what is planned and not waited for needs no hurry
	case f.wait == nil:
		s.profile.Retry = hurried(s.profile.Retry)
		s.profile.Retry.Last = retry.Slot{}
	case s.opts.DialContext == nil:
		s.profile.Retry = hurried(s.profile.Retry)
	}
	return s
}

// pinned sends to the one host that Atlassian Automation has, through its profile as it
// is; the dial alone leads to the test's server.
func (s *scene) pinned() {
	s.name, s.alone = "api-private.atlassian.com", true
	s.url = automation + pathCanary + "?key=" + queryCanary
	s.opts.Resolver = nil
	s.opts.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
		if address != s.name+":443" {
			return nil, fmt.Errorf("dial of %s", address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp4", s.server.Addr())
	}
}

// play sends the event and lets everything come to rest.
func (s *scene) play() {
	t := s.t
	store := newStore(t)
	log := &lockedBuffer{}
	s.opts.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := webhook.New(store, s.profile, &s.opts)
	if err != nil {
		t.Fatal(err)
	}
	webhook.SetBounds(d, s.bounds)
	s.host = &host{Dispatcher: d, t: t, store: store, log: log}
	if s.host.hooks, err = d.Manager(); err != nil {
		t.Fatal(err)
	}
	s.hook = s.host.add("faulty", func(w *webhook.Webhook) {
		w.URL = s.url
		if w.URL == "" {
			w.URL = s.urlAt(s.name)
		}
		w.Events = []string{s.event.Type}
		w.Secrets = []webhook.Secret{webhook.NewSecret(secretCanary)}
		w.Headers = map[string]string{"X-Canary": headerCanary}
	})
	if s.edit != nil { // behind the Manager's back
		s.edit(&s.hook)
		if err := store.Update(context.Background(), s.hook); err != nil {
			t.Fatal(err)
		}
	}
	if !s.alone {
		s.host.add("healthy", func(w *webhook.Webhook) {
			w.Events = []string{s.event.Type}
			w.URL = "https://" + net.JoinHostPort(healthyHost, strconv.Itoa(s.m.healthy.Port())) + "/" + s.name
		})
	}
	before := s.memory()
	s.host.start()
	defer func() { s.host.stop() }()
	receipt, err := d.Dispatch(context.Background(), s.event)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range receipt.Events[0].Deliveries {
		if d, _ := s.host.delivery(id); d.WebhookID == s.hook.ID {
			s.faulty = id
		} else {
			s.neighbour = id
		}
	}
	if !s.alone {
		await(t, "the healthy webhook", func() bool { return s.told.hasSettled(s.neighbour) })
	}
	await(t, "the webhook that fails", func() bool {
		if s.fault.wait == nil {
			return s.told.hasSettled(s.faulty)
		}
		d, _ := s.host.delivery(s.faulty)
		return d.Tries > 0
	})
	after := s.memory()
	s.kept, s.allocated = int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(after.TotalAlloc-before.TotalAlloc)
	rest := time.Now()
	await(t, "another look at the Store", func() bool { return d.Status().LastClaim.After(rest) })
	if s.health, err = s.host.hooks.Health(context.Background(), scope, s.hook.ID); err != nil {
		t.Fatal(err)
	}
	if s.explained, err = d.Explain(context.Background(), scope, s.faulty); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) urlAt(host string) string {
	return "https://" + net.JoinHostPort(host, strconv.Itoa(s.port)) + "/hooks/" + pathCanary + "?key=" + queryCanary
}

// memory is that of the whole process, the server included. A heavy fault is alone in it.
func (s *scene) memory() (m runtime.MemStats) {
	if s.fault.heavy {
		runtime.GC()
		runtime.ReadMemStats(&m)
	}
	return m
}

// requests are those that the endpoint which fails has read.
func (s *scene) requests() []hostile.Request {
	if s.server == nil {
		return nil
	}
	return s.server.Requests()
}

// neighbours are the requests of this scene to the healthy endpoint.
func (s *scene) neighbours() []hostile.Request {
	return slices.DeleteFunc(s.m.healthy.Requests(), func(r hostile.Request) bool {
		return r.Line != "POST /"+s.name+" HTTP/1.1"
	})
}
