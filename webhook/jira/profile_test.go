package jira_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/sign"
)

func TestDelivery_headersOverRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(int, *http.Request) (int, error) { return 503, nil }}
		h, stop := newHost(t, jira.Profile(), webhook.Options{Carry: func(context.Context) map[string]string {
			return map[string]string{jira.TraceHeader: "trace-7"}
		}}, to)
		defer stop()
		secret := webhook.NewSecret("It's a Secret to Everybody")
		a := h.add(webhook.Webhook{Secrets: []webhook.Secret{secret, webhook.NewSecret("old")}})
		h.add(webhook.Webhook{URL: "https://other.example.com/"})
		h.dispatch(event(t, sample(t, "jira:issue_updated")))
		time.Sleep(time.Hour)
		synctest.Wait()

		byURL := map[string][]request{}
		for _, r := range to.all() {
			host, _, _ := strings.Cut(strings.TrimPrefix(r.URL, "https://"), "/")
			byURL[host] = append(byURL[host], r)
		}
		identifiers := map[string]bool{}
		for host, requests := range byURL {
			if len(requests) != 6 {
				t.Fatalf("%s got %d requests, want 6", host, len(requests))
			}
			first := requests[0]
			identifiers[first.Header.Get("X-Atlassian-Webhook-Identifier")] = true
			for n, r := range requests {
				if r.Body != first.Body || r.URL != first.URL {
					t.Errorf("%s: request %d has another body or URL", host, n)
				}
				want := http.Header{
					"Content-Type":                   {"application/json"},
					"User-Agent":                     first.Header["User-Agent"],
					"X-Atlassian-Webhook-Identifier": {first.Header.Get(jira.IdentifierHeader)},
					"X-Atlassian-Webhook-Flow":       {"Primary"},
					"X-Atlassian-Webhook-Trace":      {"trace-7"},
				}
				if n > 0 {
					want["X-Atlassian-Webhook-Retry"] = []string{strconv.Itoa(n)}
				}
				if strings.Contains(a.URL, host) {
					want["X-Hub-Signature"] = first.Header["X-Hub-Signature"]
					if err := sign.VerifyHMAC(r.Header, []byte(r.Body), secret); err != nil {
						t.Errorf("request %d: %v", n, err)
					}
				}
				if diff := cmp.Diff(want, r.Header); diff != "" {
					t.Errorf("%s: request %d (-want +got):\n%s", host, n, diff)
				}
			}
		}
		if len(byURL) != 2 || len(identifiers) != 2 || identifiers[""] {
			t.Errorf("%d receivers, identifiers %v; want two of each", len(byURL), identifiers)
		}
	})
}

func TestHeader_trace(t *testing.T) {
	t.Parallel()
	for trace, want := range map[string]bool{
		"abc-123 x": true, strings.Repeat("x", 1024): true, "": false, strings.Repeat("x", 1025): false, "a\nb": false, "ä": false, " x": false, "x ": false,
	} {
		h := http.Header{}
		jira.Profile().Prepare.Header(webhook.Webhook{}, webhook.Delivery{ID: "dlv_1", Carry: map[string]string{jira.TraceHeader: trace}}, h)
		if _, got := h[jira.TraceHeader]; got != want {
			t.Errorf("trace %.20q is sent = %v, want %v", trace, got, want)
		}
	}
}

// Rule: the number of a callback is sent with the option, where its webhook keeps an order.
func TestHeader_sequence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts []jira.Option
		hook webhook.Webhook
		want string
	}{
		{nil, webhook.Webhook{Order: webhook.OrderSkip}, ""},
		{[]jira.Option{jira.WithSequence()}, webhook.Webhook{}, ""},
		{[]jira.Option{jira.WithSequence()}, webhook.Webhook{Order: webhook.OrderSkip}, "0000000000000001234"},
		{[]jira.Option{jira.WithSequence()}, webhook.Webhook{Coalesce: true}, "0000000000000001234"},
	} {
		h := http.Header{}
		jira.Profile(c.opts...).Prepare.Header(c.hook, webhook.Delivery{ID: "dlv_1", Sequence: 1234}, h)
		if got := h.Get(jira.SequenceHeader); got != c.want {
			t.Errorf("%s of %+v with %d options is %q, want %q", jira.SequenceHeader, c.hook.Order, len(c.opts), got, c.want)
		}
	}
}

// attempts counts the attempts of a delivery that meets the same fault each time.
func attempts(t *testing.T, p webhook.Profile, status int, fault error) (n int, d webhook.Delivery) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(int, *http.Request) (int, error) { return status, fault }}
		h, stop := newHost(t, p, webhook.Options{}, to)
		defer stop()
		h.add(webhook.Webhook{})
		r := h.dispatch(event(t, sample(t, "sprint_started")))
		time.Sleep(time.Hour)
		synctest.Wait()
		var err error
		if d, _, err = h.manager.Delivery(t.Context(), "acme", r.Events[0].Deliveries[0]); err != nil {
			t.Fatal(err)
		}
		n = len(to.all())
	})
	return n, d
}

