package sign_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/sign"
)

var (
	connectSecret = sign.NewSecret("shared-secret-example")
	connectTime   = time.Unix(1_700_000_000, 0)
)

const (
	connectKey  = "jira:client-key"
	connectBase = "https://addon.example.com/base"
	connectURL  = connectBase + "/hooks/issue?user_id=admin&user_key=admin"
)

func mustConnect(tb testing.TB, o *sign.ConnectOptions) sign.Signer {
	tb.Helper()
	s, err := sign.ConnectJWT(connectKey, connectSecret, connectBase, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// connectRequest returns a request that ConnectJWT has signed.
func connectRequest(tb testing.TB, s sign.Signer, at time.Time) *http.Request {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, connectURL, nil)
	if err := s.Sign(r, sign.Message{ID: "evt_1", Attempt: 1, Time: at, Body: []byte("{}")}); err != nil {
		tb.Fatal(err)
	}
	return r
}

// parts returns the decoded header and claims of a token, and the signature still encoded.
func parts(tb testing.TB, r *http.Request) (header, claims, signature string) {
	tb.Helper()
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "JWT ")
	p := strings.Split(token, ".")
	if !ok || len(p) != 3 {
		tb.Fatalf("Authorization = %q, want JWT and a token of three parts", r.Header.Get("Authorization"))
	}
	for _, part := range []*string{&p[0], &p[1]} {
		data, err := base64.RawURLEncoding.DecodeString(*part)
		if err != nil {
			tb.Fatal(err)
		}
		*part = string(data)
	}
	return p[0], p[1], p[2]
}

func TestConnectJWTVectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).JWT {
		secret := sign.NewSecret(v.Secret)
		s, err := sign.ConnectJWT(v.ClientKey, secret, "https://h.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(v.Method, v.URL, nil)
		r.Header.Set("Authorization", "Basic stale")
		m := sign.Message{ID: "evt_1", Attempt: 1, Time: time.Unix(v.Iat, 999_999_999)}
		if err := s.Sign(r, m); err != nil {
			t.Fatal(err)
		}
		header, claims, signature := parts(t, r)
		if diff := cmp.Diff([]string{v.Header, v.Claims, v.Signature}, []string{header, claims, signature}); diff != "" {
			t.Errorf("%s: token (-want +got):\n%s", v.Name, diff)
		}
		got, err := sign.VerifyConnectJWT(r, m.Time, sign.ConnectReceiver{Secrets: sign.ForClient(v.ClientKey, secret)})
		want := sign.ConnectClaims{ClientKey: v.ClientKey, IssuedAt: time.Unix(v.Iat, 0), Expires: time.Unix(v.Exp, 0), QueryHash: got.QueryHash}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: VerifyConnectJWT: %v, claims (-want +got):\n%s", v.Name, err, diff)
		}
		if v.Exp-v.Iat != 180 {
			t.Errorf("%s: a token is valid for %d s, want 180", v.Name, v.Exp-v.Iat)
		}
	}
}

// A signed request has the query hash of each vector.
func TestConnectJWTSignsTheFinalURL(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).QSH {
		s, err := sign.ConnectJWT(connectKey, connectSecret, "https://h.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(v.Method, v.URL, nil)
		if err := s.Sign(r, sign.Message{Time: connectTime}); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if _, claims, _ := parts(t, r); !strings.Contains(claims, `"qsh":"`+v.QSH+`"`) {
			t.Errorf("%s: claims %s, want qsh %s", v.Name, claims, v.QSH)
		}
		receiver := sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret)}
		if _, err := sign.VerifyConnectJWT(r, connectTime, receiver); err != nil {
			t.Errorf("%s: VerifyConnectJWT = %v", v.Name, err)
		}
	}
}

func TestConnectJWTIsMadeAnewAtEveryAttempt(t *testing.T) {
	t.Parallel()
	s := mustConnect(t, nil)
	later := connectTime.Add(20 * time.Minute)
	first, second := connectRequest(t, s, connectTime), connectRequest(t, s, later)
	receiver := sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase}
	if _, err := sign.VerifyConnectJWT(second, later, receiver); err != nil {
		t.Errorf("the token of a late retry: %v", err)
	}
	if _, err := sign.VerifyConnectJWT(first, later, receiver); !errors.Is(err, sign.ErrExpired) {
		t.Errorf("the token of the first attempt at the time of the retry: %v, want ErrExpired", err)
	}
}

func TestConnectJWTSubjectAndContext(t *testing.T) {
	t.Parallel()
	user := json.RawMessage(`{ "user": {"userKey": "a<b", "username": "Æ"} }`)
	s := mustConnect(t, &sign.ConnectOptions{
		Subject: func(r *http.Request, m sign.Message) string { return r.URL.Query().Get("user_key") + "&" + m.ID },
		Context: func(*http.Request, sign.Message) json.RawMessage { return user },
	})
	r := connectRequest(t, s, connectTime)
	_, claims, _ := parts(t, r)
	if want := `,"sub":"admin&evt_1","context":{"user":{"userKey":"a<b","username":"Æ"}}}`; !strings.HasSuffix(claims, want) {
		t.Errorf("claims %s, want %s at the end", claims, want)
	}
	got, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase})
	if err != nil || got.Subject != "admin&evt_1" || string(got.Context) != `{"user":{"userKey":"a<b","username":"Æ"}}` {
		t.Errorf("VerifyConnectJWT = %+v, %v", got, err)
	}

	none := mustConnect(t, &sign.ConnectOptions{
		Subject: func(*http.Request, sign.Message) string { return "" },
		Context: func(*http.Request, sign.Message) json.RawMessage { return nil },
	})
	if _, claims, _ := parts(t, connectRequest(t, none, connectTime)); strings.Contains(claims, "sub") || strings.Contains(claims, "context") {
		t.Errorf("claims %s, want neither sub nor context", claims)
	}
}

func TestConnectJWTRefusesSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, base, field string
		secret                 sign.Secret
		mode                   sign.PathMode
	}{
		{"no client key", "", connectBase, "client key", connectSecret, 0},
		{"a client key that is too long", strings.Repeat("k", 256), connectBase, "client key", connectSecret, 0},
		{"a client key that is not UTF-8", "\xff", connectBase, "client key", connectSecret, 0},
		{"no secret", connectKey, connectBase, "secret", sign.Secret{}, 0},
		{"no base URL", connectKey, "", "base URL", connectSecret, 0},
		{"a relative base URL", connectKey, "/base", "base URL", connectSecret, 0},
		{"an unknown mode", connectKey, connectBase, "path mode", connectSecret, 9},
	}
	for _, tt := range tests {
		_, err := sign.ConnectJWT(tt.key, tt.secret, tt.base, &sign.ConnectOptions{Path: tt.mode})
		var ce *sign.ConfigError
		if !errors.As(err, &ce) || ce.Field != tt.field {
			t.Errorf("%s: %v, want a ConfigError about the %s", tt.name, err, tt.field)
		}
	}
}

// Rule: no request outside the base URL is signed, so that no other host and no other
// add-on on the same host gets a token.
func TestConnectJWTRefusesRequests(t *testing.T) {
	t.Parallel()
	now := sign.Message{Time: connectTime}
	signer := mustConnect(t, nil)
	tests := []struct {
		name, url string
		m         sign.Message
		s         sign.Signer
		field     string // empty: signed
	}{
		{"below", connectBase + "/a/b?c=d", now, signer, ""},
		{"the base URL itself", connectBase, now, signer, ""},
		{"another spelling of the origin", "HTTPS://ADDON.example.com:443/base/a", now, signer, ""},
		{"another host", "https://evil.example.com/base/a", now, signer, "request URL"},
		{"a longer host", "https://addon.example.com.evil.example/base/a", now, signer, "request URL"},
		{"another port", "https://addon.example.com:8443/base/a", now, signer, "request URL"},
		{"another scheme", "http://addon.example.com/base/a", now, signer, "request URL"},
		{"a user name", "https://u@addon.example.com/base/a", now, signer, "request URL"},
		{"the path's parent", "https://addon.example.com/", now, signer, "request URL"},
		{"a path that only begins alike", "https://addon.example.com/based/a", now, signer, "request URL"},
		{"a path in other case", "https://addon.example.com/Base/a", now, signer, "request URL"},
		{"dot segments", "https://addon.example.com/base/../other", now, signer, "request URL"},
		{"encoded dot segments", "https://addon.example.com/base/%2e%2E/other", now, signer, "request URL"},
		{"dot segments behind an encoded slash", "https://addon.example.com/base/x%2F..%2F..%2Fother", now, signer, "request URL"},
		{"dot segments with parameters", "https://addon.example.com/base/..;x=y/other", now, signer, "request URL"},
		{"dot segments behind encoded parameters", "https://addon.example.com/base/a%3B/..%3Bb/other", now, signer, "request URL"},
		{"dot segments behind a semicolon", "https://addon.example.com/base/a;/../other", now, signer, "request URL"},
		{"a semicolon in the query", connectBase + "/a?b=1;c=2", now, signer, "query"},
		{"a bad escape in the query", connectBase + "/a?b=%zz", now, signer, "query"},
		{"no time", connectBase + "/a", sign.Message{}, signer, "message time"},
		{"a subject that is too long", connectBase + "/a", now, mustConnect(t, &sign.ConnectOptions{
			Subject: func(*http.Request, sign.Message) string { return strings.Repeat("s", 256) }}), "subject"},
		{"a context that is not JSON", connectBase + "/a", now, mustConnect(t, &sign.ConnectOptions{
			Context: func(*http.Request, sign.Message) json.RawMessage { return json.RawMessage("{") }}), "context"},
		{"a context that is too long", connectBase + "/a", now, mustConnect(t, &sign.ConnectOptions{
			Context: func(*http.Request, sign.Message) json.RawMessage {
				return json.RawMessage(`"` + strings.Repeat("c", 8000) + `"`)
			}}), "token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Method: http.MethodPost, URL: mustParse(t, tt.url)}
			err := tt.s.Sign(r, tt.m)
			if tt.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var ce *sign.ConfigError
			if !errors.As(err, &ce) || ce.Field != tt.field || !errors.Is(err, sign.ErrConfig) {
				t.Errorf("Sign = %v, want a ConfigError about the %s", err, tt.field)
			}
			if len(r.Header) != 0 {
				t.Errorf("a refused request got headers: %v", r.Header)
			}
		})
	}
	if err := signer.Sign(&http.Request{Method: http.MethodPost}, now); !errors.Is(err, sign.ErrConfig) {
		t.Errorf("a request without a URL: %v, want ErrConfig", err)
	}
}

func BenchmarkConnectJWT(b *testing.B) {
	s := mustConnect(b, nil)
	r, m := httptest.NewRequest(http.MethodPost, connectURL, nil), sign.Message{Time: connectTime}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Sign(r, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyConnectJWT(b *testing.B) {
	r := connectRequest(b, mustConnect(b, nil), connectTime)
	receiver := sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sign.VerifyConnectJWT(r, connectTime, receiver); err != nil {
			b.Fatal(err)
		}
	}
}
