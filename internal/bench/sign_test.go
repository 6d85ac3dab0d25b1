package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// BenchmarkSign measures the cost of each scheme for an attempt.
func BenchmarkSign(b *testing.B) {
	secret := sign.NewSecret(strings.Repeat("k", 32))
	generated, err := sign.GenerateSecret()
	if err != nil {
		b.Fatal(err)
	}
	standard, err := sign.Standard(generated)
	if err != nil {
		b.Fatal(err)
	}
	private, _, err := sign.GenerateKey()
	if err != nil {
		b.Fatal(err)
	}
	asymmetric, err := sign.Standard(private)
	if err != nil {
		b.Fatal(err)
	}
	connect, err := sign.ConnectJWT("client", secret, "https://app.example.com", nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		signer sign.Signer
	}{
		{"token", sign.Token(sign.TokenHeader, secret)},
		{"hmac", sign.HMAC(secret)},
		{"standard", standard},
		{"standard-ed25519", asymmetric},
		{"connect-jwt", connect},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := http.NewRequest(http.MethodPost, "https://app.example.com/hook?issue=EX-1", nil)
			if err != nil {
				b.Fatal(err)
			}
			m := sign.Message{ID: "evt_0123456789", Attempt: 1, Time: time.Unix(1_800_000_000, 0), Body: body}
			b.ReportAllocs()
			for b.Loop() {
				if err := c.signer.Sign(r, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
