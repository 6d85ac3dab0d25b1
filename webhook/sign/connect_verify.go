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

// DefaultLeeway is the permitted difference between the clocks of sender and receiver
// of a Connect token.
const DefaultLeeway = 30 * time.Second

// DefaultMaxLife is the longest permitted validity of a Connect token, the validity of the
// tokens of Atlassian and of [ConnectJWT].
const DefaultMaxLife = 180 * time.Second

// maxToken bounds a token in bytes. Common servers limit all header fields together to
// 8 KiB.
const maxToken = 8192

// ConnectReceiver configures [VerifyConnectJWT].
type ConnectReceiver struct {
	// Secrets returns the secrets shared with a client key: several during a
	// rotation, none for a client key that never installed the add-on. The client
	// key is not verified yet and may be any text. Required.
	Secrets func(clientKey string) []Secret
	// BaseURL is the add-on's base URL. Its path is not part of the query hash. Empty
	// means the root.
	BaseURL string
	// Path says how the path enters the query hash; default PathRaw.
	Path PathMode
	// Leeway is the permitted difference between the clocks, in either direction; 0
	// means DefaultLeeway. A negative value is refused.
	Leeway time.Duration
	// MaxLife is the longest permitted time from iat to exp; 0 means DefaultMaxLife. A
	// negative value is refused.
	MaxLife time.Duration
}

// ForClient returns a ConnectReceiver.Secrets for an add-on with one client.
func ForClient(clientKey string, secrets ...Secret) func(string) []Secret {
	return func(given string) []Secret {
		if given != clientKey {
			return nil
		}
		return secrets
	}
}

// ConnectClaims are the claims of a verified token.
type ConnectClaims struct {
	ClientKey         string // iss
	IssuedAt, Expires time.Time
	Subject           string          // sub, empty where absent
	Context           json.RawMessage // nil where absent
	QueryHash         string          // qsh
}

// VerifyConnectJWT checks a request that [ConnectJWT], or any other sender of Atlassian
// Connect webhooks, signed. Now is the receiver's time. Method, path and query
// of r must be unchanged since the request arrived. The body is not read, and the token
// does not protect it.
//
// The callbacks about installation and removal, in the lifecycle of a descriptor, are no webhooks.
// Atlassian signs them with RS256 and a key of its own, which the key ID in the token names, so
// they end with ErrAlgorithm here.
//
// The algorithm is always HS256. Only the header field is read: Connect uses a token in the
// query for pages in frames, not for webhooks. The errors, for errors.Is, in the order of
// the checks:
//
//	ErrMissingHeader    no Authorization field; Connect omits it only for
//	                    connect_addon_disabled after an add-on was uninstalled
//	ErrMalformedHeader  another scheme than JWT, two fields, or no token of three
//	                    parts with an object each and the claims iss, iat, exp and qsh
//	ErrAlgorithm        another algorithm, such as none or RS256
//	ErrIssuer           Secrets returns no secret for the client key
//	ErrSignature        no secret matches the signature
//	ErrExpired          exp plus Leeway is not after now
//	ErrTooNew           iat or nbf minus Leeway is after now
//	ErrLifetime         exp is later than iat plus MaxLife
//	ErrQueryHash        the token is for another request
//
// It returns a [*ConfigError] for an incomplete receiver, and for a secret that is too
// short for FIPS 140 where that is enforced. Comparisons of signatures and hashes take
// constant time. An observer of a token can send it again with another body until it
// expires: use TLS, and drop identifiers that were received before.
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
	// The sender cannot have hashed a request that cannot be hashed here.
	want, err := queryHash(r.Method, r.URL, b)
	if err != nil || subtle.ConstantTimeCompare([]byte(want), []byte(claims.QueryHash)) != 1 {
		return ConnectClaims{}, ErrQueryHash
	}
	return claims, nil
}

// bearer returns the token of the Authorization field. The name of the scheme may have
// any case (RFC 9110 section 11.1).
func bearer(h http.Header) (string, error) {
	value, err := singleValue(h, authorization)
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

// checkAlgorithm checks that the first part of a token does not ask for another
// algorithm. It refuses critical extensions (RFC 7515 section 4.1.11).
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
	if raw, given := m["sub"]; given && json.Unmarshal(raw, &c.Subject) != nil { // null means absent
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

// decodeObject decodes a part of a token into a map, because encoding/json compares the
// names of members exactly for maps only.
func decodeObject(part string) (m map[string]json.RawMessage, ok bool) {
	data, ok := decodeBase64(base64.RawURLEncoding, part)
	if !ok || json.Unmarshal(data, &m) != nil {
		return nil, false
	}
	return m, m != nil
}

// text decodes a nonempty string.
func text(raw json.RawMessage) (s string, ok bool) {
	ok = json.Unmarshal(raw, &s) == nil
	return s, ok && s != ""
}

// date decodes a NumericDate of RFC 7519 section 2: seconds since 1970. It cuts off a
// fraction.
func date(raw json.RawMessage) (time.Time, bool) {
	var seconds *float64
	if json.Unmarshal(raw, &seconds) != nil || seconds == nil || math.Abs(*seconds) > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(*seconds), 0), true
}
