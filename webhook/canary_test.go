package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// collected holds all texts that a host could see, show or keep.
type collected struct {
	lockedBuffer
	errors atomic.Int64
}

func (e *collected) add(what string, vs ...any) {
	for _, v := range vs {
		if err, ok := v.(error); ok && err != nil {
			e.errors.Add(1)
		}
		fmt.Fprintf(e, "%s: %v | %+v | %#v\n", what, v, v, v)
		slog.New(slog.NewTextHandler(e, nil)).Info(what, "v", v)
		slog.New(slog.NewJSONHandler(e, nil)).Info(what, "v", v)
	}
}

// both writes every log record as text and as JSON.
type both struct{ text, json slog.Handler }

func (b both) Enabled(context.Context, slog.Level) bool { return true }
func (b both) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(b.text.Handle(ctx, r), b.json.Handle(ctx, r))
}
func (b both) WithAttrs(as []slog.Attr) slog.Handler {
	return both{b.text.WithAttrs(as), b.json.WithAttrs(as)}
}
func (b both) WithGroup(name string) slog.Handler {
	return both{b.text.WithGroup(name), b.json.WithGroup(name)}
}

func (e *collected) logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return slog.New(both{slog.NewTextHandler(e, o), slog.NewJSONHandler(e, o)})
}

// observer adds every argument; a Webhook prints itself masked.
func (e *collected) observer() *webhook.Observer {
	one := func(what string) func(context.Context, webhook.Delivery) {
		return func(_ context.Context, d webhook.Delivery) { e.add(what, d) }
	}
	return &webhook.Observer{
		Enqueued: one("enqueued"), Settled: one("settled"), Lost: one("lost"),
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) { e.add("attempted", d, a) },
		Disabled:  func(_ context.Context, w webhook.Webhook) { e.add("disabled", w, &w) },
		Attention: func(_ context.Context, w webhook.Webhook, c webhook.Code, _ *webhook.Attempt) {
			e.add("attention", w, c)
		},
	}
}

// canaries are parts of every credential that hidden plants, and of addresses.
var canaries = []string{"Canary", "qjqjqj", "xkxkxk", "zvzvzv", "wqwqwq", "ykykyk", "vxvxvx", "hjhjhj", "uyquyq", "203.0.113.77", "2001:db8::77"}

func (e *collected) check(t *testing.T, least int) {
	t.Helper()
	text := e.String()
	if n := strings.Count(text, "\n"); n < least {
		t.Errorf("%d lines were collected, expected %d at least", n, least)
	}
	for _, c := range canaries {
		if at := strings.Index(text, c); at >= 0 {
			t.Errorf("%q got out: ...%s...", c, text[max(0, at-300):min(len(text), at+100)])
		}
	}
}

// queryAll adds the results of all queries about a host.
func (e *collected) queryAll(h *host, w webhook.Webhook) {
	e.add("status", h.Status())
	health, err := h.hooks.Health(ctx, scope, w.ID)
	e.add("health", health, err)
	ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope})
	e.add("deliveries", ds, err)
	for _, d := range ds {
		d, as, err := h.hooks.Delivery(ctx, scope, d.ID)
		e.add("delivery", d, as, err)
		x, err := h.Explain(ctx, scope, d.ID)
		e.add("explanation", x, err)
	}
	ws, err := h.hooks.List(ctx, scope)
	e.add("webhooks", ws, err)
	a, err := h.hooks.Test(ctx, scope, w.ID)
	e.add("test", a, err)
}

// transportError has the text of an error of net/http and net, and more.
type transportError struct{ r *http.Request }

func (e transportError) Error() string {
	return fmt.Sprintf("Post %q: dial tcp 203.0.113.77:443 [2001:db8::77]: %v", e.r.URL, e.r.Header)
}

// echoing answers with all parts of the request, in several forms.
func echoing(r *http.Request) string {
	var b strings.Builder
	_ = r.Header.Write(&b)
	path := r.URL.RequestURI()
	fmt.Fprintf(&b, "%s %s\n%q %s\nfrom 203.0.113.77:8443: and [2001:db8::77]:1\n", r.Method, r.URL, r.URL, strings.ReplaceAll(path, "/", `\/`))
	fmt.Fprintf(&b, "%s%s", strings.Repeat("-", webhook.MaxSnippet-b.Len()-10), r.Header.Get("X-Automation-Webhook-Token"))
	return b.String()
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string, header ...string) transportFunc {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// breaking is a body that fails in the middle of a secret.
type breaking struct {
	io.Reader
	err error
}

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}
func (breaking) Close() error { return nil }

