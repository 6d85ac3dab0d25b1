package sign_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

const exampleSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func ExampleSecret() {
	token := sign.NewSecret("0123456789abcdef")
	fmt.Println(token)
	fmt.Printf("%s %q %x %#v\n", token, token, token, token)
	fmt.Println(token.Equal(sign.NewSecret("0123456789abcdef")), token.IsZero(), len(token.Reveal()))
	// Output:
	// [redacted]
	// [redacted] [redacted] [redacted] [redacted]
	// true false 16
}

func ExampleToken() {
	signer := sign.Token(sign.TokenHeader, sign.NewSecret("0123456789abcdef"))

	r, _ := http.NewRequest(http.MethodPost, "https://hooks.example.com/in", nil)
	err := signer.Sign(r, sign.Message{ID: "evt_1", Attempt: 1})
	fmt.Println(err, r.Header.Get("X-Automation-Webhook-Token"))
	// Output: <nil> 0123456789abcdef
}

func ExampleStandard() {
	signer, err := sign.Standard(sign.NewSecret(exampleSecret))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, _ := http.NewRequest(http.MethodPost, "https://hooks.example.com/in", nil)
	err = signer.Sign(r, sign.Message{
		ID: "msg_1", Attempt: 1, Time: time.Unix(1700000000, 0),
		Body: []byte(`{"trigger":"taskSuccess","processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205"}`),
	})
	fmt.Println(err)
	fmt.Println(r.Header.Get("webhook-id"))
	fmt.Println(r.Header.Get("webhook-timestamp"))
	fmt.Println(r.Header.Get("webhook-signature"))
	// Output:
	// <nil>
	// msg_1
	// 1700000000
	// v1,boEiEBklNzH+blcSKyRS9ZUrmgduE9E5JAJxDjZWPSc=
}

func ExampleVerifyStandard() {
	h := http.Header{}
	h.Set("webhook-id", "msg_1")
	h.Set("webhook-timestamp", "1700000000")
	h.Set("webhook-signature", "v1,boEiEBklNzH+blcSKyRS9ZUrmgduE9E5JAJxDjZWPSc=")
	body := []byte(`{"trigger":"taskSuccess","processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205"}`)
	secret := sign.NewSecret(exampleSecret)

	now := time.Unix(1700000000, 0) // a receiver calls time.Now
	fmt.Println(sign.VerifyStandard(h, body, now, 0, secret))
	err := sign.VerifyStandard(h, body, now.Add(6*time.Minute), 0, secret)
	fmt.Println(errors.Is(err, sign.ErrTooOld), err)
	fmt.Println(sign.VerifyStandard(h, append(body, ' '), now, 0, secret))
	// Output:
	// <nil>
	// true sign: timestamp too old
	// sign: no matching signature
}

func ExampleVerifyToken() {
	h := http.Header{}
	fmt.Println(sign.VerifyToken(h, sign.TokenHeader, sign.NewSecret("new"), sign.NewSecret("old")))
	h.Set(sign.TokenHeader, "old")
	fmt.Println(sign.VerifyToken(h, sign.TokenHeader, sign.NewSecret("new"), sign.NewSecret("old")))
	h.Set(sign.TokenHeader, "guess")
	fmt.Println(sign.VerifyToken(h, sign.TokenHeader, sign.NewSecret("new"), sign.NewSecret("old")))
	// Output:
	// sign: missing header
	// <nil>
	// sign: wrong token
}

func ExampleGenerateSecret() {
	secret, err := sign.GenerateSecret()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = sign.Standard(secret)
	fmt.Println(secret, secret.Reveal()[:6], err)
	// Output: [redacted] whsec_ <nil>
}

func ExamplePathSafe() {
	fmt.Println(sign.PathSafe(sign.NewSecret("0123456789abcdef")))
	fmt.Println(sign.PathSafe(sign.NewSecret("../admin")))
	// Output:
	// true
	// false
}

func ExampleFunc() {
	attempt := sign.Func(func(r *http.Request, m sign.Message) error {
		r.Header.Set("X-Attempt", fmt.Sprint(m.Attempt))
		return nil
	})
	r, _ := http.NewRequest(http.MethodPost, "https://hooks.example.com/in", nil)
	fmt.Println(attempt.Sign(r, sign.Message{Attempt: 2}), r.Header.Get("X-Attempt"))
	// Output: <nil> 2
}

// A sender publishes its public key for receivers that check asymmetric signatures.
func ExamplePublicKey() {
	private := sign.NewSecret("whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") // in production from GenerateKey
	public, err := sign.PublicKey(private)
	fmt.Println(public, err)
	// Output: whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg= <nil>
}

// An impossible secret gives another error than a request that is not genuine.
func ExampleConfigError() {
	_, err := sign.Standard(sign.NewSecret("whsec_c2hvcnQ="))
	fmt.Println(errors.Is(err, sign.ErrConfig), err)
	err = sign.VerifyHMAC(http.Header{}, nil)
	fmt.Println(errors.Is(err, sign.ErrConfig), err)
	// Output:
	// true sign: secret 1 must be 24 to 64 bytes before base64
	// true sign: secret is missing: give at least one
}
