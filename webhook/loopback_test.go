package webhook_test

import (
	"testing"

	"github.com/postrider/postrider/webhook"
)

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
