package sign_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// FuzzParseStandardKey compares Standard with a second implementation of its rule: the
// decoded bytes must encode to the same text, and the prefix determines their number.
func FuzzParseStandardKey(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Secret)
	}
	for _, v := range allVectors(f).V1a {
		f.Add(v.Secret)
		f.Add(v.Public)
	}
	f.Add("whsec_")
	f.Add("whsec_AAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		bare, private := strings.CutPrefix(text, "whsk_")
		if !private {
			bare = strings.TrimPrefix(text, "whsec_")
		}
		key, err := base64.StdEncoding.DecodeString(bare)
		want := err == nil && base64.StdEncoding.EncodeToString(key) == bare
		switch {
		case private && len(key) == 64:
			want = want && bytes.Equal(ed25519.NewKeyFromSeed(key[:32]), key)
		case private:
			want = want && len(key) == 32
		default:
			want = want && len(key) >= 24 && len(key) <= 64
		}

		s, err := sign.Standard(sign.NewSecret(text))
		if (err == nil) != want {
			t.Fatalf("Standard(%q) = %v, want accepted = %t", text, err, want)
		}
		if err != nil {
			if !errors.Is(err, sign.ErrConfig) {
				t.Fatalf("Standard(%q) = %v, want ErrConfig", text, err)
			}
			return
		}
		m := sign.Message{ID: "msg_1", Time: time.Unix(1_700_000_000, 0), Body: []byte(text)}
		if err := sign.VerifyStandard(signed(t, s, m), m.Body, m.Time, 0, sign.NewSecret(text)); err != nil {
			t.Fatalf("what was signed does not verify: %v", err)
		}
	})
}

// FuzzVerifyStandard uses hostile headers: no panic, only documented errors, and only
// the signed request is accepted.
func FuzzVerifyStandard(f *testing.F) {
	v := vectors(f)[1]
	secret := sign.NewSecret(v.Secret)
	f.Add(v.ID, "1700000000", v.Signature, v.Body)
	f.Add(v.ID, "1700000000", "v1a,AAAA "+v.Signature, v.Body)
	f.Add("", "-1", "v1,", "")
	f.Add(v.ID, "1700000000", allVectors(f).V1a[0].Signature+" "+v.Signature, v.Body)
	f.Add("a.b", "99999999999999999999", "v1,\x00 v1,=", "{}")
	f.Fuzz(func(t *testing.T, id, timestamp, signature, body string) {
		h := http.Header{sign.IDHeader: {id}, sign.TimestampHeader: {timestamp}, sign.SignatureHeader: {signature}}
		err := sign.VerifyStandard(h, []byte(body), time.Unix(v.Timestamp, 0), 0, secret)
		if err == nil {
			if id != v.ID || timestamp != "1700000000" || body != v.Body || !strings.Contains(signature, "v1,") {
				t.Fatalf("accepted a request that was never signed: %q %q %q", id, timestamp, signature)
			}
			return
		}
		for _, known := range []error{sign.ErrMissingHeader, sign.ErrMalformedHeader, sign.ErrTooOld, sign.ErrTooNew, sign.ErrSignature} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("undocumented error %v", err)
	})
}

// FuzzInBase compares InBase with the path resolution of net/url: a URL in the base URL
// stays there when dot segments are removed, also by a server that decodes first.
func FuzzInBase(f *testing.F) {
	f.Add("https://h.example/base/a", "https://h.example/base")
	f.Add("https://h.example/base/..%2Fb", "https://h.example/base/")
	f.Add("https://h.example:443/", "https://H.example")
	f.Add("https://u@h.example/base", "https://h.example/base")
	f.Fuzz(func(t *testing.T, raw, baseURL string) {
		u, err := url.Parse(raw)
		if err != nil || !sign.InBase(u, baseURL) {
			return
		}
		b, err := url.Parse(baseURL)
		if err != nil || !strings.EqualFold(u.Hostname(), b.Hostname()) || u.Scheme != b.Scheme || u.User != nil {
			t.Fatalf("%q is none of %q, %v", raw, baseURL, err)
		}
		decoded := strings.ReplaceAll(u.Path, `\`, "/")
		want := strings.TrimRight(strings.ReplaceAll(b.Path, `\`, "/"), "/")
		if got := path.Clean("/" + decoded); !strings.HasPrefix(got+"/", path.Clean("/"+want)) {
			t.Fatalf("%q leads to %q, outside of %q", raw, got, want)
		}
	})
}
