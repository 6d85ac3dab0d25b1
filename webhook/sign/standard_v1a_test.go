package sign_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/sign"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func encodeKey(prefix string, key []byte) string {
	return prefix + base64.StdEncoding.EncodeToString(key)
}

// Both forms of a private key of RFC 8032 give the public key of RFC 8032.
func TestPublicKeyVectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).Ed25519 {
		seed, public := unhex(t, v.Seed), unhex(t, v.Public)
		for form, key := range map[string][]byte{"seed": seed, "seed and public key": append(bytes.Clone(seed), public...)} {
			got, err := sign.PublicKey(sign.NewSecret(encodeKey("whsk_", key)))
			if err != nil || got != encodeKey("whpk_", public) {
				t.Fatalf("%s, %s: PublicKey = %s, %v", v.Name, form, got, err)
			}
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(got, "whpk_"))
			if err != nil || !ed25519.Verify(raw, unhex(t, v.Message), unhex(t, v.Signature)) {
				t.Errorf("%s, %s: the public key does not verify the signature of the RFC", v.Name, form)
			}
		}
	}
}

func TestStandardV1aVectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).V1a {
		seed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v.Secret, "whsk_"))
		if err != nil {
			t.Fatal(err)
		}
		long := encodeKey("whsk_", ed25519.NewKeyFromSeed(seed))
		for form, text := range map[string]string{"32 bytes": v.Secret, "64 bytes": long} {
			m := v.message()
			h := signed(t, mustStandard(t, sign.NewSecret(text)), m)
			want := http.Header{"Webhook-Id": {v.ID}, "Webhook-Timestamp": {"1700000000"}, "Webhook-Signature": {v.Signature}}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Errorf("%s, %s: header (-want +got):\n%s", v.Name, form, diff)
			}
			for _, known := range []string{v.Public, text} {
				if err := sign.VerifyStandard(h, m.Body, m.Time, 0, sign.NewSecret(known)); err != nil {
					t.Errorf("%s, %s: VerifyStandard with %.5s = %v", v.Name, form, known, err)
				}
			}
		}
	}
}

// A sender that serves receivers of both kinds sends a signature for each key.
func TestStandardMixesV1AndV1a(t *testing.T) {
	t.Parallel()
	v, a := vectors(t)[1], allVectors(t).V1a[0]
	m := v.message()
	shared, private, public := sign.NewSecret(v.Secret), sign.NewSecret(a.Secret), sign.NewSecret(a.Public)
	other, otherPublic, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	h := signed(t, mustStandard(t, private, shared), m)
	if got, want := h.Get(sign.SignatureHeader), a.Signature+" "+v.Signature; got != want {
		t.Errorf("webhook-signature = %q, want %q: newest first, one space between", got, want)
	}
	v1Only, v1aOnly := signed(t, mustStandard(t, shared), m), signed(t, mustStandard(t, private), m)
	tests := []struct {
		name   string
		header http.Header
		known  []sign.Secret
		want   error
	}{
		{"both sent, the shared key known", h, []sign.Secret{shared}, nil},
		{"both sent, the public key known", h, []sign.Secret{public}, nil},
		{"both sent, both known", h, []sign.Secret{public, shared}, nil},
		{"v1a sent, both known", v1aOnly, []sign.Secret{shared, public}, nil},
		{"v1 sent, both known", v1Only, []sign.Secret{public, shared}, nil},
		{"v1a sent, old and new public key known", v1aOnly, []sign.Secret{sign.NewSecret(otherPublic), public}, nil},
		{"v1a sent, the shared key known", v1aOnly, []sign.Secret{shared}, sign.ErrSignature},
		{"v1 sent, the public key known", v1Only, []sign.Secret{public}, sign.ErrSignature},
		{"both sent, another public key known", h, []sign.Secret{sign.NewSecret(otherPublic)}, sign.ErrSignature},
		{"both sent, another private key known", h, []sign.Secret{other}, sign.ErrSignature},
		{"a v1 signature under the tag of v1a", header(v1aOnly, "v1a,"+v.Signature[3:]), []sign.Secret{shared, public}, sign.ErrSignature},
		{"a v1a signature under the tag of v1", header(v1aOnly, "v1,"+a.Signature[4:]), []sign.Secret{shared, public}, sign.ErrSignature},
		{"one that is too short", header(v1aOnly, a.Signature[:40]), []sign.Secret{public}, sign.ErrSignature},
		{"the right one as the 16th", header(v1aOnly, strings.Repeat("v1a,AAAA ", 15)+a.Signature), []sign.Secret{public}, nil},
		{"the right one as the 17th", header(v1aOnly, strings.Repeat("v1a,AAAA ", 16)+a.Signature), []sign.Secret{public}, sign.ErrSignature},
		{"unknown versions do not count", header(v1aOnly, strings.Repeat("v9,AAAA ", 100)+a.Signature), []sign.Secret{public}, nil},
	}
	for _, tt := range tests {
		if got := sign.VerifyStandard(tt.header, m.Body, m.Time, 0, tt.known...); !errors.Is(got, tt.want) {
			t.Errorf("%s: VerifyStandard = %v, want %v", tt.name, got, tt.want)
		}
	}
	if err := sign.VerifyStandard(v1aOnly, []byte("{}"), m.Time, 0, public); !errors.Is(err, sign.ErrSignature) {
		t.Errorf("another body: %v, want ErrSignature", err)
	}
}

