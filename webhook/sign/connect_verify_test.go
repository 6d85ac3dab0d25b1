package sign_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// forge makes a token with any header and claims.
func forge(h func() hash.Hash, secret, header, claims string) string {
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(plainHMAC(h, secret, unsigned))
}

const (
	goodHeader = `{"typ":"JWT","alg":"HS256"}`
	goodSecret = "shared-secret-example"
	goodQSH    = "694ec64c12b3f1f1aadc85d974f1513cd9a78b5a13e7793ed0c2234bfe1679ba"
	goodClaims = `{"iss":"jira:client-key","iat":1700000000,"exp":1700000180,"qsh":"` + goodQSH + `"}`
)

// claims is goodClaims with one text replaced.
func claims(tb testing.TB, old, new string) string {
	tb.Helper()
	if !strings.Contains(goodClaims, old) {
		tb.Fatalf("no %q in the claims", old)
	}
	return strings.Replace(goodClaims, old, new, 1)
}

func good(tb testing.TB, old, new string) []string {
	tb.Helper()
	return []string{"JWT " + forge(sha256.New, goodSecret, goodHeader, claims(tb, old, new))}
}

func TestVerifyConnectJWT(t *testing.T) {
	t.Parallel()
	token := forge(sha256.New, goodSecret, goodHeader, goodClaims)
	p := strings.Split(token, ".")
	head := func(header string) []string {
		return []string{"JWT " + forge(sha256.New, goodSecret, header, goodClaims)}
	}
	flipped := []byte(p[2])
	flipped[0] ^= 1
	rsa := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"RS256"}`))
	tests := []struct {
		name   string
		header []string
		want   error
	}{
		{"as sent", []string{"JWT " + token}, nil},
		{"the scheme in other case", []string{"jwt " + token}, nil},
		{"no header", nil, sign.ErrMissingHeader},
		{"an empty header", []string{""}, sign.ErrMissingHeader},
		{"two headers", []string{"JWT " + token, "JWT " + token}, sign.ErrMalformedHeader},
		{"another scheme", []string{"Bearer " + token}, sign.ErrMalformedHeader},
		{"no scheme", []string{token}, sign.ErrMalformedHeader},
		{"no token", []string{"JWT"}, sign.ErrMalformedHeader},
		{"an empty token", []string{"JWT "}, sign.ErrMalformedHeader},
		{"two parts", []string{"JWT " + p[0] + "." + p[1]}, sign.ErrMalformedHeader},
		{"four parts", []string{"JWT " + token + "."}, sign.ErrMalformedHeader},
		{"longer than 8192 bytes", []string{"JWT " + token + strings.Repeat("A", 8192)}, sign.ErrMalformedHeader},
		{"a header that is not base64", []string{"JWT ***." + p[1] + "." + p[2]}, sign.ErrMalformedHeader},
		{"a header with padding", []string{"JWT " + p[0] + "=." + p[1] + "." + p[2]}, sign.ErrMalformedHeader},
		{"a header that is null", head(`null`), sign.ErrMalformedHeader},
		{"a header that is a list", head(`[]`), sign.ErrMalformedHeader},
		{"what must be understood", head(`{"alg":"HS256","crit":["b64"],"b64":false}`), sign.ErrMalformedHeader},
		{"without typ", head(`{"alg":"HS256"}`), nil},
		{"no algorithm", head(`{"typ":"JWT"}`), sign.ErrAlgorithm},
		{"algorithm none", []string{"JWT " + strings.TrimSuffix(forge(sha256.New, "", `{"alg":"none"}`, goodClaims), p[2])}, sign.ErrAlgorithm},
		{"algorithm None, unsigned", []string{"JWT " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None"}`)) + "." + p[1] + "."}, sign.ErrAlgorithm},
		{"algorithm RS256, signed with the public text", []string{"JWT " + rsa + "." + p[1] + "." + p[2]}, sign.ErrAlgorithm},
		{"algorithm HS512, right secret", []string{"JWT " + forge(sha512.New, goodSecret, `{"alg":"HS512"}`, goodClaims)}, sign.ErrAlgorithm},
		{"algorithm in lower case", head(`{"alg":"hs256"}`), sign.ErrAlgorithm},
		{"algorithm under another name", head(`{"ALG":"HS256"}`), sign.ErrAlgorithm},
		{"a list of algorithms", head(`{"alg":["HS256"]}`), sign.ErrAlgorithm},
		{"another issuer", good(t, "jira:client-key", "jira:other"), sign.ErrIssuer},
		{"no issuer", good(t, `"iss":"jira:client-key",`, ``), sign.ErrMalformedHeader},
		{"an empty issuer", good(t, `jira:client-key`, ``), sign.ErrMalformedHeader},
		{"an issuer that is a number", good(t, `"jira:client-key"`, `1`), sign.ErrMalformedHeader},
		{"the wrong secret", []string{"JWT " + forge(sha256.New, "guess", goodHeader, goodClaims)}, sign.ErrSignature},
		{"an empty secret", []string{"JWT " + forge(sha256.New, "", goodHeader, goodClaims)}, sign.ErrSignature},
		{"no signature", []string{"JWT " + p[0] + "." + p[1] + "."}, sign.ErrSignature},
		{"half a signature", []string{"JWT " + p[0] + "." + p[1] + "." + p[2][:20]}, sign.ErrSignature},
		{"one bit flipped", []string{"JWT " + p[0] + "." + p[1] + "." + string(flipped)}, sign.ErrSignature},
		{"a signature with padding", []string{"JWT " + token + "="}, sign.ErrSignature},
		{"loose last bits", []string{"JWT " + token[:len(token)-1] + "9"}, sign.ErrSignature},
		{"other claims, same signature", []string{"JWT " + p[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(claims(t, "180", "999"))) + "." + p[2]}, sign.ErrSignature},
		{"no expiry", good(t, `"exp":1700000180,`, ``), sign.ErrMalformedHeader},
		{"an expiry that is null", good(t, `1700000180`, `null`), sign.ErrMalformedHeader},
		{"an expiry that is text", good(t, `1700000180`, `"1700000180"`), sign.ErrMalformedHeader},
		{"an expiry beyond all time", good(t, `1700000180`, `1e300`), sign.ErrMalformedHeader},
		{"an expiry with a fraction", good(t, `1700000180`, `1700000180.5`), nil},
		{"no time of issue", good(t, `"iat":1700000000,`, ``), sign.ErrMalformedHeader},
		{"counts for a second too long", good(t, `1700000180`, `1700000181`), sign.ErrLifetime},
		{"counts for ever", good(t, `1700000180`, `99999999999`), sign.ErrLifetime},
		{"issued long ago and good for ever", good(t, `"iat":1700000000,"exp":1700000180`, `"iat":-99999999999,"exp":99999999999`), sign.ErrLifetime},
		{"expired", good(t, `1700000180`, `1699999970`), sign.ErrExpired},
		{"expired long ago", good(t, `1700000180`, `-5`), sign.ErrExpired},
		{"issued too far ahead", good(t, `1700000000,`, `1700000031,`), sign.ErrTooNew},
		{"not before too far ahead", good(t, `"exp"`, `"nbf":1700000031,"exp"`), sign.ErrTooNew},
		{"not before within the leeway", good(t, `"exp"`, `"nbf":1700000030,"exp"`), nil},
		{"not before is no number", good(t, `"exp"`, `"nbf":"x","exp"`), sign.ErrMalformedHeader},
		{"no query hash", good(t, `,"qsh":"`+goodQSH+`"`, ``), sign.ErrMalformedHeader},
		{"another query hash", good(t, goodQSH, strings.Repeat("0", 64)), sign.ErrQueryHash},
		{"a query hash in capitals", good(t, goodQSH, strings.ToUpper(goodQSH)), sign.ErrQueryHash},
		{"the hash of a page in a frame", good(t, goodQSH, "context-qsh"), sign.ErrQueryHash},
		{"a subject that is null", good(t, `}`, `,"sub":null}`), nil},
		{"a subject that is an object", good(t, `}`, `,"sub":{}}`), sign.ErrMalformedHeader},
		{"claims it does not know", good(t, `}`, `,"aud":["x"],"context":{}}`), nil},
		{"the last of two issuers counts", good(t, `}`, `,"iss":"jira:other"}`), sign.ErrIssuer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, connectURL, nil)
			r.Header["Authorization"] = tt.header
			got, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{
				Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase})
			if !errors.Is(err, tt.want) {
				t.Errorf("VerifyConnectJWT = %v, want %v", err, tt.want)
			}
			if err != nil && (got.ClientKey != "" || strings.Contains(err.Error(), p[2])) {
				t.Errorf("a refusal shows claims %+v or the token: %v", got, err)
			}
		})
	}
}

