package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/redact"
)

func (s AuthScheme) known() bool {
	return s == AuthBasic || s == AuthBearer || s == AuthValue || s == AuthOAuth
}

// validateAuth checks a webhook's Auth and makes the URL of its token endpoint canonical.
func (m *Manager) validateAuth(w *Webhook, add func(field, rule, message string)) {
	a := &w.Auth
	switch {
	case a.IsZero():
		return
	case !a.Scheme.known() || !slices.Contains(m.d.profile.Form.Auth, a.Scheme):
		add("auth.scheme", "unsupported", "This kind of authorization cannot be used here.")
		return
	}
	validateUsername(a, add)
	validateAuthSecret(a, add)
	if a.Scheme == AuthOAuth {
		m.validateOAuth(&a.OAuth, add)
	} else if !a.OAuth.zero() {
		add("auth.scheme", "unsupported", "A token endpoint goes with OAuth 2.0 only.")
	}
}

func validateUsername(a *Auth, add func(field, rule, message string)) {
	switch {
	case a.Scheme != AuthBasic:
		if a.Username != "" {
			add("auth.username", "unsupported", "A user name goes with Basic only.")
		}
	case a.Username == "":
		add("auth.username", "required", "Enter the user name.")
	case a.Username == redact.Mask:
		add("auth.username", "masked", "This is the mask that is shown in place of a user name; enter the name itself.")
	case len(a.Username) > maxUsername || strings.Contains(a.Username, ":") || !ascii.IsPrintable(a.Username):
		add("auth.username", "characters", fmt.Sprintf("A user name may hold up to %d characters of printable ASCII, without a colon.", maxUsername))
	}
}

func validateAuthSecret(a *Auth, add func(field, rule, message string)) {
	name := map[AuthScheme]string{AuthBasic: "password", AuthBearer: "token", AuthValue: "value", AuthOAuth: "client secret"}[a.Scheme]
	switch text := a.Secret.Reveal(); {
	case text == "":
		add("auth.secret", "required", "Enter the "+name+".")
	case text == redact.Mask:
		add("auth.secret", "masked", "This is the mask that is shown in place of a "+name+"; enter the "+name+" itself.")
	case len(text) > maxSecret || !ascii.IsPrintable(text), a.Scheme != AuthBasic && strings.TrimSpace(text) != text:
		add("auth.secret", "characters", fmt.Sprintf("A %s may hold up to %d characters of printable ASCII, without a space at either end.", name, maxSecret))
	}
}

func (m *Manager) validateOAuth(o *OAuth, add func(field, rule, message string)) {
	canonical, err := m.d.profile.Form.AllowToken.CheckURL(o.TokenURL)
	var refused *allowlist.Error
	switch {
	case o.TokenURL == "":
		add("auth.token_url", "required", "Enter the URL of the token endpoint.")
	case errors.As(err, &refused):
		add("auth.token_url", refused.Rule, sentence("This URL is not allowed: "+refused.Reason))
	default:
		o.TokenURL = canonical
	}
	switch {
	case o.ClientID == "":
		add("auth.client_id", "required", "Enter the client ID.")
	case o.ClientID == redact.Mask:
		add("auth.client_id", "masked", "This is the mask that is shown in place of a client ID; enter the ID itself.")
	case len(o.ClientID) > maxClientID || !ascii.IsPrintable(o.ClientID):
		add("auth.client_id", "characters", fmt.Sprintf("A client ID may hold up to %d characters of printable ASCII.", maxClientID))
	case o.ClientAuth == ClientBasicPlain && strings.Contains(o.ClientID, ":"):
		add("auth.client_id", "characters", "A client ID that is sent as it is may hold no colon.")
	}
	if len(o.Scopes) > maxScopes || slices.ContainsFunc(o.Scopes, func(s string) bool { return !scopeToken(s) }) {
		add("auth.scopes", "characters", fmt.Sprintf("There may be up to %d scopes of %d characters of printable ASCII without spaces, quotes and backslashes.", maxScopes, maxScopeToken))
	}
	for field, value := range map[string]string{"auth.audience": o.Audience, "auth.resource": o.Resource} {
		if len(value) > maxParameter || !ascii.IsPrintable(value) || value == redact.Mask {
			add(field, "characters", fmt.Sprintf("This may hold up to %d characters of printable ASCII.", maxParameter))
		}
	}
	if o.ClientAuth != ClientBasic && o.ClientAuth != ClientBasicPlain && o.ClientAuth != ClientPost {
		add("auth.client_auth", "unsupported", "This way of sending client ID and secret is unknown.")
	}
}

// scopeToken is RFC 6749 section 3.3: 1*( %x21 / %x23-5B / %x5D-7E ).
func scopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= 0x20 || c > 0x7E || c == '"' || c == '\\' {
			return false
		}
	}
	return s != "" && len(s) <= maxScopeToken
}

// keptAuth names the values that an edit leaves empty and takes over from the stored Auth.
type keptAuth struct{ username, secret, tokenURL, clientID bool }

// keepAuth fills the empty values of an Auth of the same scheme. Another scheme takes nothing over,
// because it may go to another receiver.
func keepAuth(stored, next *Auth) (k keptAuth) {
	if next.Scheme == "" || next.Scheme != stored.Scheme {
		return k
	}
	if next.Secret.IsZero() && !stored.Secret.IsZero() {
		next.Secret, k.secret = stored.Secret, true
	}
	keep := func(to *string, from string) bool {
		if *to != "" || from == "" {
			return false
		}
		*to = from
		return true
	}
	k.username = keep(&next.Username, stored.Username)
	k.tokenURL = keep(&next.OAuth.TokenURL, stored.OAuth.TokenURL)
	k.clientID = keep(&next.OAuth.ClientID, stored.OAuth.ClientID)
	return k
}

// mustReenter reports the stored values of an Auth that would reach another receiver: the
// webhook's, if that has moved, or the token endpoint. The webhook's receiver gets the token, and
// with it the rights of the client.
func (k keptAuth) mustReenter(p *Profile, moved bool, stored, next *Auth) (out []FieldError) {
	why := "the webhook goes to another URL."
	if next.Scheme == AuthOAuth && !moved {
		switch {
		case !sameTokenURL(p, stored, next):
			moved, why = true, "the token endpoint is another one."
		case stored.OAuth.ClientID != next.OAuth.ClientID:
			moved, why = true, "the client ID is another one."
		}
	}
	if !moved {
		return nil
	}
	if k.username {
		out = append(out, FieldError{"auth.username", "again", "Enter the user name again: " + why})
	}
	if k.secret {
		out = append(out, FieldError{"auth.secret", "again", "Enter the secret again: " + why})
	}
	if k.clientID {
		out = append(out, FieldError{"auth.client_id", "again", "Enter the client ID again: " + why})
	}
	return out
}

func sameTokenURL(p *Profile, stored, next *Auth) bool {
	if stored.OAuth.TokenURL == next.OAuth.TokenURL {
		return true
	}
	canonical, err := p.Form.AllowToken.CheckURL(stored.OAuth.TokenURL)
	return err == nil && canonical == next.OAuth.TokenURL
}
