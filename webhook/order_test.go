package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// ordering is a Profile whose webhooks may keep an order or coalesce.
func ordering() webhook.Profile {
	p := webhook.Automation()
	p.Form.Orders, p.Form.Coalesces = webhook.Standard().Form.Orders, true
	return p
}

func order(o webhook.OrderPolicy) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.Order = o }
}

// send dispatches an event of a key, and returns the ID of its delivery.
func (h *host) send(event, key string, opts ...payload.Option) string {
	h.t.Helper()
	opts = append(opts, payload.WithID(event))
	if key != "" {
		opts = append(opts, payload.WithKey(key))
	}
	return h.dispatch(opts...)
}

// arrived returns the events of the requests, in order.
func arrived(rs []request) (events []string) {
	for _, r := range rs {
		events = append(events, r.Header.Get("Webhook-Id"))
	}
	return events
}

func (h *host) wantArrived(want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, arrived(h.to.seen())); diff != "" {
		h.t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// failing refuses some events with a status.
func failing(code int, events ...string) *receiver {
	return &receiver{answer: func(_ int, r request) answer {
		if slices.Contains(events, r.Header.Get("Webhook-Id")) {
			return answer{status: code}
		}
		return answer{status: 200, delay: 10 * time.Millisecond}
	}}
}

// Rule: there is one request of a key at a time, in the order of Dispatch. Other keys and events
// without one are sent in parallel.
func TestOrder(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: time.Second} }}
	inBubble(t, ordering(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
		h.add("one", order(webhook.OrderSkip))
		for _, e := range []string{"a1", "a2", "a3", "b1"} {
			h.send(e, e[:1])
		}
		h.send("free", "")
		settled(30 * time.Second)
		at := make(map[string]time.Time)
		for _, r := range h.to.seen() {
			at[r.Header.Get("Webhook-Id")] = r.At
		}
		for _, pair := range [][2]string{{"a1", "a2"}, {"a2", "a3"}} {
			if gap := at[pair[1]].Sub(at[pair[0]]); gap < time.Second || gap > 5*time.Second {
				t.Errorf("%s began %v after %s, want it when that had been answered", pair[1], gap, pair[0])
			}
		}
		if len(at) != 5 || !at["b1"].Before(at["a3"]) || !at["free"].Before(at["a3"]) {
			t.Errorf("requests at %v, want five, and those of no or another key beside the first", at)
		}
	})
}

// Rule: skip sends the next event when the head has failed for good; block retries the head until
// it is accepted; hold waits for a person.
func TestOrderPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		order      webhook.OrderPolicy
		code       int
		tries      int // of the head within an hour
		next       bool
		head, name string
	}{
		{webhook.OrderSkip, 503, 4, true, "failed status exhausted tries=4", "skip, transient"},
		{webhook.OrderSkip, 404, 1, true, "failed status tries=1", "skip, permanent"},
		{webhook.OrderBlock, 404, 0, false, "", "block, permanent"},
		{webhook.OrderHold, 503, 4, false, "pending status exhausted tries=4", "hold, transient"},
		{webhook.OrderHold, 404, 1, false, "pending status exhausted tries=1", "hold, permanent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var told []webhook.Code
			o := &webhook.Options{Transport: failing(c.code, "head"), Breaker: webhook.Breaker{Failures: -1},
				Observer: &webhook.Observer{Attention: func(_ context.Context, _ webhook.Webhook, code webhook.Code, _ *webhook.Attempt) {
					told = append(told, code)
				}}}
			inBubble(t, ordering(), o, func(h *host) {
				h.add("one", order(c.order))
				head, next := h.send("head", "k"), h.send("next", "k")
				settled(time.Hour)
				rs := arrived(h.to.seen())
				tries := 0
				for _, e := range rs {
					if e == "head" {
						tries++
					}
				}
				if c.tries > 0 && tries != c.tries || c.tries == 0 && (tries < 12 || tries > 60) {
					t.Errorf("%d requests of the head, want %d (0: one each 1 to 5 minutes)", tries, c.tries)
				}
				if got := slices.Contains(rs, "next"); got != c.next {
					t.Errorf("the next one was sent: %t, want %t", got, c.next)
				}
				if c.head != "" && h.outcome(head) != c.head {
					t.Errorf("the head is %s, want %s", h.outcome(head), c.head)
				}
				if c.order != webhook.OrderSkip {
					x, err := h.Explain(ctx, scope, next)
					if err != nil || len(x.Reasons) == 0 || x.Reasons[0].Kind != webhook.ReasonOrder || !strings.Contains(x.Reasons[0].Text, "event head") {
						t.Errorf("Explain: %v, %v; want that it waits behind event head", x.Reasons, err)
					}
				}
				if c.order == webhook.OrderHold && !slices.Contains(told, webhook.CodeStatus) {
					t.Error("the Observer was not told that a head waits for a person")
				}
			})
		})
	}
}

