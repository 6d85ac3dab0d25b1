package webhooktest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// The receiver fails for one request. In a test, New(t, nil) starts the endpoint and
// closes it at the end.
func Example() {
	endpoint, err := webhooktest.Start(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer endpoint.Close()
	endpoint.Answer(webhooktest.Response{Status: http.StatusServiceUnavailable})

	for range 2 {
		r, _ := http.NewRequest(http.MethodPost, endpoint.URL(), strings.NewReader(`{"trigger":"taskSuccess"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(sign.TokenHeader, endpoint.Secret().Reveal())
		resp, err := endpoint.Transport().RoundTrip(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	requests, err := endpoint.Wait(ctx, 2)
	for _, r := range requests {
		fmt.Println(r.Host, r.Shape, string(r.Body), r.Answer.Status)
	}
	fmt.Println(err)
	// Output:
	// api-private.atlassian.com /automation/webhooks/{product}/a/{id}/{id} {"trigger":"taskSuccess"} 503
	// api-private.atlassian.com /automation/webhooks/{product}/a/{id}/{id} {"trigger":"taskSuccess"} 200
	// <nil>
}

// A receiver with a tenant's own host name takes its answers from a function.
func ExampleOptions() {
	endpoint, err := webhooktest.Start(&webhooktest.Options{
		Generic: true,
		Hosts:   []string{"hooks.tenant.example.net"},
		Script: func(n int, r webhooktest.Request) webhooktest.Response {
			if n == 1 {
				return webhooktest.Response{Status: http.StatusTooManyRequests}
			}
			return webhooktest.Response{Status: http.StatusNoContent}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer endpoint.Close()

	for range 2 {
		r, _ := http.NewRequest(http.MethodPost, endpoint.URL(), strings.NewReader("ping"))
		resp, err := endpoint.Transport().RoundTrip(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(endpoint.URL(), resp.StatusCode)
	}
	// Output:
	// https://hooks.tenant.example.net/hook 429
	// https://hooks.tenant.example.net/hook 204
}
