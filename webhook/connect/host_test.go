package connect_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

const (
	scope     = "acme"
	clientKey = "jira:1234-5678-9000"
	addOn     = "com.example.addon"
	addOnBase = "https://hooks.example.com/addon"
)

var shared = webhook.NewSecret("shared-secret-example")

// host is an application with a dispatcher that runs, and an add-on behind TLS.
type host struct {
	t       *testing.T
	hooks   *webhook.Dispatcher
	manager *webhook.Manager
	store   *memstore.Store
	addOn   *webhooktest.Endpoint
}

func newHost(t *testing.T, p webhook.Profile, o webhook.Options) *host {
	t.Helper()
	h := &host{t: t}
	if o.Transport == nil {
		h.addOn = webhooktest.New(t, &webhooktest.Options{Generic: true})
		o.DialContext, o.RootCAs = h.addOn.DialContext, h.addOn.RootCAs()
	}
	var err error
	if h.store, err = memstore.New(nil); err != nil {
		t.Fatal(err)
	}
	if h.hooks, err = webhook.New(h.store, p, &o); err != nil {
		t.Fatal(err)
	}
	if h.manager, err = h.hooks.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

// run starts the dispatcher; stop drains it.
func (h *host) run() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- h.hooks.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	}
}

func descriptor(t testing.TB, webhooks string) connect.Descriptor {
	t.Helper()
	d, err := connect.ParseDescriptor([]byte(`{"key":"` + addOn + `","name":"Example","baseUrl":"` + addOnBase + `",
		"authentication":{"type":"jwt"},"scopes":["READ"],"modules":{"webhooks":` + webhooks + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// install adds the webhooks of an add-on for tenant acme.
func (h *host) install(d connect.Descriptor) []webhook.Webhook {
	h.t.Helper()
	ws, err := d.Install(connect.Installation{Scope: scope, ClientKey: clientKey, SharedSecret: shared})
	if err != nil {
		h.t.Fatal(err)
	}
	for i, w := range ws {
		if ws[i], err = h.manager.Add(h.t.Context(), w); err != nil {
			h.t.Fatalf("Add %s: %v", w.Events, err)
		}
	}
	return ws
}

func (h *host) dispatch(e payload.Event, err error) webhook.EventReceipt {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := h.hooks.Dispatch(h.t.Context(), e)
	if err != nil {
		h.t.Fatalf("Dispatch: %v", err)
	}
	return r.Events[0]
}

// arrived waits for exactly n requests.
func (h *host) arrived(n int) []webhooktest.Request {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	rs, err := h.addOn.Wait(ctx, n)
	if err != nil || len(rs) != n {
		h.t.Fatalf("%d requests, %v; want %d", len(rs), err, n)
	}
	return rs
}

// verify checks a request as the add-on does.
func verify(r webhooktest.Request, now time.Time) (sign.ConnectClaims, error) {
	target := "https://" + r.Host + r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	req, err := http.NewRequest(r.Method, target, nil)
	if err != nil {
		return sign.ConnectClaims{}, err
	}
	req.Header = r.Header
	return sign.VerifyConnectJWT(req, now, sign.ConnectReceiver{Secrets: sign.ForClient(clientKey, shared), BaseURL: addOnBase})
}

func issueUpdated(t testing.TB, opts ...payload.Option) (payload.Event, error) {
	t.Helper()
	c, ok := jiraevent.Sample("jira:issue_updated")
	if !ok {
		t.Fatal("no sample")
	}
	c.User = &jiraevent.User{Name: "Æ æ", Key: "admin+1"}
	return jiraevent.New(scope, c, opts...)
}

// settled waits until a delivery has ended.
func (h *host) settled(id string) webhook.Delivery {
	h.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		d, _, err := h.store.Delivery(h.t.Context(), scope, id)
		if err != nil {
			h.t.Fatal(err)
		}
		if d.State != webhook.StatePending || time.Now().After(deadline) {
			return d
		}
		time.Sleep(time.Millisecond)
	}
}
