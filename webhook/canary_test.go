package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
)

// everything collects whatever a host could see, show or keep.
type everything struct {
	lockedBuffer
	errors int
}

func (e *everything) note(what string, vs ...any) {
	for _, v := range vs {
		if err, ok := v.(error); ok && err != nil {
			e.errors++
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

func (e *everything) logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return slog.New(both{slog.NewTextHandler(e, o), slog.NewJSONHandler(e, o)})
}

// observer notes every argument; a Webhook prints itself masked.
func (e *everything) observer() *webhook.Observer {
	one := func(what string) func(context.Context, webhook.Delivery) {
		return func(_ context.Context, d webhook.Delivery) { e.note(what, d) }
	}
	return &webhook.Observer{
		Enqueued: one("enqueued"), Settled: one("settled"), Lost: one("lost"),
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) { e.note("attempted", d, a) },
		Disabled:  func(_ context.Context, w webhook.Webhook) { e.note("disabled", w, &w) },
		Attention: func(_ context.Context, w webhook.Webhook, c webhook.Code) { e.note("attention", w, c) },
	}
}

// canaries are parts of every credential that hidden plants, and of addresses.
var canaries = []string{"Canary", "11112222", "33334444", "55556666", "7777", "9999", "5678", "203.0.113.77", "2001:db8::77"}

func (e *everything) check(t *testing.T, least int) {
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

// ask notes all that can be asked of a host.
func (e *everything) ask(h *host, w webhook.Webhook) {
	e.note("status", h.Status())
	health, err := h.hooks.Health(ctx, scope, w.ID)
	e.note("health", health, err)
	ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope})
	e.note("deliveries", ds, err)
	for _, d := range ds {
		d, as, err := h.hooks.Delivery(ctx, scope, d.ID)
		e.note("delivery", d, as, err)
		x, err := h.Explain(ctx, scope, d.ID)
		e.note("explanation", x, err)
	}
	ws, err := h.hooks.List(ctx, scope)
	e.note("webhooks", ws, err)
	a, err := h.hooks.Test(ctx, scope, w.ID)
	e.note("test", a, err)
}

// transportError is what net/http and net would say of a request, and more.
type transportError struct{ r *http.Request }

func (e transportError) Error() string {
	return fmt.Sprintf("Post %q: dial tcp 203.0.113.77:443 [2001:db8::77]: %v", e.r.URL, e.r.Header)
}

// echoing answers with everything that it was sent, in several ways.
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

// Rule: no secret, header value, URL path or address appears in a log line, an error, a
// record, or what an Observer is given, whatever happens.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to      transportFunc
		profile func(*webhook.Profile)
		row     func(*webhook.Webhook) // edited behind the Manager's back
	}{
		"success":          {to: respond(200, "ok")},
		"redirect":         {to: respond(302, "", "Location", "https://203.0.113.77/pathCanary-11112222")},
		"unauthorised":     {to: respond(401, "bad token secretCanary-7777/8888")},
		"gone":             {to: respond(410, "no ruleCanary-33334444"), profile: func(p *webhook.Profile) { p.DisableOnGone = true }},
		"patience":         {to: respond(503, "later", "Retry-After", "60")},
		"transport errors": {to: func(r *http.Request) (*http.Response, error) { return nil, transportError{r} }},
		"transport panics": {to: func(r *http.Request) (*http.Response, error) { panic(transportError{r}) }},
		"echo":             {to: func(r *http.Request) (*http.Response, error) { return respond(400, echoing(r))(r) }},
		"echo of success":  {to: func(r *http.Request) (*http.Response, error) { return respond(200, echoing(r))(r) }},
		"echo that breaks": {to: func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 500, Body: breaking{strings.NewReader("token secretCanary-7777/8"), transportError{r}}}, nil
		}},
		"secret in the path": {to: func(r *http.Request) (*http.Response, error) { return respond(404, echoing(r))(r) },
			row: func(w *webhook.Webhook) {
				w.Attributes, w.Secrets = headers(webhook.AttrSecretIn, webhook.SecretInPath), secrets("secretCanary-7777.8888")
			}},
		"secret that does not fit the path": {row: func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath) }},
		"URL refused":                       {row: func(w *webhook.Webhook) { w.URL = "https://hooks.example.com/pathCanary-11112222" }},
		"URL broken":                        {row: func(w *webhook.Webhook) { w.URL = "https://u:secretCanary-7777@h/\x7f%zz" }},
		"URL of an address":                 {row: func(w *webhook.Webhook) { w.URL = "https://203.0.113.77/pathCanary-11112222" }},
		"header refused":                    {row: func(w *webhook.Webhook) { w.Headers = headers("X-Key", "headerCanary\r\n") }},
		"secret refused":                    {row: func(w *webhook.Webhook) { w.Secrets = secrets("secretCanary-7777\r\n") }},
		"Sign fails": {profile: func(p *webhook.Profile) {
			p.Sign = func(w webhook.Webhook) (sign.Signer, error) {
				return nil, errors.New("cannot use " + w.Secrets[0].Reveal() + w.URL)
			}
		}},
		"Sign panics": {profile: func(p *webhook.Profile) {
			p.Sign = func(w webhook.Webhook) (sign.Signer, error) { panic(w.Secrets[0].Reveal() + w.URL) }
		}},
		"Target fails": {profile: func(p *webhook.Profile) {
			p.Target = func(w webhook.Webhook, d webhook.Delivery) (string, error) {
				if d.EventID != "x" {
					return "", errors.New("cannot use " + w.URL)
				}
				return w.URL, nil
			}
		}},
		"Header panics": {profile: func(p *webhook.Profile) {
			p.Header = func(w webhook.Webhook, _ webhook.Delivery, h http.Header) { panic(fmt.Sprint(w.URL, h)) }
		}},
		"Limits panics":  {profile: func(p *webhook.Profile) { p.Limits = func(w webhook.Webhook, _ string) []string { panic(w.URL) } }},
		"Success panics": {profile: func(p *webhook.Profile) { p.Success = func(int) bool { panic("secretCanary-7777") } }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var all everything
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
				all.note("added", w, err)
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
				all.note("receipt", r, err)
				settled(time.Second)
				all.ask(h, w)
				settled(time.Hour)
				all.ask(h, w)
				all.check(t, 30)
			})
		})
	}
}

