package sign_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// respelled returns other texts that a lenient decoder of base64 decodes to the same
// bytes, by the rule that each text breaks.
func respelled(text string) map[string]string {
	bare := strings.TrimRight(text, "=")
	padding := text[len(bare):]
	last := strings.IndexByte(strings.NewReplacer("-_", "+/").Replace(base64Digits), bare[len(bare)-1])
	return map[string]string{
		"stray bits behind the last byte": bare[:len(bare)-1] + base64Digits[last|1:last|1+1] + padding,
		"no padding":                      bare,
		"half the padding":                strings.TrimSuffix(text, "="),
		"more padding":                    text + "=",
		"padding as text":                 bare + strings.ReplaceAll(padding, "=", "%3D"),
		"a line feed inside":              bare[:5] + "\n" + bare[5:] + padding,
		"a carriage return inside":        bare[:5] + "\r" + bare[5:] + padding,
		"a line feed behind":              text + "\n",
		"a space inside":                  bare[:5] + " " + bare[5:] + padding,
		"bytes behind the padding":        text + "AA==",
		"the other alphabet":              strings.NewReplacer("+", "-", "/", "_").Replace(text),
	}
}

// Rule: a signature is accepted only in the canonical spelling of its scheme, so that a replay
// cannot pass for a new request.
func TestSignaturesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	private, public, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]struct{ send, receive sign.Secret }{
		"v1":  {shared, shared},
		"v1a": {private, sign.NewSecret(public)},
	} {
		m := sign.Message{ID: "msg_1", Time: time.Unix(1_700_000_000, 0), Body: []byte(`{}`)}
		var h http.Header
		for i := 0; ; i++ { // until both letters of the other alphabet are in the signature
			m.ID = "msg_" + strings.Repeat("x", i)
			h = signed(t, mustStandard(t, keys.send), m)
			if s := h.Get(sign.SignatureHeader); strings.Count(s, "+") > 0 && strings.Count(s, "/") > 0 {
				break
			}
		}
		if err := sign.VerifyStandard(h, m.Body, m.Time, 0, keys.receive); err != nil {
			t.Fatalf("%s as it was signed: %v", name, err)
		}
		tag, text, _ := strings.Cut(h.Get(sign.SignatureHeader), ",")
		for rule, other := range respelled(text) {
			if other == text {
				continue // one character of padding cannot be halved
			}
			h[sign.SignatureHeader] = []string{tag + "," + other}
			if err := sign.VerifyStandard(h, m.Body, m.Time, 0, keys.receive); rule != "a line feed behind" && !errors.Is(err, sign.ErrSignature) {
				t.Errorf("%s with %s: %v, want ErrSignature", name, rule, err)
			}
		}
	}
}

// Rule: the three parts of a Connect token are accepted only in their canonical spelling.
func TestConnectTokensHaveOneSpelling(t *testing.T) {
	t.Parallel()
	parts := strings.Split(forge(sha256.New, goodSecret, goodHeader, goodClaims), ".")
	verify := func(parts []string) error {
		r := httptest.NewRequest(http.MethodPost, connectURL, nil)
		r.Header["Authorization"] = []string{"JWT " + strings.Join(parts, ".")}
		_, err := sign.VerifyConnectJWT(r, connectTime, sign.ConnectReceiver{Secrets: sign.ForClient(connectKey, connectSecret), BaseURL: connectBase})
		return err
	}
	if err := verify(parts); err != nil {
		t.Fatal(err)
	}
	for i := range parts {
		for rule, other := range respelled(parts[i]) {
			if other == parts[i] {
				continue
			}
			// The signature covers the text of the first two parts, so they are signed anew.
			changed := append([]string(nil), parts...)
			changed[i] = other
			if i < 2 {
				changed[2] = base64.RawURLEncoding.EncodeToString(plainHMAC(sha256.New, goodSecret, changed[0]+"."+changed[1]))
			}
			if err := verify(changed); !errors.Is(err, sign.ErrSignature) && !errors.Is(err, sign.ErrMalformedHeader) {
				t.Errorf("part %d with %s: %v, want a refusal", i+1, rule, err)
			}
		}
	}
}

// Rule: keys are accepted only in their canonical spelling. Another spelling would not be equal to
// the first although it makes the same signatures.
func TestKeysHaveOneSpelling(t *testing.T) {
	t.Parallel()
	private, public, err := sign.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{shared.Reveal(), private.Reveal(), public} {
		prefix, text, _ := strings.Cut(key, "_")
		for rule, other := range respelled(text) {
			if other == text {
				continue
			}
			err := sign.VerifyStandard(http.Header{}, nil, time.Now(), 0, sign.NewSecret(prefix+"_"+other))
			if !errors.Is(err, sign.ErrConfig) || strings.Contains(err.Error(), other) {
				t.Errorf("%s_ with %s: %v, want ErrConfig", prefix, rule, err)
			}
		}
	}
}
