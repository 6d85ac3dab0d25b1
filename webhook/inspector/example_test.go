package inspector_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

// An inspector shows the retries of a sender after a refusal.
func Example() {
	secret := sign.NewSecret("6f1d0c0e3b5a4f7d8e9a0b1c2d3e4f5a6b7c8d9e")
	in, err := inspector.New(&inspector.Options{Secrets: []sign.Secret{secret}})
	if err != nil {
		log.Fatal(err)
	}
	if err := in.Script(inspector.Answer{Status: 503}); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(in)
	defer server.Close()
	for range 2 { // a sender that tries again
		request, err := http.NewRequest(http.MethodPost, server.URL+"/in/hook", strings.NewReader(`{"trigger":"taskSuccess"}`))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Webhook-Id", "evt_1")
		request.Header.Set(sign.TokenHeader, secret.Reveal())
		response, err := server.Client().Do(request)
		if err != nil {
			log.Fatal(err)
		}
		response.Body.Close()
	}
	for _, r := range in.Requests() {
		fmt.Println(r.N, r.Event, r.Verdict(), "retry", r.Retry, "answered", r.Answer.Status, r.Header.Get(sign.TokenHeader))
	}
	// Output:
	// 1 taskSuccess verified retry 0 answered 503 (hidden, 40 characters)
	// 2 taskSuccess verified retry 1 answered 200 (hidden, 40 characters)
}
