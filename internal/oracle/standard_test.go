package oracle

import (
	"context"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// deliver sends one sample of each event through a dispatcher and returns the requests.
func deliver(t *testing.T, p webhook.Profile, secrets ...webhook.Secret) []webhooktest.Request {
	t.Helper()
	endpoint := webhooktest.New(t, &webhooktest.Options{Generic: true})
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, p, &webhook.Options{DialContext: endpoint.DialContext, RootCAs: endpoint.RootCAs()})
	if err != nil {
		t.Fatal(err)
	}
	manager, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	_, err = manager.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "all", URL: endpoint.URL(), Secrets: secrets, Events: []string{"*"}, Active: true})
	if err != nil {
		t.Fatal(err)
	}
	var events []payload.Event
	for _, trigger := range payload.Triggers() {
		data, ok := payload.Sample(trigger)
		if !ok {
			t.Fatalf("no sample of %s", trigger)
		}
		e, err := payload.New("acme", data)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if _, err := hooks.Dispatch(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- hooks.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	wait, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	arrived, err := endpoint.Wait(wait, len(events))
	if err != nil {
		t.Fatal(err)
	}
	return arrived
}

type judged struct {
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// Rule: the libraries of Standard Webhooks, for JavaScript and for Go, accept requests of the
// profile Standard with the new secret and with the old one, but not with another secret or another
// body. An additional asymmetric signature disturbs neither library.
func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	secrets := make([]webhook.Secret, 3)
	for i := range secrets {
		var err error
		if secrets[i], err = sign.GenerateSecret(); err != nil {
			t.Fatal(err)
		}
	}
	private, _, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	newest, old, foreign := secrets[0], secrets[1], secrets[2]
	var asked []judged
	var want []bool
	for _, r := range deliver(t, webhook.Standard(), private, newest, old) {
		headers := map[string]string{}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			headers[name] = r.Header.Get(name)
		}
		for _, tt := range []struct {
			secret webhook.Secret
			body   string
			ok     bool
		}{{newest, string(r.Body), true}, {old, string(r.Body), true}, {foreign, string(r.Body), false}, {newest, string(r.Body) + " ", false}} {
			asked, want = append(asked, judged{tt.secret.Reveal(), headers, tt.body}), append(want, tt.ok)
		}
	}
	if len(asked) == 0 {
		t.Fatal("nothing arrived")
	}
	for i, a := range asked {
		library, err := standardwebhooks.NewWebhook(a.Secret)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		for name, value := range a.Headers {
			h.Set(name, value)
		}
		if err := library.Verify([]byte(a.Body), h); (err == nil) != want[i] {
			t.Errorf("the library for Go on %s: %v, want accepted = %t", a.Body, err, want[i])
		}
	}
	for i, verdict := range ask[[]*string](t, "standard", asked) {
		if (verdict == nil) != want[i] {
			t.Errorf("the library for JavaScript on %s: %v, want accepted = %t", asked[i].Body, verdict, want[i])
		}
	}
}

// Rule: we accept signatures of the library for Go.
func TestVerifyStandardWebhooks(t *testing.T) {
	t.Parallel()
	secret, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	library, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	now, body := time.Unix(1_700_000_000, 0), []byte(`{"type":"x"}`)
	signature, err := library.Sign("msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{sign.IDHeader: {"msg_1"}, sign.TimestampHeader: {"1700000000"}, sign.SignatureHeader: {signature}}
	if err := sign.VerifyStandard(h, body, now, 0, secret); err != nil {
		t.Errorf("VerifyStandard = %v", err)
	}
}
