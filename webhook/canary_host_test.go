package webhook_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// leaky is a Store that panics with its arguments.
type leaky struct {
	*memstore.Store
	on atomic.Bool
}

func (s *leaky) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if s.on.Load() {
		panic(hidden().URL)
	}
	return s.Store.Enqueue(ctx, ds)
}

func (s *leaky) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	if s.on.Load() {
		panic(b)
	}
	return b, err
}

func (s *leaky) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	if s.on.Load() {
		panic(hidden().Secrets[0].Reveal())
	}
	return s.Store.Settle(ctx, ss)
}

// leakyObserver is an Observer that panics with its arguments, and keeps the names of the functions
// that were called.
func leakyObserver(called *sync.Map) *webhook.Observer {
	boom := func(name string) func(context.Context, webhook.Delivery) {
		return func(context.Context, webhook.Delivery) {
			called.Store(name, true)
			panic(hidden().URL)
		}
	}
	return &webhook.Observer{Enqueued: boom("Enqueued"), Settled: boom("Settled"), Lost: boom("Lost"),
		Attempted: func(context.Context, webhook.Delivery, webhook.Attempt) {
			called.Store("Attempted", true)
			panic(hidden().Secrets[0].Reveal())
		},
		Attention: func(_ context.Context, w webhook.Webhook, _ webhook.Code, _ *webhook.Attempt) {
			called.Store("Attention", true)
			panic(w.URL)
		},
		Disabled: func(_ context.Context, w webhook.Webhook) {
			called.Store("Disabled", true)
			panic(w.URL)
		}}
}

// Rule: a panic of a Store, an Observer, Around or Carry reveals no secret, nor does an error of a
// Store while a webhook is being sent to.
func TestCanaryOfTheHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all collected
		var called sync.Map
		w := hidden()
		store := &leaky{Store: newStore(t)}
		carry := false
		var gone, overtaken atomic.Bool
		to := transportFunc(func(r *http.Request) (*http.Response, error) {
			if overtaken.CompareAndSwap(true, false) {
				takeOver(t, store.Store)
			}
			if gone.Load() {
				return respond(410, "x")(r)
			}
			return respond(401, "x")(r)
		})
		p := webhook.Automation()
		p.Judge = func(a webhook.Attempt) webhook.Verdict {
			if a.Status == 410 {
				return webhook.VerdictGone
			}
			return webhook.DefaultJudge(a)
		}
		h := newHost(t, store, p, &webhook.Options{Transport: to, Logger: all.logger(), Observer: leakyObserver(&called),
			Around: func(context.Context, webhook.Delivery, func(context.Context) webhook.Attempt) webhook.Attempt {
				panic(w.URL)
			},
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
			all.add("dispatched", err)
			settled(10 * time.Second)
			all.queryAll(h, w)
			store.on.Store(true)
			_, err = h.Dispatch(ctx, success(t, payload.WithID(id+"_b")))
			all.add("dispatched", err)
			settled(10 * time.Second)
			all.queryAll(h, w)
			store.on.Store(false)
			settled(10 * time.Second)
		}
		for _, next := range []*atomic.Bool{&overtaken, &gone} {
			next.Store(true)
			_, err = h.Dispatch(ctx, success(t))
			all.add("dispatched", err)
			settled(10 * time.Second)
			all.queryAll(h, w)
		}
		carry = true
		_, err = h.Dispatch(ctx, success(t))
		all.add("dispatched", err)
		err = webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error { return nil })
		all.add("tracked", err)
		if n := all.errors.Load(); n < 4 {
			t.Errorf("%d errors were collected, want 4 at least", n)
		}
		for _, name := range []string{"Enqueued", "Attempted", "Settled", "Lost", "Attention", "Disabled"} {
			if _, ok := called.Load(name); !ok {
				t.Errorf("%s of the Observer was not called", name)
			}
		}
		all.check(t, 50)
	})
}

// Rule: an error of the Manager does not repeat the refused value.
func TestCanaryOfForms(t *testing.T) {
	t.Parallel()
	var all collected
	h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Logger: all.logger()})
	stored, err := h.hooks.Add(ctx, hidden())
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*webhook.Webhook){
		func(w *webhook.Webhook) { w.URL = "http" + w.URL[5:] },
		func(w *webhook.Webhook) { w.URL = strings.Replace(w.URL, "//", "//secretCanary-wqwqwq@", 1) },
		func(w *webhook.Webhook) { w.URL = strings.Replace(w.URL, "atlassian", "203.0.113.77", 1) },
		func(w *webhook.Webhook) { w.URL += "\x00%zz" },
		func(w *webhook.Webhook) { w.URL += strings.Repeat("a", 2048) },
		func(w *webhook.Webhook) { w.URL = "https://203.0.113.77/pathCanary" },
		func(w *webhook.Webhook) { w.Secrets = secrets("secretCanary-wqwqwq\n") },
		func(w *webhook.Webhook) { w.Secrets = secrets("secretCanary-wqwqwq" + strings.Repeat("a", 5000)) },
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
			all.add("add", got, err)
		}
		in.ID = stored.ID
		got, err := h.hooks.Edit(ctx, in)
		if err == nil {
			t.Errorf("%v was accepted", in)
		}
		all.add("edit", got, err)
	}
	_, err = h.hooks.RotateSecret(ctx, scope, stored.ID, webhook.NewSecret("secretCanary-wqwqwq\r\n"))
	all.add("rotate", err)
	all.add("webhook", h.webhook(stored.ID))
	all.check(t, 50)
}
