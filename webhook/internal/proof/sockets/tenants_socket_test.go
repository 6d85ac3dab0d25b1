package sockets_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// TestTenantsOnSockets is a smaller TestTenants over real connections: all events of one tenant
// arrive while every request to 100 webhooks of another one still hangs.
func TestTenantsOnSockets(t *testing.T) {
	t.Parallel()
	const hooks, events = 100, 20
	var hanging, released, arrived atomic.Int32
	release := make(chan struct{})
	ca := hostile.NewAuthority(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/hangs") {
			arrived.Add(1)
			return
		}
		hanging.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		released.Add(1)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(hookHost)}}
	server.StartTLS()
	t.Cleanup(server.Close)

	p := webhook.Standard()
	p.Form.MaxPerScope = 0
	h := runningHost(t, p, webhook.Options{Timeout: 5 * time.Minute, Lease: 10 * time.Minute, Drain: time.Minute, RootCAs: ca.Pool(),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}})
	add := func(scope, path string) {
		t.Helper()
		_, err := h.hooks.Add(t.Context(), webhook.Webhook{Scope: scope, Name: "n", Active: true, Events: []string{"*"},
			URL: "https://" + hookHost + path, Secrets: []webhook.Secret{webhook.NewSecret(standardSecret)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	dispatch := func(scope, id string) {
		t.Helper()
		e := payload.Event{ID: id, Scope: scope, Type: "taskSuccess", Time: time.Now(), Body: []byte(`{}`)}
		if _, err := h.Dispatch(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for i := range hooks {
		add("mallory", fmt.Sprint("/hangs/", i))
	}
	add("well", "/fine")
	for i := range 3 {
		dispatch("mallory", fmt.Sprint("evt_hang_", i))
	}
	hostile.Await(t, "requests that hang", func() bool { return hanging.Load() == hooks })
	for i := range events {
		dispatch("well", fmt.Sprint("evt_", i))
	}
	hostile.Await(t, "the events of the other tenant", func() bool { return arrived.Load() == events })
	if n := released.Load(); n != 0 {
		t.Errorf("%d requests had ended before the other tenant's events arrived", n)
	}
	close(release)
	hostile.Await(t, "the end of what hung", func() bool { return released.Load() == 3*hooks })
}