// leaky is a Store that panics with what it was given.
type leaky struct {
	*memstore.Store
	on bool
}

func (s *leaky) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if s.on {
		panic(hidden().URL)
	}
	return s.Store.Enqueue(ctx, ds)
}

func (s *leaky) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	if s.on {
		panic(b)
	}
	return b, err
}

func (s *leaky) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	if s.on {
		panic(hidden().Secrets[0].Reveal())
	}
	return s.Store.Settle(ctx, ss)
}

// Rule: what panics in a Store, an Observer, Around or Carry tells nothing either, nor do
// errors of a Store while a webhook is being sent to.
func TestCanaryOfTheHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all everything
		w := hidden()
		boom := func(context.Context, webhook.Delivery) { panic(w.URL) }
		store := &leaky{Store: newStore(t)}
		carry := false
		h := newHost(t, store, webhook.Automation(), &webhook.Options{Transport: respond(401, "x"), Logger: all.logger(),
			Observer: &webhook.Observer{Enqueued: boom, Settled: boom, Lost: boom,
				Attempted: func(context.Context, webhook.Delivery, webhook.Attempt) { panic(w.Secrets[0].Reveal()) },
				Attention: func(_ context.Context, w webhook.Webhook, _ webhook.Code) { panic(w.URL) }},
			Around: func(context.Context, webhook.Delivery, func(context.Context) webhook.Attempt) webhook.Attempt { panic(w.URL) },
			Carry: func(context.Context) map[string]string {
				if carry {
					panic(w.URL)
				}
				return nil
			}})
		w, err := h.hooks.Add(ctx, w)
		if err != nil {
			t.Fatal(err)
		}
		h.start()
		defer h.stop()
		for _, id := range []string{"evt_1", "evt_2"} {
			_, err = h.Dispatch(ctx, success(t, payload.WithID(id)))
			all.note("dispatched", err)
			settled(10 * time.Second)
			all.ask(h, w)
			store.on = true
			_, err = h.Dispatch(ctx, success(t, payload.WithID(id+"_b")))
			all.note("dispatched", err)
			settled(10 * time.Second)
			all.ask(h, w)
			store.on = false
			settled(10 * time.Second)
		}
		carry = true
		_, err = h.Dispatch(ctx, success(t))
		all.note("dispatched", err)
		err = webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error { return nil })
		all.note("tracked", err)
		if all.errors < 4 {
			t.Errorf("%d errors were collected, want 4 at least", all.errors)
		}
		all.check(t, 50)
	})
}

// Rule: nothing that the Manager refuses comes back in an error.
func TestCanaryOfForms(t *testing.T) {
	t.Parallel()
	var all everything
	h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Logger: all.logger()})
	stored, err := h.hooks.Add(ctx, hidden())
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*webhook.Webhook){
		func(w *webhook.Webhook) { w.URL = "http" + w.URL[5:] },
		func(w *webhook.Webhook) { w.URL = strings.Replace(w.URL, "//", "//secretCanary-7777@", 1) },
		func(w *webhook.Webhook) { w.URL = strings.Replace(w.URL, "atlassian", "203.0.113.77", 1) },
		func(w *webhook.Webhook) { w.URL += "\x00%zz" },
		func(w *webhook.Webhook) { w.URL += strings.Repeat("a", 2048) },
		func(w *webhook.Webhook) { w.URL = "https://203.0.113.77/pathCanary" },
		func(w *webhook.Webhook) { w.Secrets = secrets("secretCanary-7777\n") },
		func(w *webhook.Webhook) { w.Secrets = secrets("secretCanary-7777" + strings.Repeat("a", 5000)) },
		func(w *webhook.Webhook) { w.Headers["X-Key"] += "\r\n" },
		func(w *webhook.Webhook) { w.Headers["Host"] = "headerCanary" },
		func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath) },
		func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, "queryCanary") },
		func(w *webhook.Webhook) { w.ID, w.Version = stored.ID, 99 },
	} {
		in := hidden()
		change(&in)
		if in.Version == 0 {
			got, err := h.hooks.Add(ctx, in)
			if err == nil {
				t.Errorf("%v was accepted", in)
			}
			all.note("add", got, err)
		}
		in.ID = stored.ID
		got, err := h.hooks.Edit(ctx, in)
		if err == nil {
			t.Errorf("%v was accepted", in)
		}
		all.note("edit", got, err)
	}
	_, err = h.hooks.RotateSecret(ctx, scope, stored.ID, webhook.NewSecret("secretCanary-7777\r\n"))
	all.note("rotate", err)
	all.note("webhook", h.webhook(stored.ID))
	all.check(t, 50)
}
