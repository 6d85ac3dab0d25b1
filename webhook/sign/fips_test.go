package sign_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/postrider/postrider/webhook/sign"
)

// enforced reports whether this process runs with GODEBUG=fips140=only, where
// crypto/hmac refuses keys below 14 bytes.
func enforced() (yes bool) {
	defer func() { yes = recover() != nil }()
	hmac.New(sha256.New, make([]byte, 13))
	return false
}

// plainHMAC is RFC 2104 without crypto/hmac: for keys that FIPS 140 forbids, and as an
// independent check.
func plainHMAC(h func() hash.Hash, key, message string) []byte {
	inner, outer := h(), h()
	block := make([]byte, inner.BlockSize())
	if len(key) > len(block) {
		short := h()
		short.Write([]byte(key))
		key = string(short.Sum(nil))
	}
	copy(block, key)
	for i := range block {
		block[i] ^= 0x36
	}
	inner.Write(append(block, message...))
	for i := range block {
		block[i] ^= 0x36 ^ 0x5c
	}
	outer.Write(append(block, inner.Sum(nil)...))
	return outer.Sum(nil)
}

// Rule: every function returns a *ConfigError for a secret that FIPS 140 forbids, and does
// not panic; 14 bytes are enough. Without enforcement both secrets work.
func TestShortSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		secret string
		short  bool
	}{{"x", true}, {"thirteen-byte", true}, {"fourteen-bytes", false}} {
		s := sign.NewSecret(tt.secret)
		var want error
		if tt.short && enforced() {
			want = sign.ErrConfig
		}
		check := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%s with a secret of %d bytes: %v, want %v", what, len(tt.secret), err, want)
			}
		}
		check("HMAC", sign.HMAC(s).Sign(&http.Request{}, sign.Message{Body: []byte("{}")}))
		signature := "sha256=" + hexOf(plainHMAC(sha256.New, tt.secret, "{}"))
		check("VerifyHMAC", sign.VerifyHMAC(hub(signature), []byte("{}"), s))
		_, err := sign.ConnectJWT(connectKey, s, connectBase, nil)
		check("ConnectJWT", err)
		r := httptest.NewRequest(http.MethodPost, connectURL, nil)
		r.Header.Set("Authorization", "JWT "+forge(sha256.New, tt.secret, goodHeader, goodClaims))
		_, err = sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, s), BaseURL: connectBase})
		check("VerifyConnectJWT", err)
	}
}

// Rule: TestShortSecret passes also in a process that enforces FIPS 140.
func TestShortSecretWhereFIPSIsEnforced(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestShortSecret$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
