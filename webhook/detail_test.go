package webhook_test

import (
	"context"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/oauth"
)

// Rule: each reason of the transport or of a token endpoint, and no other, is a Code and a Detail
// with a sentence.
func TestDetailsAreClosed(t *testing.T) {
	t.Parallel()
	said := append(constants(t, "internal/transport/reason.go", "Reason"), oauth.Names...)
	slices.Sort(said)
	details := constants(t, "detail.go", "Detail")
	if !slices.Equal(said, details) {
		t.Errorf("reasons of the transport\n%q\ndetails\n%q", said, details)
	}
	codes := constants(t, "delivery.go", "Code")
	for _, kind := range constants(t, "internal/transport/reason.go", "Kind") {
		if !slices.Contains(codes, kind) {
			t.Errorf("the transport says %q, which is no Code", kind)
		}
	}
	texts := map[string]bool{"": true}
	for _, d := range details {
		text := webhook.Detail(d).Text()
		if texts[text] || !strings.HasSuffix(text, ".") {
			t.Errorf("%s has the text %q, want a sentence of its own", d, text)
		}
		texts[text] = true
	}
	if got := webhook.Detail("").Text() + webhook.Detail("other").Text(); got != "" {
		t.Errorf("no detail has the text %q", got)
	}
}

// constants returns the values of a type's constants in a file, sorted.
func constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	f, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typ {
			for _, v := range spec.Values {
				text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, text)
			}
		}
		return true
	})
	if len(values) < 5 {
		t.Fatalf("%s has the constants %q of type %s", file, values, typ)
	}
	slices.Sort(values)
	return values
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Rule: a delivery that cannot leave this process spends no try, even in a profile without retries,
// counts against no webhook, and is sent when the way out works again.
func TestEgressCountsAgainstNobody(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	to := roundTripper(func(r *http.Request) (*http.Response, error) {
		if down.Load() {
			return nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: net.UnknownNetworkError("proxy-canary")}
		}
		return (&receiver{}).RoundTrip(r)
	})
	p := webhook.Automation()
	p.Retry, p.DisableAfter = retry.None(), time.Hour
	var attention atomic.Int32
	o := &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: 1}, Observer: &webhook.Observer{
		Attention: func(context.Context, webhook.Webhook, webhook.Code, *webhook.Attempt) { attention.Add(1) },
	}}
	inBubble(t, p, o, func(h *host) {
		w := h.add("one")
		id := h.dispatch()
		settled(6 * time.Hour)
		if got := h.outcome(id); got != "pending egress tries=0" {
			t.Errorf("while the proxy is down: %s", got)
		}
		health, err := h.hooks.Health(t.Context(), scope, w.ID)
		if err != nil || health.Failures != 0 || !health.FailingSince.IsZero() || !health.OpenUntil.IsZero() || attention.Load() != 0 {
			t.Errorf("health %+v, %v, %d calls of Attention", health, err, attention.Load())
		}
		if strings.Contains(h.log.String(), "proxy-canary") {
			t.Errorf("log: %s", h.log.String())
		}
		down.Store(false)
		settled(time.Minute)
		if got := h.outcome(id); got != "delivered tries=1" {
			t.Errorf("with the proxy back: %s", got)
		}
	})
}