func TestVerifyConnectJWTLeeway(t *testing.T) {
	t.Parallel()
	issued, expires := connectTime, connectTime.Add(180*time.Second)
	r := connectRequest(t, mustConnect(t, nil), issued)
	tests := []struct {
		name   string
		now    time.Time
		leeway time.Duration
		want   error
	}{
		{"at once", issued, 0, nil},
		{"default, a moment before the end", expires.Add(30*time.Second - 1), 0, nil},
		{"default, at the end", expires.Add(30 * time.Second), 0, sign.ErrExpired},
		{"default, exactly as far ahead as allowed", issued.Add(-30 * time.Second), 0, nil},
		{"default, a moment further ahead", issued.Add(-30*time.Second - 1), 0, sign.ErrTooNew},
		{"next to none, before the end", expires.Add(-1), 1, nil},
		{"next to none, past the end", expires.Add(1), 1, sign.ErrExpired},
		{"an hour", expires.Add(time.Hour - 1), time.Hour, nil},
		{"negative", issued, -1, sign.ErrConfig},
	}
	for _, tt := range tests {
		_, err := sign.VerifyConnectJWT(r, tt.now, sign.ConnectReceiver{
			Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase, Leeway: tt.leeway})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: VerifyConnectJWT = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// Rule: a token is valid for at most MaxLife, by default as long as tokens of ConnectJWT.
func TestVerifyConnectJWTMaxLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		exp     string
		maxLife time.Duration
		want    error
	}{
		{"default", "1700000180", 0, nil},
		{"default, a second more", "1700000181", 0, sign.ErrLifetime},
		{"an hour", "1700003600", time.Hour, nil},
		{"an hour and a second", "1700003601", time.Hour, sign.ErrLifetime},
		{"a year", "1731536000", time.Hour, sign.ErrLifetime},
		{"a minute, ours", "1700000180", time.Minute, sign.ErrLifetime},
		{"negative", "1700000180", -1, sign.ErrConfig},
	} {
		r := httptest.NewRequest(http.MethodPost, connectURL, nil)
		r.Header.Set("Authorization", "JWT "+forge(sha256.New, goodSecret, goodHeader, strings.Replace(goodClaims, "1700000180", tt.exp, 1)))
		_, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{
			Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase, MaxLife: tt.maxLife})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: VerifyConnectJWT = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// The token covers one request: method, path and every parameter.
func TestVerifyConnectJWTCoversTheRequest(t *testing.T) {
	t.Parallel()
	signed := connectRequest(t, mustConnect(t, nil), connectTime)
	tests := []struct {
		name, method, url string
		want              error
	}{
		{"as sent", "POST", connectURL, nil},
		{"as a server sees it", "POST", "/base/hooks/issue?user_id=admin&user_key=admin", nil},
		{"behind a proxy that cuts the base path", "POST", "/hooks/issue?user_id=admin&user_key=admin", nil},
		{"other order", "POST", "/base/hooks/issue?user_key=admin&user_id=admin", nil},
		{"another method", "PUT", connectURL, sign.ErrQueryHash},
		{"another path", "POST", connectBase + "/hooks/other?user_id=admin&user_key=admin", sign.ErrQueryHash},
		{"another value", "POST", connectBase + "/hooks/issue?user_id=root&user_key=admin", sign.ErrQueryHash},
		{"a parameter more", "POST", connectURL + "&x=1", sign.ErrQueryHash},
		{"a parameter less", "POST", connectBase + "/hooks/issue?user_id=admin", sign.ErrQueryHash},
		{"a semicolon that hides a parameter", "POST", connectURL + "&a;b=1", sign.ErrQueryHash},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.url, nil)
		r.Header = signed.Header
		_, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{
			Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: VerifyConnectJWT = %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestVerifyConnectJWTSecrets(t *testing.T) {
	t.Parallel()
	r := connectRequest(t, mustConnect(t, nil), connectTime)
	old := sign.NewSecret("the secret before")
	tests := []struct {
		name    string
		secrets func(string) []sign.Secret
		want    error
	}{
		{"two while one is being replaced, first", sign.ForClient(connectKey, connectSecret, old), nil},
		{"two while one is being replaced, last", sign.ForClient(connectKey, old, connectSecret), nil},
		{"replaced", sign.ForClient(connectKey, old), sign.ErrSignature},
		{"another client", sign.ForClient("jira:other", connectSecret), sign.ErrIssuer},
		{"a client without secrets", sign.ForClient(connectKey), sign.ErrIssuer},
		{"an empty secret", sign.ForClient(connectKey, connectSecret, sign.Secret{}), sign.ErrConfig},
		{"not set up", nil, sign.ErrConfig},
	}
	for _, tt := range tests {
		_, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{Secrets: tt.secrets, BaseURL: connectBase})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: VerifyConnectJWT = %v, want %v", tt.name, err, tt.want)
		}
	}
	_, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: "nowhere"})
	if !errors.Is(err, sign.ErrConfig) {
		t.Errorf("a base URL without a host: %v, want ErrConfig", err)
	}
}

