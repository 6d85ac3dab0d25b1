package sign_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

func hub(value ...string) http.Header { return http.Header{sign.HubSignatureHeader: value} }

func TestHMAC_vectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t).Hub {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			s := sign.HMAC(sign.NewSecret(v.Secret))
			if enforced() && len(v.Secret) < 14 {
				if err := s.Sign(&http.Request{}, sign.Message{}); !errors.Is(err, sign.ErrConfig) {
					t.Errorf("with a secret that FIPS 140 forbids: %v, want ErrConfig", err)
				}
				return
			}
			for attempt := 1; attempt <= 3; attempt++ { // the same at every attempt
				r := &http.Request{}
				m := sign.Message{ID: "x", Attempt: attempt, Time: time.Unix(int64(attempt), 0), Body: []byte(v.Body)}
				if err := s.Sign(r, m); err != nil {
					t.Fatal(err)
				}
				if got := r.Header.Get("X-Hub-Signature"); got != v.Signature || len(r.Header) != 1 {
					t.Errorf("attempt %d: headers %v, want %s alone", attempt, r.Header, v.Signature)
				}
			}
			if err := sign.VerifyHMAC(hub(v.Signature), []byte(v.Body), sign.NewSecret("the secret before"), sign.NewSecret(v.Secret)); err != nil {
				t.Errorf("VerifyHMAC = %v", err)
			}
		})
	}
}

func TestHMAC_concurrently(t *testing.T) {
	t.Parallel()
	v := allVectors(t).Hub[0]
	s := sign.HMAC(sign.NewSecret(v.Secret))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r := &http.Request{}
			if err := s.Sign(r, sign.Message{Body: []byte(v.Body)}); err != nil || r.Header.Get(sign.HubSignatureHeader) != v.Signature {
				t.Errorf("%v, %v", r.Header, err)
			}
		})
	}
	wg.Wait()
}

func TestHMAC_emptySecret(t *testing.T) {
	t.Parallel()
	r := &http.Request{}
	err := sign.HMAC(sign.Secret{}).Sign(r, sign.Message{})
	if !errors.Is(err, sign.ErrConfig) || len(r.Header) != 0 {
		t.Errorf("Sign = %v with headers %v, want ErrConfig and none", err, r.Header)
	}
}

func TestVerifyHMAC_refuses(t *testing.T) {
	t.Parallel()
	v := allVectors(t).Hub[0]
	secret, digits := sign.NewSecret(v.Secret), v.Signature[len("sha256="):]
	for _, tc := range []struct {
		name    string
		h       http.Header
		body    string
		secrets []sign.Secret
		want    error
	}{
		{"no header", http.Header{}, v.Body, []sign.Secret{secret}, sign.ErrMissingHeader},
		{"an empty header", hub(""), v.Body, []sign.Secret{secret}, sign.ErrMissingHeader},
		{"two headers", hub(v.Signature, v.Signature), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"no method", hub(digits), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"an empty method", hub("=" + digits), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"no digits", hub("sha256=xyz"), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"digits in capitals", hub("sha256=" + strings.ToUpper(digits)), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"one digit in capitals", hub("sha256=" + upperOne(digits)), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"an odd number of digits", hub(v.Signature + "0"), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"a space behind", hub(v.Signature + " "), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"a line break behind", hub(v.Signature + "\n"), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"another method", hub("sha1=" + digits), v.Body, []sign.Secret{secret}, sign.ErrSignature},
		{"the method in capitals", hub("SHA256=" + digits), v.Body, []sign.Secret{secret}, sign.ErrSignature},
		{"half a signature", hub(v.Signature[:40]), v.Body, []sign.Secret{secret}, sign.ErrMalformedHeader},
		{"a shorter signature", hub(v.Signature[:41]), v.Body, []sign.Secret{secret}, sign.ErrSignature},
		{"another body", hub(v.Signature), v.Body + " ", []sign.Secret{secret}, sign.ErrSignature},
		{"another secret", hub(v.Signature), v.Body, []sign.Secret{sign.NewSecret("another secret")}, sign.ErrSignature},
		{"no secret", hub(v.Signature), v.Body, nil, sign.ErrConfig},
		{"an empty secret", hub(v.Signature), v.Body, []sign.Secret{secret, {}}, sign.ErrConfig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := sign.VerifyHMAC(tc.h, []byte(tc.body), tc.secrets...); !errors.Is(err, tc.want) {
				t.Errorf("VerifyHMAC = %v, want %v", err, tc.want)
			}
		})
	}
}

func FuzzVerifyHMAC(f *testing.F) {
	v := allVectors(f).Hub[0]
	f.Add(v.Signature, []byte(v.Body))
	f.Add("sha256=", []byte(nil))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		secret := sign.NewSecret("a secret of ours")
		r := &http.Request{}
		if err := sign.HMAC(secret).Sign(r, sign.Message{Body: body}); err != nil {
			t.Fatal(err)
		}
		if err := sign.VerifyHMAC(r.Header, body, secret); err != nil {
			t.Fatalf("the signature does not verify: %v", err)
		}
		if err := sign.VerifyHMAC(hub(value), body, sign.NewSecret("another secret")); err == nil && value != "" {
			mine := &http.Request{}
			_ = sign.HMAC(sign.NewSecret("another secret")).Sign(mine, sign.Message{Body: body})
			if got := mine.Header.Get(sign.HubSignatureHeader); got != value {
				t.Fatalf("%q verifies, the signature is %q", value, got)
			}
		}
	})
}

// upperOne changes the last letter of the digits to upper case.
func upperOne(digits string) string {
	i := strings.LastIndexAny(digits, "abcdef")
	return digits[:i] + strings.ToUpper(digits[i:i+1]) + digits[i+1:]
}

func hexOf(b []byte) string { return fmt.Sprintf("%x", b) }

func ExampleHMAC() {
	r, _ := http.NewRequest(http.MethodPost, "https://hooks.example.com/in", nil)
	err := sign.HMAC(sign.NewSecret("It's a Secret to Everybody")).Sign(r, sign.Message{Body: []byte("Hello World!")})
	fmt.Println(r.Header.Get("X-Hub-Signature"), err)
	// Output: sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9 <nil>
}

func ExampleVerifyHMAC() {
	h := http.Header{}
	secret := sign.NewSecret("It's a Secret to Everybody")
	fmt.Println(sign.VerifyHMAC(h, []byte("Hello World!"), secret))
	h.Set("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")
	fmt.Println(sign.VerifyHMAC(h, []byte("Hello World!"), secret))
	fmt.Println(sign.VerifyHMAC(h, []byte("Hello, World!"), secret))
	// Output:
	// sign: missing header
	// <nil>
	// sign: no matching signature
}