// Rule: Held lists heads that wait for a person; Redeliver gives the head a fresh budget in place,
// Cancel lets the next one go, and so does MaxAge.
func TestOrderHold(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"redeliver", "cancel", "age"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			to := failing(404, "head")
			inLongBubble(t, ordering(), &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: -1}}, func(h *host) {
				w := h.add("one", order(webhook.OrderHold))
				head := h.send("head", "k")
				h.send("next", "k")
				settled(time.Hour)
				held, err := h.hooks.Held(ctx, scope, w.ID)
				if err != nil || len(held) != 1 || held[0].ID != head {
					t.Fatalf("held: %v, %v; want the head", held, err)
				}
				switch by {
				case "redeliver":
					to.answer = nil
					err = h.hooks.Redeliver(ctx, scope, head)
				case "cancel":
					err = h.hooks.Cancel(ctx, scope, head)
				case "age":
					h.send("young", "k", payload.WithTime(time.Now()))
					settled(7*24*time.Hour - 30*time.Minute)
				}
				if err != nil {
					t.Fatal(err)
				}
				settled(2 * time.Minute)
				want := map[string][]string{"redeliver": {"head", "head", "next"}, "cancel": {"head", "next"}, "age": {"head", "young"}}[by]
				h.wantArrived(want...)
				if held, err := h.hooks.Held(ctx, scope, w.ID); err != nil || len(held) != 0 {
					t.Errorf("held afterwards: %v, %v; want none", held, err)
				}
			})
		})
	}
}

// Rule: an ended delivery is redelivered outside the order, with its number.
func TestOrderRedeliver(t *testing.T) {
	t.Parallel()
	p := ordering()
	plain, sequence := p.Prepare.Header, webhook.Standard().Prepare.Header
	p.Prepare.Header = func(w webhook.Webhook, d webhook.Delivery, h http.Header) { plain(w, d, h); sequence(w, d, h) }
	inBubble(t, p, &webhook.Options{Transport: failing(503, "stuck"), Breaker: webhook.Breaker{Failures: -1}}, func(h *host) {
		h.add("one", order(webhook.OrderBlock))
		first := h.send("first", "k")
		settled(time.Second)
		h.send("stuck", "k")
		settled(time.Second)
		if err := h.hooks.Redeliver(ctx, scope, first); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		rs := h.to.seen()
		if diff := cmp.Diff([]string{"first", "stuck", "first"}, arrived(rs)); diff != "" {
			t.Fatalf("requests (-want +got):\n%s", diff)
		}
		number := func(r request) string { return r.Header.Get("Webhook-Sequence") }
		if len(number(rs[0])) != 19 || number(rs[1]) <= number(rs[0]) || number(rs[2]) != number(rs[0]) {
			t.Errorf("numbers %q %q %q, want 19 digits that grow, and the repeat with its own", number(rs[0]), number(rs[1]), number(rs[2]))
		}
	})
}

// Rule: a replay that is spread over hours does not hold the live events of its keys.
func TestOrderReplay(t *testing.T) {
	t.Parallel()
	inBubble(t, ordering(), nil, func(h *host) {
		h.add("one", order(webhook.OrderSkip))
		h.send("a", "k")
		h.send("b", "k")
		settled(time.Minute)
		if queued, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1.0/3600); err != nil || queued != 2 {
			t.Fatalf("queued %d, %v, want 2", queued, err)
		}
		settled(time.Minute)
		h.send("live", "k")
		settled(time.Minute)
		h.wantArrived("a", "b", "a", "live")
		settled(2 * time.Hour)
		h.wantArrived("a", "b", "a", "live", "b")
	})
}

// Rule: when an order is switched off, queued deliveries are sent in parallel. When it is switched
// on, it applies to later events.
func TestOrderSwitched(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 10 * time.Second} }}
	inBubble(t, ordering(), &webhook.Options{Transport: to, SlowAfter: time.Minute}, func(h *host) {
		w := h.add("one")
		h.send("warm1", "")
		settled(11 * time.Second)
		h.send("warm2", "")
		settled(11 * time.Second)
		w.Order = webhook.OrderSkip
		w = h.edit(w)
		for _, e := range []string{"a1", "a2", "a3"} {
			h.send(e, "a")
		}
		settled(5 * time.Second)
		h.wantArrived("warm1", "warm2", "a1")
		w.Order = webhook.OrderNone
		h.edit(w)
		settled(4 * time.Second)
		if got := arrived(h.to.seen()); len(got) != 5 {
			t.Errorf("requests %v while the first is under way, want the other two beside it", got)
		}
	})
}

// Rule: the process that stores the end of a head claims the next of its key at once.
func TestOrderAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, ordering(), &webhook.Options{Poll: time.Hour}, func(h *host) {
		h.add("one", order(webhook.OrderBlock))
		for i := range 20 {
			h.send(fmt.Sprintf("e%02d", i), "k")
		}
		settled(time.Second)
		rs := h.to.seen()
		if got := arrived(rs); len(got) != 20 || !slices.IsSorted(got) {
			t.Errorf("requests within a second %v, want all 20 in order", got)
		}
	})
}
