package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

// Rule: printers and encoders show the scheme of an Auth, the host of the token endpoint and the
// requested scopes, and nothing that is secret.
func TestAuthMasksItself(t *testing.T) {
	t.Parallel()
	a := webhook.Auth{Scheme: webhook.AuthOAuth, Username: "userCanary", Secret: webhook.NewSecret("secretCanary"), OAuth: webhook.OAuth{
		TokenURL: "https://login.example.com/pathCanary?q=Canary", ClientID: "clientCanary", Scopes: []string{"read"}, Audience: "https://api.example.com/Canary"}}
	for what, v := range map[string]any{"Auth": a, "pointer": &a, "OAuth": a.OAuth, "in a struct": struct{ A webhook.Auth }{a}, "webhook": plainHook(withAuth(a))} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{string(b)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		for _, text := range texts {
			if strings.Contains(text, "Canary") || strings.Contains(text, fmt.Sprintf("%x", "Canary")) {
				t.Errorf("%s: %s", what, text)
			}
			if !strings.Contains(text, "login.example.com") || !strings.Contains(text, "read") {
				t.Errorf("%s shows too little: %s", what, text)
			}
		}
		if err := json.Unmarshal(b, &webhook.Auth{}); what == "Auth" && err == nil {
			t.Error("a masked Auth was decoded")
		}
	}
}

// Rule: no part of Auth that a receiver repeats is kept, in any form, however short.
func TestAuthEchoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		auth webhook.Auth
		echo []string
	}{
		"basic": {basicAuth("someUser", "pass-wörd"[:4]+"-canary"), []string{"pass-canary", "c29tZVVzZXI6cGFzcy1jYW5hcnk=", "Basic c29tZVVzZXI6cGFzcy1jYW5hcnk=",
			"someUser", url.QueryEscape("c29tZVVzZXI6cGFzcy1jYW5hcnk=")}},
		"short":  {basicAuth("a", "b"), []string{"YTpi"}},
		"bearer": {bearer("ab1c"), []string{"ab1c"}},
		"value":  {webhook.Auth{Scheme: webhook.AuthValue, Secret: webhook.NewSecret("Token abcdefgh1")}, []string{"abcdefgh1", "Token abcdefgh1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, echo := range c.echo {
				for _, around := range []string{"%s", "no access for %s here", `{"got":"%s"}`} {
					to := &receiver{answer: func(int, request) answer { return answer{status: 403, body: fmt.Sprintf(around, echo)} }}
					h := newHost(t, newStore(t), webhook.Standard(), &webhook.Options{Transport: to})
					w, err := h.hooks.Add(ctx, plainHook(withAuth(c.auth)))
					if err != nil {
						t.Fatal(err)
					}
					a, err := h.hooks.Test(ctx, scope, w.ID)
					if err != nil || a.Status != 403 || strings.Contains(a.Snippet, echo) {
						t.Errorf("%v, status %d, snippet %q holds %q", err, a.Status, a.Snippet, echo)
					}
				}
			}
		})
	}
}

// Rule: if a Store cannot open a webhook's secrets, the scheme of its Auth is shown all the same, and
// nothing else of it.
func TestSealedAuthShowsItsScheme(t *testing.T) {
	t.Parallel()
	s := &sealing{Store: newStore(t)}
	h := newHost(t, s, webhook.Standard(), nil)
	w, err := h.hooks.Add(ctx, plainHook(withAuth(oauthAuth())))
	if err != nil {
		t.Fatal(err)
	}
	s.sealed.Store(true)
	got := h.webhook(w.ID)
	if !got.Auth.Equal(webhook.Auth{Scheme: webhook.AuthOAuth}) || !errors.Is(got.Unreadable, webhook.ErrSealed) {
		t.Errorf("%+v, %v; want the scheme alone", got.Auth, got.Unreadable)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Auth       map[string]any
		Unreadable bool
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"scheme": "oauth2", "secret": "[redacted]"}, shown.Auth); diff != "" || !shown.Unreadable {
		t.Errorf("unreadable %t (-want +got):\n%s", shown.Unreadable, diff)
	}
}

// Rule: an error of a validation holds no part of Auth.
func TestAuthErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Standard(), nil)
	_, err := h.hooks.Add(ctx, plainHook(withAuth(webhook.Auth{Scheme: webhook.AuthOAuth, Username: "canary", Secret: webhook.NewSecret("canary\n"),
		OAuth: webhook.OAuth{TokenURL: "http://canary", ClientID: "canary\n", Scopes: []string{"canary canary"}, Audience: "canary\n", ClientAuth: "canary"}})))
	if !errors.Is(err, webhook.ErrInvalid) || strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
		t.Errorf("%v", err)
	}
}

