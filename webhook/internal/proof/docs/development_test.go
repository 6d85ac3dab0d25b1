package main

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: with the settings of docs/configuration.md a receiver on this machine gets a request, and
// without them, under http:// or as localhost, its URL is refused. The User-Agent of the request is
// the one that the pages tell.
func TestReceiverInDevelopment(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	agents := make(chan string, 1)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { agents <- r.UserAgent() }))
	defer receiver.Close()
	yourDevAuthority := x509.NewCertPool()
	yourDevAuthority.AddCert(receiver.Certificate())

	profile := webhook.Standard()
	profile.Allow.AllowPrefixes = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	profile.Allow.Ports = []uint16{portOf(t, receiver.URL)}
	hooks := newDispatcher(t, profile, &webhook.Options{RootCAs: yourDevAuthority})
	ended := make(chan error, 1)
	go func() { ended <- hooks.Run(ctx) }()

	w := webhook.Webhook{Scope: "acme", Name: "Ops", URL: receiver.URL, Events: []string{"*"}, Active: true}
	if err := add(hooks, w); err != nil {
		t.Fatal(err)
	}
	event, err := payload.New("acme", payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Nightly",
		ActionTypes: []string{"removeAppAccess"}, DeepLink: "https://your-site.atlassian.net/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hooks.Dispatch(ctx, event); err != nil {
		t.Fatal(err)
	}
	var agent string
	select {
	case agent = <-agents:
	case <-time.After(10 * time.Second):
		t.Fatal("no request has arrived")
	}
	for _, page := range []string{"configuration.md", "payloads.md"} {
		text, err := os.ReadFile("../../../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "`"+agent+"`") {
			t.Errorf("docs/%s lacks the User-Agent %s", page, agent)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	if err := add(newDispatcher(t, webhook.Standard(), nil), w); err == nil {
		t.Error("a receiver on this machine is accepted by default")
	}
	for _, refused := range []string{strings.Replace(w.URL, "https:", "http:", 1), strings.Replace(w.URL, "127.0.0.1", "localhost", 1)} {
		w.URL = refused
		if err := add(hooks, w); err == nil {
			t.Errorf("%s is accepted", refused)
		}
	}
}

func newDispatcher(t *testing.T, profile webhook.Profile, o *webhook.Options) *webhook.Dispatcher {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, profile, o)
	if err != nil {
		t.Fatal(err)
	}
	return hooks
}

func add(hooks *webhook.Dispatcher, w webhook.Webhook) error {
	manager, err := hooks.Manager()
	if err != nil {
		return err
	}
	_, err = manager.Add(context.Background(), w)
	return err
}

func portOf(t *testing.T, address string) uint16 {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(port)
}
