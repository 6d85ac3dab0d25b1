package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// provider is a token endpoint and a receiver that accepts its tokens. It gives token-1, token-2 ...
type provider struct {
	receiver
	mu      sync.Mutex
	given   int
	accepts func(token string) bool // nil: all
	refusal *answer                 // of the token endpoint
	status  int                     // of the receiver to a token that it does not accept; 0: 401
}

func newProvider() *provider {
	p := &provider{}
	p.answer = func(_ int, r request) answer {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.URL == tokenURL {
			if p.refusal != nil {
				return *p.refusal
			}
			p.given++
			return answer{status: 200, body: fmt.Sprintf(`{"access_token":"token-%d-canary","token_type":"Bearer","expires_in":3600}`, p.given)}
		}
		got := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if p.accepts != nil && !p.accepts(got) {
			if p.status != 0 {
				return answer{status: p.status, body: "no access for " + got}
			}
			return answer{status: 401, body: "no access for " + got}
		}
		return answer{status: 200, body: "thanks for " + got}
	}
	return p
}

func (p *provider) host(t testing.TB, profile webhook.Profile) (*host, webhook.Webhook) {
	t.Helper()
	h := newHost(t, newStore(t), profile, &webhook.Options{Transport: &p.receiver})
	w, err := h.hooks.Add(ctx, plainHook(withAuth(oauthAuth())))
	if err != nil {
		t.Fatal(err)
	}
	return h, w
}

// Rule: a token is fetched once and sent until its end; redeliveries, tests and other webhooks of
// the tenant use it too.
func TestOAuthToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		h, w := p.host(t, webhook.Standard())
		other, err := h.hooks.Add(ctx, plainHook(withAuth(oauthAuth())))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, w := range []webhook.Webhook{w, other} {
				if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); !a.OK() || strings.Contains(a.Snippet, "canary") {
					t.Errorf("%+v", a)
				}
			}
		}
		if a, err := h.hooks.Test(ctx, scope, w.ID); err != nil || !a.OK() {
			t.Errorf("%+v, %v", a, err)
		}
		if n := len(p.seen(tokenURL)); n != 1 {
			t.Errorf("%d requests for a token, want 1", n)
		}
		asked := p.seen(tokenURL)[0]
		if asked.Body != "grant_type=client_credentials" || asked.Header.Get("Authorization") != "Basic Y2xpZW50OmNsaWVudC1zZWNyZXQ=" {
			t.Errorf("%+v", asked)
		}
		for _, r := range p.seen(publicURL) {
			if got := r.Header["Authorization"]; len(got) != 1 || got[0] != "Bearer token-1-canary" {
				t.Errorf("Authorization %q", got)
			}
		}
		time.Sleep(59 * time.Minute)
		webhook.Send(ctx, h.Dispatcher, w, sample(w))
		if n := len(p.seen(tokenURL)); n != 2 {
			t.Errorf("%d requests for a token after its end, want 2", n)
		}
		if err := h.hooks.Delete(ctx, scope, other.ID); err != nil {
			t.Fatal(err)
		}
		webhook.Send(ctx, h.Dispatcher, w, sample(w))
		if n := len(p.seen(tokenURL)); n != 3 {
			t.Errorf("%d requests for a token after a webhook of the tenant was deleted, want 3", n)
		}
	})
}

// Rule: 401 to a token that the attempt did not fetch renews it, and the attempt sends once more:
// one try, the same identifier and bytes, a new signature. 401 to a token that the attempt did
// fetch, a second 401, and 403 are judged as usual.
func TestOAuthRenewal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		warm     bool
		status   int
		accepts  []string
		requests int // to the receiver
		tokens   int
		want     int
	}{
		"refused out of memory":         {warm: true, accepts: []string{"token-2-canary"}, requests: 2, tokens: 2, want: 200},
		"refused twice":                 {warm: true, accepts: nil, requests: 2, tokens: 2, want: 401},
		"refused when it is new":        {warm: false, accepts: nil, requests: 1, tokens: 1, want: 401},
		"403 out of memory":             {warm: true, status: 403, accepts: nil, requests: 1, tokens: 1, want: 403},
		"407 out of memory":             {warm: true, status: 407, accepts: nil, requests: 1, tokens: 1, want: 407},
		"accepted, as it is every time": {warm: true, accepts: []string{"token-1-canary"}, requests: 1, tokens: 1, want: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.status = c.status
				h, w := p.host(t, webhook.Standard())
				if c.warm {
					webhook.Send(ctx, h.Dispatcher, w, sample(w))
				}
				before := len(p.seen(publicURL))
				p.accepts = func(token string) bool {
					time.Sleep(2 * time.Second) // a signature has seconds
					return strings.Contains(strings.Join(c.accepts, " "), token)
				}
				start := time.Now()
				a := webhook.Send(ctx, h.Dispatcher, w, sample(w))
				rs := p.seen(publicURL)[before:]
				if a.Status != c.want || a.Number != 1 || len(rs) != c.requests || len(p.seen(tokenURL)) != c.tokens {
					t.Errorf("status %d of attempt %d, %d requests, %d tokens; want %d of 1, %d, %d", a.Status, a.Number, len(rs), len(p.seen(tokenURL)), c.want, c.requests, c.tokens)
				}
				if !a.Start.Equal(start) || a.Duration != time.Duration(2*c.requests)*time.Second {
					t.Errorf("began at %v, took %v", a.Start.Sub(start), a.Duration)
				}
				if strings.Contains(a.Snippet, "canary") {
					t.Errorf("snippet %q", a.Snippet)
				}
				if len(rs) == 2 {
					first, second := rs[0], rs[1]
					if first.Body != second.Body || first.Header.Get(sign.IDHeader) != second.Header.Get(sign.IDHeader) ||
						first.Header.Get(sign.SignatureHeader) == second.Header.Get(sign.SignatureHeader) ||
						first.Header.Get("Authorization") == second.Header.Get("Authorization") {
						t.Errorf("first %+v\nsecond %+v", first, second)
					}
				}
			})
		})
	}
}

