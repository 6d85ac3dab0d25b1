package webhook

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook/internal/oauth"
	"github.com/postrider/postrider/webhook/internal/redact"
)

// Auth makes the Authorization header of a webhook's requests. The zero value sends none. It is one
// of the credentials of a webhook: printing, logging or encoding it shows the scheme and nothing
// that is secret. A retry uses the Auth that the webhook has at that time.
type Auth struct {
	// Scheme is one of those in Profile.Form.Auth; empty for none.
	Scheme AuthScheme
	// Username goes with [AuthBasic]: 1 to 255 bytes of printable ASCII without ":".
	Username string
	// Secret is the password, the token, the whole value of the header, or the secret of
	// the OAuth 2.0 client: 1 to 4,096 bytes of printable ASCII.
	Secret Secret
	// OAuth goes with [AuthOAuth].
	OAuth OAuth
}

// AuthScheme names the content of an Authorization header.
type AuthScheme string

// The schemes. Their names are stored and never change.
const (
	AuthBasic  AuthScheme = "basic"  // user name and password: RFC 7617
	AuthBearer AuthScheme = "bearer" // a token that stays the same: RFC 6750
	AuthValue  AuthScheme = "value"  // the value as it was entered, such as "Token abc"
	AuthOAuth  AuthScheme = "oauth2" // a token that is fetched with client credentials: RFC 6749 section 4.4
)

// OAuth says where and how a token is fetched. Each process fetches its own, keeps it in memory
// until it ends, and stores it nowhere: a provider that bills tokens bills each process.
type OAuth struct {
	// TokenURL is the token endpoint. Profile.Form.AllowToken judges it when it is entered and
	// before each use, and its address when it is dialled.
	TokenURL string
	// ClientID is 1 to 255 bytes of printable ASCII, without ":" where ClientAuth is
	// [ClientBasicPlain].
	ClientID string
	// Scopes are requested: at most 20 scope tokens (RFC 6749 section 3.3) of 255 bytes.
	Scopes []string
	// Audience and Resource (RFC 8707) are sent where they are not empty, at most 2,048 bytes
	// of printable ASCII each.
	Audience, Resource string
	// ClientAuth says how the client authenticates.
	ClientAuth ClientAuth
}

// ClientAuth says how an OAuth 2.0 client sends its ID and secret.
type ClientAuth string

// The methods. Servers differ on whether they decode the form encoding of RFC 6749.
const (
	ClientBasic      ClientAuth = ""            // Basic, both parts form-encoded first: RFC 6749 section 2.3.1
	ClientBasicPlain ClientAuth = "basic_plain" // Basic, as they are
	ClientPost       ClientAuth = "post"        // in the body
)

const (
	maxUsername   = 255  // bytes
	maxClientID   = 255  // bytes
	maxScopes     = 20   //
	maxScopeToken = 255  // bytes
	maxParameter  = 2048 // bytes of Audience and of Resource
)

func (o OAuth) zero() bool {
	return o.TokenURL == "" && o.ClientID == "" && len(o.Scopes) == 0 && o.Audience == "" && o.Resource == "" && o.ClientAuth == ClientBasic
}

// IsZero reports whether a webhook has no Auth at all.
func (a Auth) IsZero() bool {
	return a.Scheme == "" && a.Username == "" && a.Secret.IsZero() && a.OAuth.zero()
}

// Equal reports whether two Auths send the same.
func (a Auth) Equal(b Auth) bool {
	return a.Scheme == b.Scheme && a.Username == b.Username && sameSecret(a.Secret, b.Secret) && a.OAuth.equal(b.OAuth)
}

func (o OAuth) equal(p OAuth) bool {
	return o.TokenURL == p.TokenURL && o.ClientID == p.ClientID && slices.Equal(o.Scopes, p.Scopes) &&
		o.Audience == p.Audience && o.Resource == p.Resource && o.ClientAuth == p.ClientAuth
}

// headerValue is the value of the header for a scheme that fetches no token.
func (a *Auth) headerValue() (string, error) {
	secret := a.Secret.Reveal()
	switch a.Scheme {
	case AuthBasic:
		return "Basic " + basicCredentials(a.Username, secret), nil
	case AuthBearer:
		return "Bearer " + secret, nil
	case AuthValue:
		return secret, nil
	}
	return "", errors.New("webhook: unknown scheme of Authorization")
}

