package sign_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

func ExampleConnectJWT() {
	secret := sign.NewSecret("shared-secret-example")
	signer, err := sign.ConnectJWT("jira:client-key", secret, "https://addon.example.com", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1700000000, 0)
	r, _ := http.NewRequest(http.MethodPost, "https://addon.example.com/hooks/issue?user_id=admin&user_key=admin", nil)
	if err := signer.Sign(r, sign.Message{ID: "evt_1", Attempt: 1, Time: now}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.40s...\n", r.Header.Get("Authorization"))

	elsewhere, _ := http.NewRequest(http.MethodPost, "https://elsewhere.example.com/hooks/issue", nil)
	fmt.Println(signer.Sign(elsewhere, sign.Message{Time: now}))
	// Output:
	// JWT eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9...
	// sign: request URL lies outside the base URL of the add-on: it is not signed
}

func ExampleVerifyConnectJWT() {
	secret := sign.NewSecret("shared-secret-example")
	signer, err := sign.ConnectJWT("jira:client-key", secret, "https://addon.example.com", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1700000000, 0) // a receiver calls time.Now
	r, _ := http.NewRequest(http.MethodPost, "https://addon.example.com/hooks/issue?user_id=admin", nil)
	receiver := sign.ConnectReceiver{Secrets: sign.ForClient("jira:client-key", secret), BaseURL: "https://addon.example.com"}

	_, err = sign.VerifyConnectJWT(r, now, receiver)
	fmt.Println(errors.Is(err, sign.ErrMissingHeader), err)

	if err := signer.Sign(r, sign.Message{ID: "evt_1", Attempt: 1, Time: now}); err != nil {
		fmt.Println(err)
		return
	}
	claims, err := sign.VerifyConnectJWT(r, now, receiver)
	fmt.Println(claims.ClientKey, claims.Expires.Sub(claims.IssuedAt), err)

	r.URL.RawQuery = "user_id=root"
	_, err = sign.VerifyConnectJWT(r, now, receiver)
	fmt.Println(err)
	// Output:
	// true sign: missing header: authorization
	// jira:client-key 3m0s <nil>
	// sign: query hash does not fit the request
}

func ExampleCanonicalRequest() {
	u, _ := url.Parse("https://addon.example.com/base/hooks/issue/?b=2&a=1+%2B+1")
	fmt.Println(sign.CanonicalRequest(http.MethodPost, u, "https://addon.example.com/base", sign.PathRaw))
	// Output: POST&/hooks/issue&a=1%20%2B%201&b=2 <nil>
}

// A receiver has only the public key, so it cannot sign.
func ExampleGenerateKey() {
	private, public, err := sign.GenerateKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := sign.Standard(private)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1700000000, 0)
	r, _ := http.NewRequest(http.MethodPost, "https://hooks.example.com/in", nil)
	if err := signer.Sign(r, sign.Message{ID: "msg_1", Attempt: 1, Time: now, Body: []byte("{}")}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(private, public[:5], r.Header.Get("webhook-signature")[:4])
	fmt.Println(sign.VerifyStandard(r.Header, []byte("{}"), now, 0, sign.NewSecret(public)))
	// Output:
	// [redacted] whpk_ v1a,
	// <nil>
}