// Rule: concurrent renewals make one fetch, and each request is sent twice at most, also if the
// receiver accepts none of the tokens that are fetched meanwhile.
func TestOAuthRenewalOfMany(t *testing.T) {
	t.Parallel()
	for name, accepted := range map[string]bool{"accepted": true, "refused": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				h, w := p.host(t, webhook.Standard())
				webhook.Send(ctx, h.Dispatcher, w, sample(w))
				p.accepts = func(token string) bool { return accepted && token != "token-1-canary" }
				var wg sync.WaitGroup
				for range 100 {
					wg.Go(func() {
						if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); a.OK() != accepted || !accepted && a.Status != 401 {
							t.Errorf("%+v", a)
						}
					})
				}
				wg.Wait()
				if tokens, requests := len(p.seen(tokenURL)), len(p.seen(publicURL)); accepted && tokens != 2 || requests > 201 {
					t.Errorf("%d tokens, %d requests", tokens, requests)
				}
			})
		})
	}
}

// Rule: without a token the attempt ends with CodeAuth, without a request to the receiver. It has
// the status and one of six names. It counts as a try, feeds the breaker and calls for attention.
// The name, and the profile's treatment of 401, decide on a retry.
func TestOAuthNoToken(t *testing.T) {
	t.Parallel()
	gives := func(p webhook.Profile) webhook.Profile { p.Judge = webhook.DefaultJudge; return p }
	for name, c := range map[string]struct {
		profile webhook.Profile
		refusal answer
		snippet string
		detail  webhook.Detail
		ends    bool
	}{
		"wrong client":               {gives(webhook.Standard()), answer{status: 400, body: `{"error":"invalid_client","error_description":"canary"}`}, "token endpoint: 400 invalid_client", webhook.DetailInvalidClient, true},
		"client not allowed":         {gives(webhook.Standard()), answer{status: 403, body: `{"error":"unauthorized_client"}`}, "token endpoint: 403 unauthorized_client", webhook.DetailUnauthorizedClient, true},
		"wrong scope":                {gives(webhook.Standard()), answer{status: 400, body: `{"error":"invalid_scope"}`}, "token endpoint: 400 invalid_scope", webhook.DetailInvalidScope, true},
		"wrong grant":                {gives(webhook.Standard()), answer{status: 400, body: `{"error":"unsupported_grant_type"}`}, "token endpoint: 400 unsupported_grant_type", webhook.DetailUnsupportedGrantType, true},
		"another name":               {gives(webhook.Standard()), answer{status: 400, body: `{"error":"invalid_request"}`}, "token endpoint: 400 invalid_request", webhook.DetailInvalidRequest, false},
		"a server that is down":      {gives(webhook.Standard()), answer{status: 503, body: "canary"}, "token endpoint: 503", "", false},
		"wrong client, 401 is tried": {webhook.Standard(), answer{status: 401, body: `{"error":"invalid_client"}`}, "token endpoint: 401 invalid_client", webhook.DetailInvalidClient, false},
		"HTML":                       {webhook.Standard(), answer{status: 200, body: "<html>canary"}, "token endpoint: 200", "", false},
		"a redirect":                 {webhook.Standard(), answer{status: 307, header: http.Header{"Location": {"https://127.0.0.1/"}}}, "token endpoint: 307", "", false},
		"a connection that breaks":   {webhook.Standard(), answer{}, "token endpoint: protocol", "", false},
		"an endpoint that is silent": {webhook.Standard(), answer{delay: time.Hour}, "token endpoint: timeout", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.refusal = &c.refusal
				told := 0
				h := newHost(t, newStore(t), c.profile, &webhook.Options{Transport: &p.receiver, Breaker: webhook.Breaker{Failures: 1},
					Observer: &webhook.Observer{Attention: func(_ context.Context, _ webhook.Webhook, code webhook.Code, a *webhook.Attempt) {
						if code == webhook.CodeAuth && a != nil {
							told++
						}
					}}})
				w, err := h.hooks.Add(ctx, plainHook(withAuth(oauthAuth())))
				if err != nil {
					t.Fatal(err)
				}
				h.start()
				defer h.stop()
				id := h.dispatch()
				settled(15 * time.Second)
				d, as, err := h.hooks.Delivery(ctx, scope, id)
				if err != nil || len(as) < 1 {
					t.Fatalf("%+v, %d attempts, %v", d, len(as), err)
				}
				a := as[0]
				if a.Code != webhook.CodeAuth || a.Status != 0 || a.Snippet != c.snippet || (c.detail != "" && a.Detail != c.detail) {
					t.Errorf("%+v, want %q", a, c.snippet)
				}
				if ended := d.State == webhook.StateFailed; ended != c.ends || d.Tries < 1 {
					t.Errorf("state %v after %d tries", d.State, d.Tries)
				}
				if n := len(p.seen(publicURL)); n > 0 {
					t.Errorf("%d requests to the receiver without a token", n)
				}
				health, err := h.hooks.Health(ctx, scope, w.ID)
				if err != nil || health.Failures < 1 || health.Opened < 1 || told != 1 {
					t.Errorf("%+v, %v; told %d times", health, err, told)
				}
			})
		})
	}
}
