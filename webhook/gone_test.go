package webhook_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: the reason of a webhook that was switched off is true of any answer that the host's Judge
// takes for the end of an endpoint.
func TestGoneByJudge(t *testing.T) {
	t.Parallel()
	p := webhook.Standard()
	p.Judge = func(a webhook.Attempt) webhook.Verdict {
		if a.Status == 404 {
			return webhook.VerdictGone
		}
		return webhook.DefaultJudge(a)
	}
	inBubble(t, p, &webhook.Options{Transport: &receiver{answer: status(404)}}, func(h *host) {
		w := h.add("one", standardHook)
		h.dispatch(id("evt_1"))
		settled(time.Minute)
		got, err := h.hooks.Webhook(context.Background(), scope, w.ID)
		if err != nil || got.Active || got.DisabledReason != webhook.DisabledGone || strings.ContainsAny(got.DisabledReason, "0123456789") {
			t.Errorf("active %t, reason %q, %v; want it off with the reason for any status", got.Active, got.DisabledReason, err)
		}
	})
}

// Rule: standard switches a webhook off at 410 and reports it, and a person can switch it on again.
func TestGoneDisables(t *testing.T) {
	t.Parallel()
	var o observed
	to := &receiver{answer: func(n int, _ request) answer {
		if n == 1 {
			return answer{status: 410}
		}
		return answer{status: 200}
	}}
	standardBubble(t, &webhook.Options{Transport: to, Observer: o.observer()}, func(h *host) {
		w := h.add("one", standardHook)
		h.dispatch(id("evt_1"))
		settled(time.Minute)
		got, err := h.hooks.Webhook(context.Background(), scope, w.ID)
		if err != nil || got.Active || got.DisabledReason != webhook.DisabledGone || time.Since(got.DisabledAt) > time.Minute || len(o.disabled) != 1 {
			t.Fatalf("webhook %+v, %v, told %v; want it switched off and told once", got, err, o.disabled)
		}
		if r := h.dispatchAll(id("evt_2")); r.Events[0].Matched != 0 {
			t.Errorf("a disabled webhook matched: %+v", r)
		}
		h.setActive(w, true)
		if got, _ = h.hooks.Webhook(context.Background(), scope, w.ID); got.DisabledReason != "" || !got.DisabledAt.IsZero() || !got.Active {
			t.Errorf("after activating: %+v", got)
		}
		third := h.dispatch(id("evt_3"))
		settled(time.Minute)
		if got := h.outcome(third); got != "delivered tries=1" {
			t.Error(got)
		}
	})
}

// contended is a Store in which others change each webhook at the same time, so often.
type contended struct {
	*memstore.Store
	left atomic.Int32
}

func (s *contended) Update(ctx context.Context, w webhook.Webhook) error {
	if s.left.Add(-1) >= 0 {
		return webhook.ErrConflict
	}
	return s.Store.Update(ctx, w)
}

// Rule: a webhook that could not be switched off, because others changed it all the time, is switched
// off at the next answer of that kind; that is no error of the Store.
func TestGoneWhileChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		store := &contended{Store: inner}
		h := newHost(t, store, webhook.Standard(), &webhook.Options{Transport: &receiver{answer: status(410)}})
		w := h.add("one", standardHook)
		store.left.Store(3)
		h.start()
		defer h.stop()
		for i, wantActive := range []bool{true, false} {
			h.dispatchAll(id("evt_%d", i))
			settled(time.Minute)
			got, err := inner.Webhook(context.Background(), scope, w.ID)
			if err != nil || got.Active != wantActive {
				t.Errorf("active %t, %v; want %t", got.Active, err, wantActive)
			}
		}
		h.wantLines(0, "the Store cannot be used")
	})
}

// Rule: an endpoint that is gone switches its webhook off, also if the webhook cannot be opened by
// then. Its secrets stay.
func TestGoneWhileSealed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sealing{Store: newStore(t)}
		h := newHost(t, s, webhook.Standard(), &webhook.Options{Transport: &receiver{answer: func(int, request) answer {
			s.sealed.Store(true)
			return answer{status: 410}
		}}})
		h.start()
		defer h.stop()
		w := h.add("one", standardHook)
		h.dispatch(id("evt_1"))
		settled(time.Minute)
		s.sealed.Store(false)
		got := h.webhook(w.ID)
		if got.Active || got.DisabledReason != webhook.DisabledGone || got.URL != w.URL || len(got.Secrets) != 1 {
			t.Errorf("active %t, reason %q, URL kept %t, %d secrets", got.Active, got.DisabledReason, got.URL == w.URL, len(got.Secrets))
		}
	})
}
