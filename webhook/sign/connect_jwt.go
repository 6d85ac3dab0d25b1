package sign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	authorization = "Authorization"
	jwtScheme     = "JWT"
	// jwtLife is the validity of a token, the same as in Atlassian's own signer.
	jwtLife = DefaultMaxLife
	// jwtHeader is the header of every token, in base64url:
	// {"typ":"JWT","alg":"HS256"}.
	jwtHeader = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"
	maxClaim  = 255 // bytes of an issuer or a subject
)

// ConnectOptions configures [ConnectJWT]. Nil, or a zero field, means the default.
type ConnectOptions struct {
	// Path says how the path enters the query hash; default PathRaw.
	Path PathMode
	// Subject returns the sub claim, the key or account ID of the user who caused
	// the event; nil, or the empty string, leaves it out.
	Subject func(r *http.Request, m Message) string
	// Context returns the context claim, a JSON value; nil, or no bytes, leaves it
	// out. Only older add-ons use it.
	Context func(r *http.Request, m Message) json.RawMessage
}

// ConnectJWT returns a Signer for the webhooks of Atlassian Connect. It sets the
// header field Authorization to "JWT " and a JSON Web Token (RFC 7519) with the
// algorithm HS256 and these claims:
//
//	iss  clientKey: who sends, such as "jira:1234-5678-9000"
//	iat  Message.Time in whole seconds
//	exp  180 seconds later
//	qsh  the hash of method, path and query, see QueryHash
//
// The token is valid for one request, with every parameter of its query. Every attempt has
// a new token, because the token of an earlier attempt may have expired. The body is
// not covered. baseURL is the add-on's base URL; the key is the UTF-8 text of the
// secret that both sides have shared since the add-on was installed.
//
// ConnectJWT returns a [*ConfigError] when the client key is empty, longer than 255
// bytes or not UTF-8, when the secret is empty or, where FIPS 140 is enforced, shorter
// than 14 bytes, and for a base URL without scheme
// and host or with more than those and a path. Sign returns one when the request
// lies outside the base URL, so that no other host gets a token, when its query
// cannot be hashed (see [CanonicalRequest]), when m.Time is before 1970, and for
// a subject or context that cannot be encoded.
func ConnectJWT(clientKey string, secret Secret, baseURL string, o *ConnectOptions) (Signer, error) {
	var opts ConnectOptions
	if o != nil {
		opts = *o
	}
	if clientKey == "" || len(clientKey) > maxClaim || !utf8.ValidString(clientKey) {
		return nil, &ConfigError{Field: "client key", Problem: "must have 1 to 255 bytes of UTF-8"}
	}
	if secret.IsZero() {
		return nil, &ConfigError{Field: "secret", Problem: "is empty"}
	}
	if _, err := newMAC("secret", []byte(secret.Reveal())); err != nil {
		return nil, err
	}
	if baseURL == "" {
		return nil, &ConfigError{Field: "base URL", Problem: "is empty"}
	}
	b, err := parseBase(baseURL, opts.Path)
	if err != nil {
		return nil, err
	}
	return Func(func(r *http.Request, m Message) error {
		if !b.contains(r.URL) {
			return &ConfigError{Field: "request URL", Problem: "lies outside the base URL of the add-on: it is not signed"}
		}
		if m.Time.Unix() < 0 {
			return &ConfigError{Field: "message time", Problem: "is not set, or lies before 1970"}
		}
		qsh, err := queryHash(r.Method, r.URL, b)
		if err != nil {
			return err
		}
		claims, err := opts.claims(r, m, clientKey, qsh)
		if err != nil {
			return err
		}
		unsigned := append([]byte(jwtHeader), '.')
		unsigned = base64.RawURLEncoding.AppendEncode(unsigned, claims)
		mac, err := newMAC("secret", []byte(secret.Reveal()))
		if err != nil {
			return err
		}
		mac.Write(unsigned) // HS256 of RFC 7518 section 3.2
		token := base64.RawURLEncoding.AppendEncode(append(unsigned, '.'), mac.Sum(nil))
		if len(token) > maxToken {
			return &ConfigError{Field: "token", Problem: "is longer than 8192 bytes: shorten the context"}
		}
		setHeader(r, authorization, jwtScheme+" "+string(token))
		return nil
	}), nil
}

// claims writes the claims in a fixed order.
func (o *ConnectOptions) claims(r *http.Request, m Message, clientKey, qsh string) ([]byte, error) {
	issued := m.Time.Unix()
	out := appendJSON([]byte(`{"iss":`), clientKey)
	out = strconv.AppendInt(append(out, `,"iat":`...), issued, 10)
	out = strconv.AppendInt(append(out, `,"exp":`...), issued+int64(jwtLife/time.Second), 10)
	out = appendJSON(append(out, `,"qsh":`...), qsh)
	if o.Subject != nil {
		if sub := o.Subject(r, m); sub != "" {
			if len(sub) > maxClaim || !utf8.ValidString(sub) {
				return nil, &ConfigError{Field: "subject", Problem: "must have up to 255 bytes of UTF-8"}
			}
			out = appendJSON(append(out, `,"sub":`...), sub)
		}
	}
	if o.Context != nil {
		if context := o.Context(r, m); len(context) > 0 {
			var compact bytes.Buffer
			if json.Compact(&compact, context) != nil {
				return nil, &ConfigError{Field: "context", Problem: "is not JSON"}
			}
			out = append(append(out, `,"context":`...), compact.Bytes()...)
		}
	}
	return append(out, '}'), nil
}

// appendJSON writes a string that is valid UTF-8, without the escapes for HTML.
func appendJSON(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // cannot fail for a string
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
