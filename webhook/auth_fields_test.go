package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

// Rule: each refused value has its field and rule, and a refusal changes nothing.
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

// Rule: after a change of the URL the stored values of Auth must be entered again; after a change
// of the token endpoint or client ID the client's secret must. Another scheme takes nothing over.
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