// Rule: no secret, header value, URL path or address appears in a log line, an error, a record, or
// an argument of an Observer, in any case.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to      transportFunc
		profile func(*webhook.Profile)
		row     func(*webhook.Webhook) // edited behind the Manager's back
	}{
		"success":          {to: respond(200, "ok")},
		"redirect":         {to: respond(302, "", "Location", "https://203.0.113.77/pathCanary-qjqjqjqj")},
		"unauthorised":     {to: respond(401, "bad token secretCanary-wqwqwq/ykykyk")},
		"gone":             {to: respond(410, "no ruleCanary-xkxkxkxk"), profile: func(p *webhook.Profile) { p.Judge = webhook.Standard().Judge }},
		"patience":         {to: respond(503, "later", "Retry-After", "60")},
		"transport errors": {to: func(r *http.Request) (*http.Response, error) { return nil, transportError{r} }},
		"transport panics": {to: func(r *http.Request) (*http.Response, error) { panic(transportError{r}) }},
		"echo":             {to: func(r *http.Request) (*http.Response, error) { return respond(400, echoing(r))(r) }},
		"echo in fields": {to: func(r *http.Request) (*http.Response, error) {
			token := r.Header.Get("X-Automation-Webhook-Token")
			return respond(400, "no", "Server", token, "Via", "1.1 203.0.113.77:443", "X-Request-Id", r.URL.RequestURI(), "Www-Authenticate", `Bearer realm="`+r.URL.String()+`"`,
				"Set-Cookie", token, "Location", r.URL.String(), "Cf-Ray", url.QueryEscape(token))(r)
		}},
		"echo of success": {to: func(r *http.Request) (*http.Response, error) { return respond(200, echoing(r))(r) }},
		"echo that breaks": {to: func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 500, Body: breaking{strings.NewReader("token secretCanary-wqwqwq/y"), transportError{r}}}, nil
		}},
		"secret in the path": {to: func(r *http.Request) (*http.Response, error) { return respond(404, echoing(r))(r) },
			row: func(w *webhook.Webhook) {
				w.Attributes, w.Secrets = headers(webhook.AttrSecretIn, webhook.SecretInPath), secrets("secretCanary-wqwqwq.ykykyk")
			}},
		"secret that does not fit the path": {row: func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath) }},
		"URL refused":                       {row: func(w *webhook.Webhook) { w.URL = "https://hooks.example.com/pathCanary-qjqjqjqj" }},
		"URL broken":                        {row: func(w *webhook.Webhook) { w.URL = "https://u:secretCanary-wqwqwq@h/\x7f%zz" }},
		"URL of an address":                 {row: func(w *webhook.Webhook) { w.URL = "https://203.0.113.77/pathCanary-qjqjqjqj" }},
		"header refused":                    {row: func(w *webhook.Webhook) { w.Headers = headers("X-Key", "headerCanary\r\n") }},
		"secret refused":                    {row: func(w *webhook.Webhook) { w.Secrets = secrets("secretCanary-wqwqwq\r\n") }},
		"Sign fails": {profile: func(p *webhook.Profile) {
			p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) {
				return nil, errors.New("cannot use " + w.Secrets[0].Reveal() + w.URL)
			}
		}},
		"Sign panics": {profile: func(p *webhook.Profile) {
			p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) { panic(w.Secrets[0].Reveal() + w.URL) }
		}},
		"Target fails": {profile: func(p *webhook.Profile) {
			p.Prepare.Target = func(w webhook.Webhook, d webhook.Delivery) (string, error) {
				if d.EventID != "x" {
					return "", errors.New("cannot use " + w.URL)
				}
				return w.URL, nil
			}
		}},
		"Header panics": {profile: func(p *webhook.Profile) {
			p.Prepare.Header = func(w webhook.Webhook, _ webhook.Delivery, h http.Header) { panic(fmt.Sprint(w.URL, h)) }
		}},
		"Limits panics": {profile: func(p *webhook.Profile) {
			p.Limits = func(w webhook.Webhook, _ string) []webhook.Limit { panic(w.URL) }
		}},
		"Judge panics": {profile: func(p *webhook.Profile) {
			p.Judge = func(webhook.Attempt) webhook.Verdict { panic("secretCanary-wqwqwq") }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var all collected
				p := webhook.Automation()
				if c.profile != nil {
					c.profile(&p)
				}
				if c.to == nil {
					c.to = respond(200, "ok")
				}
				h := newHost(t, newStore(t), p, &webhook.Options{Transport: c.to, Logger: all.logger(), Observer: all.observer(), Poll: time.Hour,
					Breaker: webhook.Breaker{Failures: 2}})
				w, err := h.hooks.Add(ctx, hidden())
				all.add("added", w, err)
				if err != nil {
					t.Fatal(err)
				}
				h.start()
				defer h.stop()
				if c.row != nil {
					c.row(&w)
					if err := h.store.(webhook.Registry).Update(ctx, w); err != nil {
						t.Fatal(err)
					}
				}
				r, err := h.Dispatch(ctx, success(t))
				all.add("receipt", r, err)
				settled(time.Second)
				all.queryAll(h, w)
				settled(time.Hour)
				all.queryAll(h, w)
				all.check(t, 30)
			})
		})
	}
}
