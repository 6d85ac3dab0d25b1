package sign

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// DefaultLeeway is how far the clocks of sender and receiver of a Connect token
// may differ.
const DefaultLeeway = 30 * time.Second

// DefaultMaxLife is how long a Connect token may count: as long as those of Atlassian
// and of [ConnectJWT] do.
const DefaultMaxLife = jwtLife

// maxToken bounds a token in bytes. Common servers stop at 8 KiB for all header
// fields together.
const maxToken = 8192

// ConnectReceiver is what the receiver of Connect webhooks knows.
type ConnectReceiver struct {
	// Secrets returns the secrets shared with a client key: several while one is
	// being replaced, none for a client key that never installed the add-on. The
	// key was not verified when it is called: it may be anything. Required.
	Secrets func(clientKey string) []Secret
	// BaseURL is the add-on's; its path is not part of the query hash. Empty means
	// the root.
	BaseURL string
	// Path says how the path enters the query hash; default PathRaw.
	Path PathMode
	// Leeway is how far the clocks may differ, in either direction; 0 means
	// DefaultLeeway. A negative one is refused.
	Leeway time.Duration
	// MaxLife is how long a token may count, from iat to exp; 0 means DefaultMaxLife. A
	// negative one is refused.
	MaxLife time.Duration
}

// ForClient is ConnectReceiver.Secrets for an add-on with one client.
func ForClient(clientKey string, secrets ...Secret) func(string) []Secret {
	return func(given string) []Secret {
		if given != clientKey {
			return nil
		}
		return secrets
	}
}

// ConnectClaims are what a verified token says.
type ConnectClaims struct {
	ClientKey         string // iss
	IssuedAt, Expires time.Time
	Subject           string          // sub, empty where absent
	Context           json.RawMessage // nil where absent
	QueryHash         string          // qsh
}

// VerifyConnectJWT checks a request that [ConnectJWT] signed, or any other sender
// of Atlassian Connect webhooks. Now is the receiver's time. Method, path and query
// of r must be as they came; the body is not looked at, and is not protected by
// the token.
//
// The algorithm is HS256, whatever the token says of itself. Only the header field
// is looked at: a token in the query, as Connect's pages in frames have it, is none
// of a webhook. The errors, told apart with errors.Is, in the order of the checks:
//
//	ErrMissingHeader    no Authorization field; Connect leaves it out when an add-on
//	                    has been uninstalled, on connect_addon_disabled alone
//	ErrMalformedHeader  another scheme than JWT, two fields, or no token of three
//	                    parts with an object each and the claims iss, iat, exp and qsh
//	ErrAlgorithm        another algorithm, such as none or RS256
//	ErrIssuer           Secrets knows nothing of the client key
//	ErrSignature        none of the secrets made the signature
//	ErrExpired          exp plus Leeway is not after now
//	ErrTooNew           iat or nbf minus Leeway lies after now
//	ErrLifetime         exp lies further behind iat than MaxLife
//	ErrQueryHash        the token is for another request
//
// It returns a [*ConfigError] for a receiver that is not set up, also one with a secret
// that is too short for FIPS 140, where that is enforced. Comparisons of
// signatures and hashes take the same time wherever they differ. An observer of a
// token can send it again with another body until it expires: use TLS, and
// drop an identifier that you have had.
func VerifyConnectJWT(r *http.Request, now time.Time, c ConnectReceiver) (ConnectClaims, error) {
	if c.Secrets == nil {
		return ConnectClaims{}, &ConfigError{Field: "Secrets", Problem: "is missing: give a function, such as that of ForClient"}
	}
	if c.Leeway < 0 {
		return ConnectClaims{}, &ConfigError{Field: "leeway", Problem: "is negative"}
	}
	if c.MaxLife < 0 {
		return ConnectClaims{}, &ConfigError{Field: "longest life", Problem: "is negative"}
	}
	b, err := parseBase(c.BaseURL, c.Path)
	if err != nil {
		return ConnectClaims{}, err
	}
	token, err := bearer(r.Header)
	if err != nil {
		return ConnectClaims{}, err
	}
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return ConnectClaims{}, malformedToken("three parts")
	}
	if err := checkAlgorithm(parts[0]); err != nil {
		return ConnectClaims{}, err
	}
	claims, notBefore, err := parseClaims(parts[1])
	if err != nil {
		return ConnectClaims{}, err
	}
	if err := c.checkSignature(claims.ClientKey, parts[0]+"."+parts[1], parts[2]); err != nil {
		return ConnectClaims{}, err
	}
	leeway := cmp.Or(c.Leeway, DefaultLeeway)
	switch latest := now.Add(leeway); {
	case !now.Add(-leeway).Before(claims.Expires):
		return ConnectClaims{}, ErrExpired
	case claims.IssuedAt.After(latest), notBefore.After(latest):
		return ConnectClaims{}, ErrTooNew
	case claims.Expires.Sub(claims.IssuedAt) > cmp.Or(c.MaxLife, DefaultMaxLife):
		return ConnectClaims{}, ErrLifetime
	}
	// What cannot be hashed was not hashed by the sender either.
	want, err := queryHash(r.Method, r.URL, b)
	if err != nil || subtle.ConstantTimeCompare([]byte(want), []byte(claims.QueryHash)) != 1 {
		return ConnectClaims{}, ErrQueryHash
	}
	return claims, nil
}