// Rule: sender and receiver agree on paths with escapes if both use the same mode.
func TestVerifyConnectJWTPathMode(t *testing.T) {
	t.Parallel()
	for _, sent := range []sign.PathMode{sign.PathRaw, sign.PathDecoded} {
		for _, read := range []sign.PathMode{sign.PathRaw, sign.PathDecoded} {
			r := httptest.NewRequest(http.MethodPost, connectBase+"/issue/EXA%2F1?a=%20", nil)
			if err := mustConnect(t, &sign.ConnectOptions{Path: sent}).Sign(r, sign.Message{Time: connectTime}); err != nil {
				t.Fatal(err)
			}
			_, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{
				Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase, Path: read})
			if ok := sent == read; ok != (err == nil) || !ok && !errors.Is(err, sign.ErrQueryHash) {
				t.Errorf("signed in mode %d, read in mode %d: %v", sent, read, err)
			}
		}
	}
}

// FuzzVerifyConnectJWT uses hostile tokens: no panic, only documented errors, and only
// tokens that the secret signed are accepted.
func FuzzVerifyConnectJWT(f *testing.F) {
	token := forge(sha256.New, goodSecret, goodHeader, goodClaims)
	f.Add("JWT "+token, goodHeader, goodClaims)
	f.Add("JWT a.b.c", `{"alg":"none"}`, `{"iss":1}`)
	f.Add("Basic x", `[`, `{"iss":"jira:client-key","iat":-1,"exp":1e999,"qsh":null}`)
	receiver := sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase}
	f.Fuzz(func(t *testing.T, header, jwtHeader, jwtClaims string) {
		r := httptest.NewRequest(http.MethodPost, connectURL, nil)
		r.Header["Authorization"] = []string{header}
		_, err := sign.VerifyConnectJWT(r, connectTime, receiver)
		if err == nil && !strings.HasSuffix(header, token[strings.LastIndex(token, "."):]) {
			t.Fatalf("accepted a token that was never signed: %q", header)
		}
		checkDocumented(t, err)
		// Signed with the right secret, so that the claims are reached.
		r.Header.Set("Authorization", "JWT "+forge(sha256.New, goodSecret, jwtHeader, jwtClaims))
		got, err := sign.VerifyConnectJWT(r, connectTime, receiver)
		if err == nil && (got.ClientKey != connectKey || got.QueryHash != goodQSH || !got.Expires.After(connectTime.Add(-time.Minute))) {
			t.Fatalf("accepted %s with %+v", jwtClaims, got)
		}
		checkDocumented(t, err)
	})
}

func checkDocumented(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, known := range []error{sign.ErrMissingHeader, sign.ErrMalformedHeader, sign.ErrAlgorithm, sign.ErrIssuer,
		sign.ErrSignature, sign.ErrExpired, sign.ErrLifetime, sign.ErrTooNew, sign.ErrQueryHash} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("undocumented error %v", err)
}
