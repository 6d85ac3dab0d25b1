package webhook_test

import (
	"encoding/base64"
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

// Rule: the header is set after those of Profile.Header, whatever their spelling, and before the
// signature, which sees it and may not change it.
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
			p.Header = func(_ webhook.Webhook, _ webhook.Delivery, h http.Header) {
				h[strings.ToUpper("Authorization")] = []string{"Bearer of the profile"}
				h.Set("Authorization", "Bearer of the profile")
			}
			p.Sign = func(webhook.Webhook) (sign.Signer, error) {
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

// Rule: what a person may enter, and the field and rule of each refusal; what is refused changes
// nothing.
func TestAuthFieldErrors(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	of := func(change func(*webhook.OAuth)) webhook.Auth {
		return oauthAuth(func(a *webhook.Auth) { change(&a.OAuth) })
	}
	for name, c := range map[string]struct {
		auth webhook.Auth
		want string
	}{
		"no scheme, a secret":         {webhook.Auth{Secret: webhook.NewSecret("x")}, "auth.scheme unsupported"},
		"unknown scheme":              {webhook.Auth{Scheme: "digest", Secret: webhook.NewSecret("x")}, "auth.scheme unsupported"},
		"nothing entered, basic":      {webhook.Auth{Scheme: webhook.AuthBasic}, "auth.username required; auth.secret required"},
		"nothing entered, bearer":     {webhook.Auth{Scheme: webhook.AuthBearer}, "auth.secret required"},
		"nothing entered, OAuth":      {webhook.Auth{Scheme: webhook.AuthOAuth}, "auth.secret required; auth.token_url required; auth.client_id required"},
		"user name of 255 bytes":      {basicAuth(long(255), "x"), "<nil>"},
		"user name of 256 bytes":      {basicAuth(long(256), "x"), "auth.username characters"},
		"user name with a colon":      {basicAuth("a:b", "x"), "auth.username characters"},
		"user name with a break":      {basicAuth("a\nb", "x"), "auth.username characters"},
		"user name beyond ASCII":      {basicAuth("ä", "x"), "auth.username characters"},
		"user name is a mask":         {basicAuth("[redacted]", "x"), "auth.username masked"},
		"user name of a bearer":       {webhook.Auth{Scheme: webhook.AuthBearer, Username: "u", Secret: webhook.NewSecret("x")}, "auth.username unsupported"},
		"secret of 4,096 bytes":       {bearer(long(4096)), "<nil>"},
		"secret of 4,097 bytes":       {bearer(long(4097)), "auth.secret characters"},
		"secret with a break":         {bearer("a\r\nX-Other: b"), "auth.secret characters"},
		"secret beyond ASCII":         {bearer("ä"), "auth.secret characters"},
		"secret with a space":         {bearer("x "), "auth.secret characters"},
		"password with a space":       {basicAuth("u", " x "), "<nil>"},
		"secret is a mask":            {bearer("[redacted]"), "auth.secret masked"},
		"endpoint without OAuth":      {webhook.Auth{Scheme: webhook.AuthBearer, Secret: webhook.NewSecret("x"), OAuth: webhook.OAuth{TokenURL: tokenURL}}, "auth.scheme unsupported"},
		"OAuth":                       {oauthAuth(), "<nil>"},
		"endpoint by http":            {of(func(o *webhook.OAuth) { o.TokenURL = "http://login.example.com/token" }), "auth.token_url A3"},
		"endpoint inside the network": {of(func(o *webhook.OAuth) { o.TokenURL = "https://10.0.0.1/token" }), "auth.token_url ADDR"},
		"endpoint is this machine":    {of(func(o *webhook.OAuth) { o.TokenURL = "https://localhost/token" }), "auth.token_url H5"},
		"endpoint with a user":        {of(func(o *webhook.OAuth) { o.TokenURL = "https://u:p@login.example.com/token" }), "auth.token_url USERINFO"},
		"endpoint on another port":    {of(func(o *webhook.OAuth) { o.TokenURL = "https://login.example.com:6379/token" }), "auth.token_url PORT"},
		"endpoint is a mask":          {of(func(o *webhook.OAuth) { o.TokenURL = "https://login.example.com/[redacted]" }), "auth.token_url A2"},
		"client ID of 255 bytes":      {of(func(o *webhook.OAuth) { o.ClientID = long(255) }), "<nil>"},
		"client ID of 256 bytes":      {of(func(o *webhook.OAuth) { o.ClientID = long(256) }), "auth.client_id characters"},
		"client ID is a mask":         {of(func(o *webhook.OAuth) { o.ClientID = "[redacted]" }), "auth.client_id masked"},
		"client ID with a colon":      {of(func(o *webhook.OAuth) { o.ClientID = "a:b" }), "<nil>"},
		"the same, sent as it is":     {of(func(o *webhook.OAuth) { o.ClientID, o.ClientAuth = "a:b", webhook.ClientBasicPlain }), "auth.client_id characters"},
		"20 scopes":                   {of(func(o *webhook.OAuth) { o.Scopes = strings.Fields(strings.Repeat("a ", 20)) }), "<nil>"},
		"21 scopes":                   {of(func(o *webhook.OAuth) { o.Scopes = strings.Fields(strings.Repeat("a ", 21)) }), "auth.scopes characters"},
		"a scope with a space":        {of(func(o *webhook.OAuth) { o.Scopes = []string{"a b"} }), "auth.scopes characters"},
		"an empty scope":              {of(func(o *webhook.OAuth) { o.Scopes = []string{""} }), "auth.scopes characters"},
		"a scope with a quote":        {of(func(o *webhook.OAuth) { o.Scopes = []string{`a"`} }), "auth.scopes characters"},
		"all of a scope":              {of(func(o *webhook.OAuth) { o.Scopes = []string{"!#[]~https://example.com/.default"} }), "<nil>"},
		"audience and resource":       {of(func(o *webhook.OAuth) { o.Audience, o.Resource = long(2048), long(2048) }), "<nil>"},
		"too long":                    {of(func(o *webhook.OAuth) { o.Audience, o.Resource = long(2049), long(2049) }), "auth.audience characters; auth.resource characters"},
		"unknown way":                 {of(func(o *webhook.OAuth) { o.ClientAuth = "jwt" }), "auth.client_auth unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, newStore(t), webhook.Standard(), nil)
			w, err := h.hooks.Add(ctx, plainHook(withAuth(c.auth)))
			if complaint(err) != c.want {
				t.Errorf("Add: %s, want %s", complaint(err), c.want)
			}
			if err == nil {
				if diff := cmp.Diff(w, h.webhook(w.ID)); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
			} else if ws, _ := h.hooks.List(ctx, scope); len(ws) > 0 {
				t.Error("it was stored all the same")
			}
		})
	}
}

// Rule: a Profile allows schemes, by default none but in Standard; what it does not allow is refused
// when it is entered, and not sent where it is stored all the same.
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
	p.Auth = []webhook.AuthScheme{webhook.AuthBasic, "digest"}
	if _, err := webhook.New(newStore(t), p, nil); err == nil {
		t.Error("a Profile with an unknown scheme was accepted")
	}
}

