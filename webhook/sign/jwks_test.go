package sign_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/sign"
)

// rfcKey is the public key of RFC 8037 appendix A.2.
func rfcKey(t testing.TB) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	return "whpk_" + base64.StdEncoding.EncodeToString(raw)
}

type jwkSet struct{ Keys []map[string]string }

func parseSet(t testing.TB, text []byte) (s jwkSet) {
	t.Helper()
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Rule: a key has the form of RFC 8037, with the thumbprint of its appendix A.3. Repeats are listed
// once. A private key and any other text is refused, and the error does not show it.
func TestJWKS(t *testing.T) {
	t.Parallel()
	_, second, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := sign.JWKS(rfcKey(t), second, rfcKey(t))
	if err != nil {
		t.Fatal(err)
	}
	set := parseSet(t, text)
	want := map[string]string{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		"kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "alg": "EdDSA", "use": "sig"}
	if diff := cmp.Diff(want, set.Keys[0]); diff != "" || len(set.Keys) != 2 {
		t.Errorf("%d keys, the first (-want +got):\n%s", len(set.Keys), diff)
	}
	if empty, err := sign.JWKS(); string(empty) != `{"keys":[]}` || err != nil {
		t.Errorf("no keys: %s, %v", empty, err)
	}
	private, _, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"private": private.Reveal(), "empty": "", "short": "whpk_AAAA", "long": "whpk_" + base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"unpadded": strings.TrimRight(rfcKey(t), "="), "shared": foreignKey.Reveal()} {
		_, err := sign.JWKS(second, bad)
		if !errors.Is(err, sign.ErrConfig) || !strings.Contains(err.Error(), "key 2") || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v, want ErrConfig that names key 2", name, err)
		}
	}
}

// Rule: the handler serves the current keys with an ETag and max-age of five minutes, and answers 304
// to a request with this ETag.
func TestJWKSHandler(t *testing.T) {
	t.Parallel()
	keys := []string{rfcKey(t)}
	h := sign.JWKSHandler(func(context.Context) ([]string, error) { return keys, nil })
	get := func(method, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/.well-known/jwks.json", nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	first := get("GET", "")
	etag := first.Header().Get("ETag")
	if first.Code != 200 || etag == "" || first.Header().Get("Content-Type") != "application/jwk-set+json" || first.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%d, %v", first.Code, first.Header())
	}
	if n := len(parseSet(t, first.Body.Bytes()).Keys); n != 1 {
		t.Errorf("%d keys, want 1", n)
	}
	if again := get("GET", etag); again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("with its ETag: %d, %d bytes; want 304", again.Code, again.Body.Len())
	}
	if head := get("HEAD", ""); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != etag {
		t.Errorf("HEAD: %d, %v", head.Code, head.Header())
	}
	if post := get("POST", ""); post.Code != 405 || post.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, %v", post.Code, post.Header())
	}
	keys = nil // revoked
	if after := get("GET", etag); after.Code != 200 || after.Body.String() != `{"keys":[]}` {
		t.Errorf("after the key went: %d %s", after.Code, after.Body)
	}
}

// Rule: an error of the host's function is not shown, and its answer is not cached.
func TestJWKSHandlerFails(t *testing.T) {
	t.Parallel()
	private, _, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]func(context.Context) ([]string, error){
		"error":   func(context.Context) ([]string, error) { return nil, errors.New("canary") },
		"panic":   func(context.Context) ([]string, error) { panic("canary") },
		"private": func(context.Context) ([]string, error) { return []string{private.Reveal()}, nil },
		"exit":    func(context.Context) ([]string, error) { runtime.Goexit(); return nil, nil },
		"nil":     nil,
	} {
		w := httptest.NewRecorder()
		sign.JWKSHandler(keys).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 500 || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), private.Reveal()) {
			t.Errorf("%s: %d, %v: %s", name, w.Code, w.Header(), w.Body)
		}
	}
}

// Rule: concurrent requests share one call of the function, whose context ends after ten seconds.
func TestJWKSHandlerShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		h := sign.JWKSHandler(func(ctx context.Context) ([]string, error) {
			calls.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		begun := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				if w.Code != http.StatusInternalServerError {
					t.Errorf("status %d", w.Code)
				}
			})
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(gone)) // returns at once
		all.Wait()
		if n := calls.Load(); n != 1 || time.Since(begun) != 10*time.Second {
			t.Errorf("%d calls in %v, want 1 in 10s", n, time.Since(begun))
		}
	})
}

// Rule: a function that goes on after its time holds no request, and is not called a second time
// meanwhile.
func TestJWKSHandlerHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		end := make(chan struct{})
		h := sign.JWKSHandler(func(context.Context) ([]string, error) {
			calls.Add(1)
			<-end
			return nil, nil
		})
		get := func() int {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			return w.Code
		}
		begun := time.Now()
		for range 3 {
			if code := get(); code != 500 || time.Since(begun) != 10*time.Second {
				t.Errorf("status %d after %v, want 500 after 10s", code, time.Since(begun))
			}
		}
		close(end)
		synctest.Wait()
		if code := get(); code != 200 || calls.Load() != 2 {
			t.Errorf("when it has returned: %d, %d calls; want 200 and 2", code, calls.Load())
		}
	})
}

// Rule: during an overlap both keys of a sender's set verify, in any order.
func TestJWKSDuringOverlap(t *testing.T) {
	t.Parallel()
	newest, newestPublic, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	older, olderPublic, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	h := signed(t, mustStandard(t, newest, older), foreignMessage())
	text, err := sign.JWKS(newestPublic, olderPublic)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("msg_1.1700000000." + string(foreignBody))
	var verified []int
	for i, key := range parseSet(t, text).Keys {
		x, err := base64.RawURLEncoding.DecodeString(key["x"])
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range strings.Fields(h.Get("Webhook-Signature")) {
			signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(entry, "v1a,"))
			if err == nil && ed25519.Verify(x, message, signature) {
				verified = append(verified, i)
			}
		}
	}
	if !slices.Equal(verified, []int{0, 1}) {
		t.Errorf("keys %v verify, want both", verified)
	}
}