// bearer returns the token of the Authorization field. The name of a scheme is
// compared as RFC 9110 section 11.1 has it, in any case.
func bearer(h http.Header) (string, error) {
	value, err := one(h, authorization)
	if err != nil {
		return "", fmt.Errorf("%w: authorization", err)
	}
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, jwtScheme) || token == "" {
		return "", fmt.Errorf("%w: authorization", ErrMalformedHeader)
	}
	return token, nil
}

func malformedToken(want string) error {
	return fmt.Errorf("%w: authorization: a token has %s", ErrMalformedHeader, want)
}

// checkAlgorithm reads the first part of a token for one thing: that it does not
// ask for another algorithm. Extensions that must be understood (RFC 7515 section
// 4.1.11) are not.
func checkAlgorithm(part string) error {
	header, ok := decodeObject(part)
	if !ok || header["crit"] != nil {
		return malformedToken("a header that is an object without crit")
	}
	if alg, ok := text(header["alg"]); !ok || alg != "HS256" {
		return ErrAlgorithm
	}
	return nil
}

func (c *ConnectReceiver) checkSignature(clientKey, unsigned, part string) error {
	secrets := c.Secrets(clientKey)
	if len(secrets) == 0 {
		return ErrIssuer
	}
	macs, err := newMACs(secrets)
	if err != nil {
		return err
	}
	given, ok := decodeBase64(base64.RawURLEncoding, part)
	if !ok || !anyFits(macs, []byte(unsigned), given) {
		return ErrSignature
	}
	return nil
}

// parseClaims reads the second part of a token; nbf is optional and zero where absent.
func parseClaims(part string) (c ConnectClaims, notBefore time.Time, err error) {
	m, ok := decodeObject(part)
	var isText, isHash, isIssued, isExpiry bool
	c.ClientKey, isText = text(m["iss"])
	c.QueryHash, isHash = text(m["qsh"])
	c.IssuedAt, isIssued = date(m["iat"])
	c.Expires, isExpiry = date(m["exp"])
	if !ok || !isText || !isHash || !isIssued || !isExpiry {
		return ConnectClaims{}, time.Time{}, malformedToken("the claims iss, iat, exp and qsh")
	}
	if raw, given := m["sub"]; given && json.Unmarshal(raw, &c.Subject) != nil { // null is none
		return ConnectClaims{}, time.Time{}, malformedToken("a sub that is text")
	}
	if raw, given := m["nbf"]; given {
		if notBefore, ok = date(raw); !ok {
			return ConnectClaims{}, time.Time{}, malformedToken("an nbf that is a number")
		}
	}
	c.Context = m["context"]
	return c, notBefore, nil
}

// decodeObject reads a part of a token. The names of its members are compared
// exactly, which encoding/json does for maps only.
func decodeObject(part string) (m map[string]json.RawMessage, ok bool) {
	data, ok := decodeBase64(base64.RawURLEncoding, part)
	if !ok || json.Unmarshal(data, &m) != nil {
		return nil, false
	}
	return m, m != nil
}

// text reads a string that is not empty.
func text(raw json.RawMessage) (s string, ok bool) {
	ok = json.Unmarshal(raw, &s) == nil
	return s, ok && s != ""
}

// date reads a NumericDate of RFC 7519 section 2: seconds since 1970, maybe with
// a fraction, which is cut off.
func date(raw json.RawMessage) (time.Time, bool) {
	var seconds *float64
	if json.Unmarshal(raw, &seconds) != nil || seconds == nil || math.Abs(*seconds) > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(*seconds), 0), true
}