// Rule: a value that a header cannot carry is not sent, whoever wrote it into the table.
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

// Rule: with another URL what is stored of Auth must be entered again; with another token endpoint or
// client ID the client's secret must. A scheme takes nothing over from another one.
func TestAuthEditAsksAgain(t *testing.T) {
	t.Parallel()
	const other = "https://elsewhere.example.net/in"
	full := oauthAuth(func(a *webhook.Auth) { a.OAuth.Scopes = []string{"one"} })
	empty := func(s webhook.AuthScheme) webhook.Auth { return webhook.Auth{Scheme: s} }
	for name, c := range map[string]struct {
		stored, edit webhook.Auth
		url          string
		want         string
	}{
		"basic, empty":                     {basicAuth("user", "pass"), empty(webhook.AuthBasic), "", "<nil>"},
		"basic, another URL":               {basicAuth("user", "pass"), empty(webhook.AuthBasic), other, "auth.username again; auth.secret again"},
		"basic, another URL, password":     {basicAuth("user", "pass"), webhook.Auth{Scheme: webhook.AuthBasic, Secret: webhook.NewSecret("new")}, other, "auth.username again"},
		"basic, another URL, user":         {basicAuth("user", "pass"), webhook.Auth{Scheme: webhook.AuthBasic, Username: "new"}, other, "auth.secret again"},
		"basic, another URL, both":         {basicAuth("user", "pass"), basicAuth("user", "pass"), other, "<nil>"},
		"basic, another URL, removed":      {basicAuth("user", "pass"), webhook.Auth{}, other, "<nil>"},
		"bearer, another path":             {bearer("token"), empty(webhook.AuthBearer), publicURL + "/x", "auth.secret again"},
		"bearer becomes a value":           {bearer("token"), empty(webhook.AuthValue), "", "auth.secret required"},
		"client secret becomes a bearer":   {full, empty(webhook.AuthBearer), "", "auth.secret required"},
		"password becomes a client secret": {basicAuth("user", "pass"), webhook.Auth{Scheme: webhook.AuthOAuth, OAuth: full.OAuth}, "", "auth.secret required"},
		"OAuth, empty":                     {full, empty(webhook.AuthOAuth), "", "<nil>"},
		"OAuth, another URL":               {full, empty(webhook.AuthOAuth), other, "auth.secret again; auth.client_id again"},
		"OAuth, another token URL": {full, webhook.Auth{Scheme: webhook.AuthOAuth, OAuth: webhook.OAuth{TokenURL: "https://evil.example.net/t", ClientID: "client"}}, "",
			"auth.secret again"},
		"OAuth, another token URL alone": {full, webhook.Auth{Scheme: webhook.AuthOAuth, OAuth: webhook.OAuth{TokenURL: "https://evil.example.net/t"}}, "",
			"auth.secret again; auth.client_id again"},
		"OAuth, the same otherwise spelled": {full, webhook.Auth{Scheme: webhook.AuthOAuth, OAuth: webhook.OAuth{TokenURL: "HTTPS://LOGIN.example.com:443/T1/token"}}, "", "<nil>"},
		"OAuth, another client": {full, webhook.Auth{Scheme: webhook.AuthOAuth, OAuth: webhook.OAuth{ClientID: "other"}}, "",
			"auth.secret again"},
		"OAuth, other scopes": {full, webhook.Auth{Scheme: webhook.AuthOAuth, OAuth: webhook.OAuth{Scopes: []string{"two"}}}, "", "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, newStore(t), webhook.Standard(), nil)
			was, err := h.hooks.Add(ctx, plainHook(withAuth(c.stored)))
			if err != nil {
				t.Fatal(err)
			}
			in := webhook.Webhook{Scope: scope, ID: was.ID, Name: was.Name, Events: was.Events, URL: c.url, Auth: c.edit}
			is, err := h.hooks.Edit(ctx, in)
			if complaint(err) != c.want {
				t.Errorf("Edit: %s, want %s", complaint(err), c.want)
			}
			switch {
			case err != nil:
				if diff := cmp.Diff(was, h.webhook(was.ID)); diff != "" {
					t.Errorf("changed although refused (-was +is):\n%s", diff)
				}
			case c.edit.Scheme != "" && c.edit.Secret.IsZero() && !is.Auth.Secret.Equal(was.Auth.Secret):
				t.Error("the secret was not kept")
			}
		})
	}
}

