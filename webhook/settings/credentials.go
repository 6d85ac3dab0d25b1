package settings

import (
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// credentialsView is the part of the form for Authorization and client certificates. It holds no
// value of a credential.
type credentialsView struct {
	Typed    map[string]string // after a mistake, by field name: input that is neither secret nor hidden once stored
	Schemes  []option          // nil where the Profile allows none
	Ways     []option          // ways to send client ID and secret
	Stored   bool              // user name, secret, client ID and URL of the token endpoint are stored
	TokenAt  string            // scheme and host of the stored token endpoint
	Scopes   string
	Audience string
	Resource string

	TLS         bool
	Certificate *certificateView // the stored one
	PEM, Roots  string           // as entered; they are not secret
	HasKey      bool

	Errors map[string]string // by field
}

// credentials returns that part of the form; nil where the form has none.
func (v *visit) credentials(w *webhook.Webhook, t *Texts) *credentialsView {
	allowed, a := v.d.Profile().Form.Auth, &w.Auth
	if len(allowed) == 0 && !v.o.ClientCertificates {
		return nil
	}
	c := &credentialsView{TLS: v.o.ClientCertificates, Errors: map[string]string{}}
	if len(allowed) > 0 {
		for _, s := range append([]webhook.AuthScheme{""}, allowed...) {
			c.Schemes = append(c.Schemes, option{string(s), t.AuthSchemes[s], s == a.Scheme})
		}
		for _, way := range []webhook.ClientAuth{webhook.ClientBasic, webhook.ClientBasicPlain, webhook.ClientPost} {
			c.Ways = append(c.Ways, option{string(way), t.ClientAuths[way], way == a.OAuth.ClientAuth})
		}
		if w.ID != "" {
			c.Stored, c.TokenAt = !a.Secret.IsZero(), hostOf(a.OAuth.TokenURL)
		}
		c.Scopes, c.Audience, c.Resource = strings.Join(a.OAuth.Scopes, " "), a.OAuth.Audience, a.OAuth.Resource
	}
	c.PEM, c.Roots, c.HasKey = shownPEM(w.TLS.Certificate), shownPEM(w.TLS.RootCAs), w.ID != "" && !w.TLS.Key.IsZero()
	c.Certificate = v.clock().certificate(w.TLS.Certificate)
	return c
}

// readAuth puts the input for Authorization and client certificate into w. Values whose fields the
// form lacks stay. For an empty field the Manager keeps the stored value or asks for it again.
func (v *visit) readAuth(w *webhook.Webhook) {
	form := v.r.PostForm
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	stored := w.Auth
	w.Auth.Username, w.Auth.Secret, w.Auth.OAuth.TokenURL, w.Auth.OAuth.ClientID, w.TLS.Key = "", webhook.Secret{}, "", "", webhook.Secret{}
	if form.Has("auth.scheme") {
		w.Auth = webhook.Auth{Scheme: webhook.AuthScheme(form.Get("auth.scheme"))}
	}
	if w.Auth.Scheme == webhook.AuthBasic {
		w.Auth.Username = form.Get("auth.username")
	}
	if w.Auth.Scheme != "" {
		w.Auth.Secret = webhook.NewSecret(form.Get("auth.secret"))
	}
	if w.Auth.Scheme == webhook.AuthOAuth {
		w.Auth.OAuth = webhook.OAuth{TokenURL: text("auth.token_url"), ClientID: text("auth.client_id"), Scopes: strings.Fields(form.Get("auth.scopes")),
			Audience: text("auth.audience"), Resource: text("auth.resource"), ClientAuth: webhook.ClientAuth(form.Get("auth.client_auth"))}
		if !form.Has("auth.scheme") {
			o := stored.OAuth
			w.Auth.OAuth = webhook.OAuth{Scopes: o.Scopes, Audience: o.Audience, Resource: o.Resource, ClientAuth: o.ClientAuth}
		}
	}
	if v.o.ClientCertificates && form.Has("tls.certificate") {
		w.TLS = webhook.ClientTLS{Certificate: v.pem("tls.certificate", w.TLS.Certificate), Key: webhook.NewSecret(v.pem("tls.key", "")),
			RootCAs: v.pem("tls.root_cas", w.TLS.RootCAs)}
	}
}

// credentialFields are the fields of credentialsView, by the names of webhook.FieldError.
var credentialFields = []string{"auth.scheme", "auth.username", "auth.secret", "auth.token_url", "auth.client_id", "auth.scopes",
	"auth.audience", "auth.resource", "auth.client_auth", "tls"}

// wrong puts a message beside its field, the first one where there are several, and reports whether
// the field exists.
func (c *credentialsView) wrong(field, message string) bool {
	if c == nil || !slices.Contains(credentialFields, field) || !c.TLS && field == "tls" || c.Schemes == nil && field != "tls" {
		return false
	}
	if c.Errors[field] == "" {
		c.Errors[field] = message
	}
	return true
}

// shownAuth returns the values that the form shows again after a mistake: the chosen scheme, its
// parts that are not secret, and whether a stored credential can be kept.
func shownAuth(typed, stored webhook.Auth) webhook.Auth {
	out := typed
	out.Username, out.Secret, out.OAuth.TokenURL, out.OAuth.ClientID = "", webhook.Secret{}, "", ""
	if typed.Scheme == stored.Scheme {
		out.Secret, out.OAuth.TokenURL = stored.Secret, stored.OAuth.TokenURL
	}
	return out
}
