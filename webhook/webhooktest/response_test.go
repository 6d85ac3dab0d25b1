package webhooktest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/webhooktest"
)

func TestAnswersAreQueuedThenScripted(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, &webhooktest.Options{Script: func(n int, r webhooktest.Request) webhooktest.Response {
		return webhooktest.Response{Status: 202, Body: fmt.Sprint(n, " ", string(r.Body))}
	}})
	e.Answer(webhooktest.Response{Status: 503, RetryAfter: 1500 * time.Millisecond, Header: http.Header{"X-A": {"b"}}}, webhooktest.Response{Status: 429, Body: "slow down"})

	resp, err := e.Transport().RoundTrip(newPost(t, e, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "2" || resp.Header.Get("X-A") != "b" {
		t.Errorf("first answer: %d %v, want 503, Retry-After rounded up to 2, and the header", resp.StatusCode, resp.Header)
	}
	bad := newPost(t, e, "[]")
	got := []answer{send(t, e, bad), send(t, e, newPost(t, e, "{}")), send(t, e, newPost(t, e, "{}"))}
	want := []answer{{400, "The body must be a JSON object"}, {429, "slow down"}, {202, "4 {}"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a refused request uses up no answer (-want +got):\n%s", diff)
	}
	e.Answer(webhooktest.Response{Status: 42})
	if got := send(t, e, newPost(t, e, "{}")); got.Status != 500 || !strings.Contains(got.Body, "Response.Status") {
		t.Errorf("an impossible status: %v, want a 500 that names it", got)
	}
}

func TestResetBreaksTheConnection(t *testing.T) {
	t.Parallel()
	for _, http1 := range []bool{false, true} {
		e := webhooktest.New(t, &webhooktest.Options{HTTP1: http1})
		e.Answer(webhooktest.Response{Reset: true})
		resp, err := e.Transport().RoundTrip(newPost(t, e, "{}"))
		if err == nil {
			_ = resp.Body.Close()
		}
		// The HTTP/2 client may report a failed read as an early end.
		if !errors.Is(err, syscall.ECONNRESET) && (http1 || !errors.Is(err, io.ErrUnexpectedEOF)) {
			t.Errorf("HTTP1 = %t: %v, want a reset connection", http1, err)
		}
		if got := send(t, e, newPost(t, e, "{}")); got.Status != 200 {
			t.Errorf("HTTP1 = %t: the next request got %d, want 200", http1, got.Status)
		}
	}
}

func TestHangAndDelayEndWithTheSender(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]webhooktest.Response{"hang": {Hang: true}, "delay": {Delay: time.Hour}} {
		for _, http1 := range []bool{false, true} {
			e := webhooktest.New(t, &webhooktest.Options{HTTP1: http1})
			e.Answer(r)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				_, _ = e.Wait(ctx, 1)
				cancel()
			}()
			resp, err := e.Transport().RoundTrip(newPost(t, e, "{}").WithContext(ctx))
			if err == nil {
				_ = resp.Body.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, HTTP1 = %t: %v, want the sender's own cancellation", name, http1, err)
			}
		}
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]webhooktest.Response{"hang": {Hang: true}, "delay": {Delay: time.Hour}} {
		for _, http1 := range []bool{false, true} {
			e := webhooktest.New(t, &webhooktest.Options{HTTP1: http1})
			e.Answer(r, r, r)
			requests := []*http.Request{newPost(t, e, "{}"), newPost(t, e, "{}"), newPost(t, e, "{}")}
			var wg sync.WaitGroup
			for _, r := range requests {
				wg.Go(func() {
					resp, err := e.Transport().RoundTrip(r)
					if err == nil {
						_ = resp.Body.Close()
						t.Errorf("%s, HTTP1 = %t: got an answer", name, http1)
					}
				})
			}
			if _, err := e.Wait(t.Context(), len(requests)); err != nil {
				t.Fatal(err)
			}
			e.Close() // the test would time out if Close waited for the answers
			wg.Wait()
		}
	}
}

func TestTransportReachesTheEndpointOnly(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, &webhooktest.Options{Hosts: []string{"alias.example.com"}})
	for _, target := range []string{"https://example.com/", "https://127.0.0.1/", "https://atlassian.com/", "http://api-private.atlassian.com/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := e.Transport().RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: got %d, want a refusal", target, resp.StatusCode)
		}
	}
	if n := len(e.Requests()); n != 0 {
		t.Errorf("%d requests arrived, want none", n)
	}
	for _, host := range []string{"alias.example.com", "ALIAS.example.com", "api-private.atlassian.com:443"} {
		r := newPost(t, e, "{}")
		r.URL.Host, r.Host = host, ""
		if got := send(t, e, r); got.Status != 200 {
			t.Errorf("%s: status %d, want 200", host, got.Status)
		}
	}
}

func TestRealDialWithRootCAs(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, nil)
	dial := func(roots *x509.CertPool, name string) error {
		d := tls.Dialer{NetDialer: new(net.Dialer), Config: &tls.Config{RootCAs: roots, ServerName: name}}
		c, err := d.DialContext(t.Context(), "tcp", e.Addr())
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	if err := dial(e.RootCAs(), webhooktest.AutomationHost); err != nil {
		t.Errorf("with the endpoint's authority: %v", err)
	}
	var unknown x509.UnknownAuthorityError
	if err := dial(webhooktest.New(t, nil).RootCAs(), webhooktest.AutomationHost); !errors.As(err, &unknown) {
		t.Errorf("with another endpoint's authority: %v, want UnknownAuthorityError", err)
	}
	var name x509.HostnameError
	if err := dial(e.RootCAs(), "example.com"); !errors.As(err, &name) {
		t.Errorf("under another name: %v, want HostnameError", err)
	}
}

func TestConcurrentRequestsAreNumberedInOrder(t *testing.T) {
	t.Parallel()
	const n = 40
	var seen []int // calls of Script are not concurrent
	e := webhooktest.New(t, &webhooktest.Options{Script: func(n int, _ webhooktest.Request) webhooktest.Response {
		seen = append(seen, n)
		return webhooktest.Response{}
	}})
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = newPost(t, e, fmt.Sprintf(`{"i":%d}`, i))
	}
	var wg sync.WaitGroup
	for _, r := range requests {
		wg.Go(func() {
			resp, err := e.Transport().RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		})
	}
	all, err := e.Wait(t.Context(), n)
	wg.Wait()
	if err != nil || len(all) != n || len(seen) != n {
		t.Fatalf("%d requests, %d scripted, %v; want %d", len(all), len(seen), err, n)
	}
	for i := range n {
		if all[i].N != i+1 || seen[i] != i+1 {
			t.Fatalf("place %d: recorded as %d, scripted as %d", i, all[i].N, seen[i])
		}
	}
}
