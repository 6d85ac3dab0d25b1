package webhook_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// plainHook is a webhook of the Standard profile.
func plainHook(change ...func(*webhook.Webhook)) webhook.Webhook {
	w := webhook.Webhook{Scope: scope, Name: "Ops", URL: publicURL, Secrets: secrets("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Events: []string{"*"}, Active: true}
	for _, f := range change {
		f(&w)
	}
	return w
}

func withAuth(a webhook.Auth) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.Auth = a }
}

func basicAuth(user, password string) webhook.Auth {
	return webhook.Auth{Scheme: webhook.AuthBasic, Username: user, Secret: webhook.NewSecret(password)}
}

func bearer(token string) webhook.Auth {
	return webhook.Auth{Scheme: webhook.AuthBearer, Secret: webhook.NewSecret(token)}
}

func oauthAuth(change ...func(*webhook.Auth)) webhook.Auth {
	a := webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret("client-secret"),
		OAuth: webhook.OAuth{TokenURL: tokenURL, ClientID: "client"}}
	for _, f := range change {
		f(&a)
	}
	return a
}

const tokenURL = "https://login.example.com/T1/token"

// Rule: each scheme makes its header, beside the signature, on every path of a request.
func TestAuthHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		auth webhook.Auth
		want string
	}{
		"none":                     {webhook.Auth{}, ""},
		"basic":                    {basicAuth("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // RFC 7617
		"basic, colons and spaces": {basicAuth("a", " b:c "), "Basic " + base64.StdEncoding.EncodeToString([]byte("a: b:c "))},
		"bearer":                   {bearer("mF_9.B5f-4.1JqM"), "Bearer mF_9.B5f-4.1JqM"}, // RFC 6750
		"value":                    {webhook.Auth{Scheme: webhook.AuthValue, Secret: webhook.NewSecret("Token abc")}, "Token abc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, newStore(t), webhook.Standard(), nil)
			w, err := h.hooks.Add(ctx, plainHook(withAuth(c.auth)))
			if err != nil {
				t.Fatal(err)
			}
			if a, err := h.hooks.Test(ctx, scope, w.ID); err != nil || !a.OK() {
				t.Fatalf("%+v, %v", a, err)
			}
			if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); !a.OK() {
				t.Fatalf("%+v", a)
			}
			for _, r := range h.to.seen() {
				if got := r.Header.Get("Authorization"); got != c.want || len(r.Header["Authorization"]) > 1 {
					t.Errorf("Authorization %q, want %q", r.Header["Authorization"], c.want)
				}
				if r.Header.Get("Webhook-Signature") == "" {
					t.Error("the request is not signed")
				}
			}
		})
	}
}

// Rule: the header is set after those of Profile.Prepare.Header, in any spelling, and before the
// signature, which can read but not change it.
func TestAuthOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sign func(*http.Request) error
		code webhook.Code
	}{
		"a signer that reads": {func(r *http.Request) error {
			var got []string
			for name, values := range r.Header {
				if strings.EqualFold(name, "Authorization") {
					got = append(got, values...)
				}
			}
			if len(got) != 1 || got[0] != "Bearer token" {
				return fmt.Errorf("%q", r.Header)
			}
			return nil
		}, webhook.CodeOK},
		"one that replaces it":    {func(r *http.Request) error { r.Header.Set("Authorization", "Bearer other"); return nil }, webhook.CodeConfig},
		"one that adds to it":     {func(r *http.Request) error { r.Header.Add("Authorization", "Bearer token"); return nil }, webhook.CodeConfig},
		"one that removes it":     {func(r *http.Request) error { r.Header.Del("Authorization"); return nil }, webhook.CodeConfig},
		"one in another spelling": {func(r *http.Request) error { r.Header["authorization"] = []string{"x"}; return nil }, webhook.CodeConfig},
		"one that writes into it": {func(r *http.Request) error { r.Header["Authorization"][0] = "x"; return nil }, webhook.CodeConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := webhook.Standard()
			p.Prepare.Header = func(_ webhook.Webhook, _ webhook.Delivery, h http.Header) {
				h[strings.ToUpper("Authorization")] = []string{"Bearer of the profile"}
				h.Set("Authorization", "Bearer of the profile")
			}
			p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) {
				return sign.Func(func(r *http.Request, _ sign.Message) error { return c.sign(r) }), nil
			}
			h := newHost(t, newStore(t), p, nil)
			w, err := h.hooks.Add(ctx, plainHook(withAuth(bearer("token"))))
			if err != nil {
				t.Fatal(err)
			}
			a := webhook.Send(ctx, h.Dispatcher, w, sample(w))
			if a.Code != c.code || (c.code != webhook.CodeOK) != (len(h.to.seen()) == 0) {
				t.Errorf("code %q after %d requests, want %q", a.Code, len(h.to.seen()), c.code)
			}
		})
	}
}

// Rule: a Profile allows schemes, by default none but in Standard. Another scheme is refused when
// it is entered, and not sent if it is stored all the same.
func TestAuthOfProfiles(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	if _, err := h.hooks.Add(ctx, form(withAuth(bearer("token")))); complaint(err) != "auth.scheme unsupported" {
		t.Errorf("Automation: %s", complaint(err))
	}
	w := h.add("form")
	w.Auth = bearer("token")
	if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); a.Code != webhook.CodeConfig || len(h.to.seen()) > 0 {
		t.Errorf("code %q after %d requests, want config after none", a.Code, len(h.to.seen()))
	}
	p := webhook.Standard()
	p.Form.Auth = []webhook.AuthScheme{webhook.AuthBasic, "digest"}
	if _, err := webhook.New(newStore(t), p, nil); err == nil {
		t.Error("a Profile with an unknown scheme was accepted")
	}
}

// Rule: a value that a header cannot carry is not sent, even where it was written into the table.
func TestAuthThatCannotBeSent(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Standard(), nil)
	w, err := h.hooks.Add(ctx, plainHook())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []webhook.Auth{bearer("a\r\nX-Other: b"), bearer(""), bearer("ä"), basicAuth("u", "")} {
		w.Auth = a
		if got := webhook.Send(ctx, h.Dispatcher, w, sample(w)); got.Code != webhook.CodeConfig {
			t.Errorf("%q", got.Code)
		}
	}
	if n := len(h.to.seen()); n > 0 {
		t.Errorf("%d requests", n)
	}
}