// Rule: no part of an Authorization or a client certificate appears in a log line, an error, a
// record, or an argument of an Observer, whatever receiver and token endpoint answer.
func TestAuthCanary(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	echo := func(r *http.Request, status int) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		return respond(status, fmt.Sprintf("%s %s %s %s", r.URL, r.Header, r.Header["Authorization"], body))(r)
	}
	oauthCanary := webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret("secretCanary-wqwqwq"), OAuth: webhook.OAuth{
		TokenURL: "https://login.example.com/pathCanary-qjqjqjqj", ClientID: "clientCanary-xkxkxk", ClientAuth: webhook.ClientPost}}
	tokens := func(status int, body string, then int) transportFunc {
		return func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "login.example.com" {
				return respond(status, body)(r)
			}
			return echo(r, then)
		}
	}
	for name, c := range map[string]struct {
		auth webhook.Auth
		to   transportFunc
		tls  webhook.ClientTLS // written behind the Manager's back
	}{
		"basic":         {auth: basicAuth("userCanary-zvzvzv", "secretCanary-wqwqwq"), to: func(r *http.Request) (*http.Response, error) { return echo(r, 401) }},
		"bearer":        {auth: bearer("secretCanary-wqwqwq"), to: func(r *http.Request) (*http.Response, error) { return echo(r, 200) }},
		"value":         {auth: webhook.Auth{Scheme: webhook.AuthValue, Secret: webhook.NewSecret("Key secretCanary-wqwqwq")}, to: func(r *http.Request) (*http.Response, error) { return echo(r, 500) }},
		"a token":       {auth: oauthCanary, to: tokens(200, `{"access_token":"tokenCanary-ykykyk"}`, 200)},
		"one refused":   {auth: oauthCanary, to: tokens(200, `{"access_token":"tokenCanary-ykykyk"}`, 401)},
		"no token":      {auth: oauthCanary, to: tokens(400, `{"error":"invalid_client","error_description":"secretCanary-wqwqwq"}`, 200)},
		"an odd answer": {auth: oauthCanary, to: tokens(200, `{"error":"secretCanary-wqwqwq","token_type":"tokenCanary"}`, 200)},
		"HTML":          {auth: oauthCanary, to: tokens(502, `<html>secretCanary-wqwqwq`, 200)},
		"errors":        {auth: oauthCanary, to: func(r *http.Request) (*http.Response, error) { return nil, transportError{r} }},
		"panics":        {auth: oauthCanary, to: func(r *http.Request) (*http.Response, error) { panic(transportError{r}) }},
		"a certificate": {to: respond(200, "ok"), tls: ca.client("certificate")},
		"a broken one":  {to: respond(200, "ok"), tls: webhook.ClientTLS{Certificate: "x", Key: webhook.NewSecret("secretCanary-wqwqwq"), Pending: webhook.NewSecret("secretCanary-wqwqwq")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var all collected
				h := newHost(t, newStore(t), webhook.Standard(), &webhook.Options{Transport: c.to, Logger: all.logger(), Observer: all.observer(), Poll: time.Hour, AllowClearKeys: true})
				w, err := h.hooks.Add(ctx, plainHook(withAuth(c.auth)))
				all.add("added", w, err)
				if err != nil {
					t.Fatal(err)
				}
				if !c.tls.IsZero() {
					w.TLS = c.tls
					if err := h.store.(webhook.Registry).Update(ctx, w); err != nil {
						t.Fatal(err)
					}
				}
				h.start()
				defer h.stop()
				r, err := h.Dispatch(ctx, success(t))
				all.add("receipt", r, err)
				settled(30 * time.Second)
				all.queryAll(h, w)
				moved := w.Clone()
				moved.URL, moved.Version, moved.Auth = "https://elsewhere.example.net/x", 0, webhook.Auth{Scheme: c.auth.Scheme}
				_, err = h.hooks.Edit(ctx, moved)
				all.add("edited", err)
				all.check(t, 20)
				if text := all.String(); strings.Contains(text, "PRIVATE KEY") {
					t.Error("a private key got out")
				}
			})
		})
	}
}

// Rule: a preview shows that there is an Authorization but no part of it, and fetches no token.
func TestAuthPreview(t *testing.T) {
	t.Parallel()
	for _, auth := range []webhook.Auth{basicAuth("userCanary", "secretCanary"), bearer("secretCanary"), oauthAuth()} {
		p := webhook.Standard()
		p.Prepare.Header = func(_ webhook.Webhook, _ webhook.Delivery, h http.Header) {
			h.Set("Authorization", "of the profile")
			h.Set("X-Copy", "secretCanary")
			h.Set("X-Encoded", "s=secret%43anary")
			h.Set("X-Target", "/in/pathCanary-qjqjqjqj")
		}
		h := newHost(t, newStore(t), p, nil)
		w := plainHook(withAuth(auth))
		w.URL = "https://hooks.example.com/in/pathCanary-qjqjqjqj"
		if _, err := h.hooks.Add(ctx, w); err != nil {
			t.Fatal(err)
		}
		preview, err := h.hooks.Preview(ctx, scope, h.dispatch())
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, got := range preview.Header {
			found = found || got.Name == "Authorization" && got.Masked && got.Value == "[redacted]"
		}
		if text := fmt.Sprintf("%+v %s", preview, preview.Curl()); !found || auth.Scheme != webhook.AuthOAuth && strings.Contains(text, "Canary") {
			t.Errorf("%s: %s", auth.Scheme, text)
		}
		if n := len(h.to.seen()); n > 0 {
			t.Errorf("%d requests", n)
		}
	}
}