// Rule: of an Auth printers and encoders show the scheme, the host of the token endpoint, and what
// is asked for; nothing that is secret.
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

// Rule: nothing of Auth that a receiver repeats is kept, in whatever form, however short.
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

// Rule: a Store that cannot open a webhook's secrets shows nothing of its Auth but the scheme, and
// an error of a validation holds nothing of it.
func TestAuthErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Standard(), nil)
	_, err := h.hooks.Add(ctx, plainHook(withAuth(webhook.Auth{Scheme: webhook.AuthOAuth, Username: "canary", Secret: webhook.NewSecret("canary\n"),
		OAuth: webhook.OAuth{TokenURL: "http://canary", ClientID: "canary\n", Scopes: []string{"canary canary"}, Audience: "canary\n", ClientAuth: "canary"}})))
	if !errors.Is(err, webhook.ErrInvalid) || strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
		t.Errorf("%v", err)
	}
}

// Rule: nothing of an Authorization or a client certificate appears in a log line, an error, a record, or what an
// Observer is given, whatever receiver and token endpoint say.
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
				var all everything
				h := newHost(t, newStore(t), webhook.Standard(), &webhook.Options{Transport: c.to, Logger: all.logger(), Observer: all.observer(), Poll: time.Hour, AllowClearKeys: true})
				w, err := h.hooks.Add(ctx, plainHook(withAuth(c.auth)))
				all.note("added", w, err)
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
				all.note("receipt", r, err)
				settled(30 * time.Second)
				all.ask(h, w)
				moved := w.Clone()
				moved.URL, moved.Version, moved.Auth = "https://elsewhere.example.net/x", 0, webhook.Auth{Scheme: c.auth.Scheme}
				_, err = h.hooks.Edit(ctx, moved)
				all.note("edited", err)
				all.check(t, 20)
				if text := all.String(); strings.Contains(text, "PRIVATE KEY") {
					t.Error("a private key got out")
				}
			})
		})
	}
}

// Rule: a preview shows that there is an Authorization and nothing of it, and fetches no token.
func TestAuthPreview(t *testing.T) {
	t.Parallel()
	for _, auth := range []webhook.Auth{basicAuth("userCanary", "secretCanary"), bearer("secretCanary"), oauthAuth()} {
		p := webhook.Standard()
		p.Header = func(_ webhook.Webhook, _ webhook.Delivery, h http.Header) {
			h.Set("Authorization", "of the profile")
			h.Set("X-Copy", "secretCanary")
		}
		h := newHost(t, newStore(t), p, nil)
		if _, err := h.hooks.Add(ctx, plainHook(withAuth(auth))); err != nil {
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