func TestDelivery_whatIsRetried(t *testing.T) {
	t.Parallel()
	again := map[int]bool{408: true, 409: true, 425: true, 429: true}
	for _, status := range []int{101, 201, 202, 204, 206, 299, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 425, 429, 451, 499, 500, 501, 502, 503, 504, 511, 599, 600, 999} {
		want := 1
		if again[status] || status/100 == 5 {
			want = 6
		}
		n, d := attempts(t, jira.Profile(), status, nil)
		if n != want || d.State != webhook.StateFailed || d.Exhausted != (want == 6) {
			t.Errorf("status %d: %d requests, %v, exhausted %v; want %d", status, n, d.State, d.Exhausted, want)
		}
	}
	if n, d := attempts(t, jira.Profile(), 0, errors.New("broken off")); n != 6 || d.LastCode != webhook.CodeProtocol {
		t.Errorf("a connection that breaks off: %d requests, %s", n, d.LastCode)
	}
	if n, d := attempts(t, jira.Profile(), 0, context.DeadlineExceeded); n != 6 || d.LastCode != webhook.CodeTimeout {
		t.Errorf("a timeout: %d requests, %s", n, d.LastCode)
	}
}

func TestDelivery_whatSucceeds(t *testing.T) {
	t.Parallel()
	if n, d := attempts(t, jira.Profile(), 200, nil); n != 1 || d.State != webhook.StateDelivered {
		t.Errorf("200: %d requests, %v", n, d.State)
	}
	p := jira.Profile(jira.Any2xx())
	for _, status := range []int{200, 201, 204, 299} {
		if n, d := attempts(t, p, status, nil); n != 1 || d.State != webhook.StateDelivered {
			t.Errorf("%d with Any2xx: %d requests, %v", status, n, d.State)
		}
	}
	if n, d := attempts(t, p, 300, nil); n != 1 || d.State != webhook.StateFailed {
		t.Errorf("300 with Any2xx: %d requests, %v", n, d.State)
	}
}

func TestTransient_certificates(t *testing.T) {
	t.Parallel()
	judge := jira.Profile().Judge
	for code, want := range map[webhook.Code]bool{
		webhook.CodeTLSVerify: true, webhook.CodeTLS: true, webhook.CodeDNS: true, webhook.CodeConnect: true,
		webhook.CodeBlockedAddress: false, webhook.CodeURLRejected: false, webhook.CodeRedirect: false, webhook.CodeConfig: false,
	} {
		if got := judge(webhook.Attempt{Code: code}) == webhook.VerdictRetry; got != want {
			t.Errorf("%s is transient = %v, want %v", code, got, want)
		}
	}
}

func TestDelivery_excludeBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHost(t, jira.Profile(), webhook.Options{}, &receiver{})
		defer stop()
		h.add(webhook.Webhook{ExcludeBody: true, Secrets: []webhook.Secret{webhook.NewSecret("It's a Secret to Everybody")}})
		h.dispatch(event(t, sample(t, "jira:issue_created")))
		synctest.Wait()
		got := h.to.all()
		if len(got) != 1 {
			t.Fatalf("%d requests", len(got))
		}
		r := got[0]
		if r.Body != "" || r.Length != 0 || r.Header.Get("Content-Type") != "" {
			t.Errorf("body %q, length %d, content type %q; want none", r.Body, r.Length, r.Header.Get("Content-Type"))
		}
		const empty = "sha256=66a0c074deaa0f489ead6537e0d32f9a344b90bbeda705b6ed45ecd3b413fb40"
		if s := r.Header.Get("X-Hub-Signature"); s != empty {
			t.Errorf("signature %s, want that of zero bytes", s)
		}
	})
}

func TestDispatch_tooLarge(t *testing.T) {
	t.Parallel()
	h, stop := newHost(t, jira.Profile(), webhook.Options{}, &receiver{})
	defer stop()
	w := h.add(webhook.Webhook{})
	c := jiraevent.Callback{Event: "server_upgraded", More: map[string]any{"x": strings.Repeat("x", jira.MaxBody)}}
	_, err := h.hooks.Dispatch(t.Context(), event(t, c))
	if !errors.Is(err, webhook.ErrTooLarge) {
		t.Errorf("Dispatch of more than 25 MB = %v, want ErrTooLarge", err)
	}
	e := event(t, c)
	e.Body = e.Body[:jira.MaxBody]
	if _, err := h.hooks.Dispatch(t.Context(), e); err != nil {
		t.Errorf("Dispatch of 25 MB = %v", err)
	}
	if err := h.manager.Delete(t.Context(), "acme", w.ID); err != nil {
		t.Fatal(err)
	}
}