// header returns h with another signature.
func header(h http.Header, signature string) http.Header {
	h = h.Clone()
	h.Set(sign.SignatureHeader, signature)
	return h
}

func TestStandardRefusesAsymmetricKeys(t *testing.T) {
	t.Parallel()
	seed := bytes.Repeat([]byte{7}, 32)
	pair := []byte(ed25519.NewKeyFromSeed(seed))
	mixed := append(bytes.Clone(seed), bytes.Repeat([]byte{8}, 32)...)
	tests := []struct {
		name, text    string
		signs, judges bool
	}{
		{"private, 32 bytes", encodeKey("whsk_", seed), true, true},
		{"private, 64 bytes", encodeKey("whsk_", pair), true, true},
		{"private with a foreign public half", encodeKey("whsk_", mixed), false, false},
		{"private, 31 bytes", encodeKey("whsk_", seed[1:]), false, false},
		{"private, 33 bytes", encodeKey("whsk_", pair[:33]), false, false},
		{"private, nothing", "whsk_", false, false},
		{"private, line break", encodeKey("whsk_", seed) + "\n", false, false},
		{"private, no base64", "whsk_" + strings.Repeat("*", 44), false, false},
		{"public", encodeKey("whpk_", pair[32:]), false, true},
		{"public, 31 bytes", encodeKey("whpk_", pair[33:]), false, false},
		{"public, 64 bytes", encodeKey("whpk_", pair), false, false},
		{"public, nothing", "whpk_", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sign.NewSecret(tt.text)
			_, err := sign.Standard(s)
			checkRefusal(t, "Standard", err, tt.signs, tt.text)
			err = sign.VerifyStandard(http.Header{}, nil, time.Time{}, 0, s)
			if errors.Is(err, sign.ErrMissingHeader) {
				err = nil // the key was accepted
			}
			checkRefusal(t, "VerifyStandard", err, tt.judges, tt.text)
			_, err = sign.PublicKey(s)
			checkRefusal(t, "PublicKey", err, tt.signs, tt.text)
		})
	}
}

func checkRefusal(t *testing.T, call string, err error, ok bool, secret string) {
	t.Helper()
	if (err == nil) != ok || err != nil && !errors.Is(err, sign.ErrConfig) {
		t.Errorf("%s = %v, want ok = %t", call, err, ok)
	}
	if _, key, _ := strings.Cut(secret, "_"); err != nil && key != "" && strings.Contains(err.Error(), key) {
		t.Errorf("%s shows the key: %v", call, err)
	}
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	private, public, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := sign.GenerateKey()
	if err != nil || again.Equal(private) {
		t.Errorf("two generated keys are equal, %v", err)
	}
	if got, err := sign.PublicKey(private); err != nil || got != public {
		t.Errorf("PublicKey = %s, %v; want %s", got, err, public)
	}
	m := sign.Message{ID: "msg_1", Time: time.Unix(1_700_000_000, 0), Body: []byte("{}")}
	h := signed(t, mustStandard(t, private), m)
	if err := sign.VerifyStandard(h, m.Body, m.Time, 0, sign.NewSecret(public)); err != nil {
		t.Errorf("round trip: %v", err)
	}
}