func basicCredentials(username, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
}

// oauthClient describes the OAuth 2.0 client of a webhook.
func (w *Webhook) oauthClient() *oauth.Client {
	o := &w.Auth.OAuth
	return &oauth.Client{
		Owner: w.Scope, TokenURL: o.TokenURL, ID: o.ClientID, Secret: w.Auth.Secret.Reveal(),
		Scopes: o.Scopes, Audience: o.Audience, Resource: o.Resource, Auth: oauth.ClientAuth(o.ClientAuth),
	}
}

// secretParts lists the texts of an Auth that a receiver may echo and a tenant must not see.
func (a *Auth) secretParts() []string {
	secret := a.Secret.Reveal()
	parts := []string{secret, a.Username, a.OAuth.ClientID}
	switch a.Scheme {
	case AuthBasic:
		parts = append(parts, basicCredentials(a.Username, secret))
	case AuthOAuth:
		parts = append(parts, basicCredentials(a.OAuth.ClientID, secret),
			basicCredentials(url.QueryEscape(a.OAuth.ClientID), url.QueryEscape(secret)))
	}
	return parts
}

// setAuthorization sets the header and removes other spellings of its name.
func setAuthorization(h http.Header, value string) {
	for name := range h {
		if strings.EqualFold(name, "Authorization") {
			delete(h, name)
		}
	}
	h["Authorization"] = []string{value}
}

// masked returns an Auth without its credentials. Only scheme and host of the token endpoint
// remain.
func (a Auth) masked() shownAuth {
	mask := func(s string) string {
		if s == "" {
			return ""
		}
		return redact.Mask
	}
	out := shownAuth{a.Scheme, mask(a.Username), a.Secret, shownOAuth{
		redact.URL(a.OAuth.TokenURL), mask(a.OAuth.ClientID), a.OAuth.Scopes,
		maskIfURL(a.OAuth.Audience), maskIfURL(a.OAuth.Resource), a.OAuth.ClientAuth,
	}}
	return out
}

type shownAuth struct {
	Scheme   AuthScheme `json:"scheme"`
	Username string     `json:"username,omitempty"`
	Secret   Secret     `json:"secret"`
	OAuth    shownOAuth `json:"oauth,omitzero"`
}

type shownOAuth struct {
	TokenURL   string     `json:"token_url"`
	ClientID   string     `json:"client_id"`
	Scopes     []string   `json:"scopes,omitempty"`
	Audience   string     `json:"audience,omitempty"`
	Resource   string     `json:"resource,omitempty"`
	ClientAuth ClientAuth `json:"client_auth,omitempty"`
}

// IsZero reports whether there is nothing to show.
func (o shownOAuth) IsZero() bool { return o.TokenURL == "" && o.ClientID == "" && len(o.Scopes) == 0 }

// Format prints the Auth for every verb of package fmt, with "[redacted]" in place of user name,
// secret, client ID and the token URL after its host.
func (a Auth) Format(f fmt.State, verb rune) {
	if a.IsZero() {
		fmt.Fprint(f, "{}")
		return
	}
	if verb == 'v' && f.Flag('#') {
		fmt.Fprintf(f, "%#v", a.masked())
		return
	}
	fmt.Fprintf(f, "%+v", a.masked())
}

// String is the Auth as Format prints it.
func (a Auth) String() string { return fmt.Sprintf("%+v", a) }

// LogValue is the Auth in a log, masked like in Format.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalJSON encodes the Auth masked like in Format: it is for showing, not for storing.
func (a Auth) MarshalJSON() ([]byte, error) { return json.Marshal(a.masked()) }

// Format prints the OAuth for every verb of package fmt, masked as in an Auth.
func (o OAuth) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprintf(f, "%#v", Auth{OAuth: o}.masked().OAuth)
		return
	}
	fmt.Fprintf(f, "%+v", Auth{OAuth: o}.masked().OAuth)
}

// String is the OAuth as Format prints it.
func (o OAuth) String() string { return fmt.Sprintf("%+v", Auth{OAuth: o}.masked().OAuth) }

// LogValue is the OAuth in a log, masked like in Format.
func (o OAuth) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON encodes the OAuth masked like in Format: it is for showing, not for storing.
func (o OAuth) MarshalJSON() ([]byte, error) { return json.Marshal(Auth{OAuth: o}.masked().OAuth) }
