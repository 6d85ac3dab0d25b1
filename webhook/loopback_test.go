package webhook_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
)

// An address that stands for a public one, and one that nobody may connect to.
const (
	publicIP    = "127.0.0.2"
	forbiddenIP = "127.0.0.3"
)

// bannerCanary is a text of the remote side, which must not show up anywhere.
const bannerCanary = "banner-canary"

// bound is what the time of an attempt is shortened to where a fault runs into it.
const bound = 400 * time.Millisecond

// allowed accepts the endpoints of the tests.
func allowed(ports ...uint16) allowlist.Policy {
	return allowlist.Policy{AllowPrefixes: []netip.Prefix{netip.MustParsePrefix(publicIP + "/32")}, Ports: ports}
}

// withAllowed makes a profile accept the endpoints of the tests and retry in
// milliseconds. Everything else stays as it is.
func withAllowed(p webhook.Profile, ports ...uint16) webhook.Profile {
	p.Allow = allowed(ports...)
	p.Retry.Slots = slices.Repeat([]retry.Slot{{Min: time.Millisecond, Max: 3 * time.Millisecond}}, len(p.Retry.Slots))
	return p
}

// realHost is a host whose requests go over the network. It runs until the test ends.
func realHost(t testing.TB, p webhook.Profile, o webhook.Options) *host {
	t.Helper()
	h := realHostStopped(t, p, o)
	h.start()
	t.Cleanup(func() { h.stop() })
	return h
}

// realHostStopped is a realHost that the caller starts.
func realHostStopped(t testing.TB, p webhook.Profile, o webhook.Options) *host {
	t.Helper()
	store := newStore(t)
	d, err := webhook.New(store, p, &o)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Dispatcher: d, t: t, store: store, stop: func() {}, log: &lockedBuffer{}}
	if h.hooks, err = d.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

func at(url string) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.URL = url }
}
