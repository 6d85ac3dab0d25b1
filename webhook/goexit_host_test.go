package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
)

// exits ends the goroutine of each call of one hook while it is armed.
type exits struct {
	hook  string
	armed atomic.Bool
	hits  atomic.Int32
}

func (x *exits) at(hook string) {
	if x.hook == hook && x.armed.Load() {
		x.hits.Add(1)
		runtime.Goexit()
	}
}

// profile is Standard, all of whose hooks are there.
func (x *exits) profile() webhook.Profile {
	p := webhook.Standard()
	judge := p.Judge
	p.Route = webhook.Each(func(w webhook.Webhook, e payload.Event) (bool, error) {
		x.at("Route")
		return w.Listens(e.Type), nil
	})
	p.Keep = func(webhook.Webhook, webhook.Delivery) bool { x.at("Keep"); return true }
	p.Limits = func(webhook.Webhook, string) []webhook.Limit { x.at("Limits"); return nil }
	p.Judge = func(a webhook.Attempt) webhook.Verdict { x.at("Judge"); return judge(a) }
	p.Prepare = webhook.Prepare{
		Target: func(w webhook.Webhook, _ webhook.Delivery) (string, error) { x.at("Target"); return w.URL, nil },
		Header: func(webhook.Webhook, webhook.Delivery, http.Header) { x.at("Header") },
		Sign: func(w webhook.Webhook) (sign.Signer, error) {
			x.at("Sign")
			return sign.Func(func(*http.Request, sign.Message) error { x.at("Signer"); return nil }), nil
		},
	}
	return p
}

// options have all hooks too.
func (x *exits) options(to http.RoundTripper, log *lockedBuffer) *webhook.Options {
	return &webhook.Options{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) { x.at("Transport"); return to.RoundTrip(r) }),
		Logger:    slog.New(exitingHandler{slog.NewTextHandler(log, nil), x}),
		Carry:     func(context.Context) map[string]string { x.at("Carry"); return nil },
		Around: func(ctx context.Context, _ webhook.Delivery, send func(context.Context) webhook.Attempt) webhook.Attempt {
			x.at("Around, before the attempt")
			if x.hook == "Around, beside the attempt" {
				go send(ctx)
				x.at("Around, beside the attempt")
			}
			a := send(ctx)
			x.at("Around, after the attempt")
			return a
		},
		Observer: &webhook.Observer{
			Enqueued:  func(context.Context, webhook.Delivery) { x.at("Enqueued") },
			Attempted: func(context.Context, webhook.Delivery, webhook.Attempt) { x.at("Attempted") },
			Settled:   func(context.Context, webhook.Delivery) { x.at("Settled") },
			Disabled:  func(context.Context, webhook.Webhook) { x.at("Disabled") },
			Attention: func(context.Context, webhook.Webhook, webhook.Code, *webhook.Attempt) { x.at("Attention") },
		},
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type exitingHandler struct {
	slog.Handler
	x *exits
}

func (h exitingHandler) Enabled(ctx context.Context, l slog.Level) bool {
	h.x.at("Logger.Enabled")
	return h.Handler.Enabled(ctx, l)
}

func (h exitingHandler) Handle(ctx context.Context, r slog.Record) error {
	h.x.at("Logger.Handle")
	return h.Handler.Handle(ctx, r)
}

// exitingStore is a Store with every capability that Run uses.
type exitingStore struct {
	*memstore.Store
	x *exits
}

func (s exitingStore) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	s.x.at("Store.Webhooks")
	return s.Store.Webhooks(ctx, scope)
}

func (s exitingStore) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	s.x.at("Store.Enqueue")
	added, err := s.Store.Enqueue(ctx, ds)
	s.x.at("Store.Enqueue, after the commit")
	return added, err
}

func (s exitingStore) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	s.x.at("Store.Due")
	return s.Store.Due(ctx, q)
}

func (s exitingStore) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	s.x.at("Store.Claim")
	b, err := s.Store.Claim(ctx, c)
	s.x.at("Store.Claim, after the commit")
	if s.x.hook == "Store.Webhook" {
		time.Sleep(time.Second) // so long that webhooks are read again
	}
	return b, err
}

func (s exitingStore) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	s.x.at("Store.Settle")
	return s.Store.Settle(ctx, ss)
}

func (s exitingStore) Sweep(ctx context.Context, sw webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
	s.x.at("Store.Sweep")
	return s.Store.Sweep(ctx, sw, limit)
}

func (s exitingStore) Health(ctx context.Context, scope, id string) ([]webhook.Health, error) {
	s.x.at("Store.Health")
	return s.Store.Health(ctx, scope, id)
}

func (s exitingStore) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	s.x.at("Store.SetHealth")
	return s.Store.SetHealth(ctx, scope, id, old, new)
}

func (s exitingStore) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	s.x.at("Store.Webhook")
	return s.Store.Webhook(ctx, scope, id)
}

func (s exitingStore) Update(ctx context.Context, w webhook.Webhook) error {
	s.x.at("Store.Update")
	return s.Store.Update(ctx, w)
}

func (s exitingStore) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	s.x.at("Store.Prune")
	return s.Store.Prune(ctx, before, limit)
}

func (s exitingStore) Now(context.Context) (webhook.Reading, error) {
	s.x.at("Store.Now")
	now := time.Now()
	return webhook.Reading{Store: now, Before: now, After: now}, nil
}

func (s exitingStore) Wait(ctx context.Context) error {
	s.x.at("Store.Wait")
	<-ctx.Done()
	return ctx.Err()
}

func (s exitingStore) Notify(context.Context) error {
	s.x.at("Store.Notify")
	return nil
}
