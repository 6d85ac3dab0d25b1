package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// arrived are the events of the requests, in order.
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

// Rule: one request of a key at a time, in the order of Dispatch; other keys and events
// without one go beside it.
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

// Rule: skip lets the next one go when the head has failed for good; block tries the head until it
// is accepted; hold waits for a person.
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
					t.Error("nobody was told that a head waits for a person")
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
			inBubble(t, ordering(), &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: -1}}, func(h *host) {
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

// Rule: what has ended is redelivered outside the order, with its number.
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

// Rule: an order that is switched off lets what is queued go in parallel; switched on, it holds for
// what is dispatched from then on.
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

// Rule: of what is queued of a key and type the latest is sent; the others end as superseded,
// which is no failure and not replayed.
func TestCoalesce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	down := true
	to := &receiver{answer: func(int, request) answer {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return answer{status: 503}
		}
		return answer{status: 200}
	}}
	inBubble(t, ordering(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one", func(w *webhook.Webhook) { w.Coalesce = true })
		const keys, edits = 5, 40
		var last []string
		for n := range edits {
			for k := range keys {
				event := fmt.Sprintf("e%d-%02d", k, n)
				h.send(event, fmt.Sprint("issue ", k))
				if n == edits-1 {
					last = append(last, event)
				}
			}
			settled(time.Millisecond)
		}
		before := len(h.to.seen())
		mu.Lock()
		down = false
		mu.Unlock()
		settled(time.Hour)
		got := arrived(h.to.seen()[before:])
		slices.Sort(got)
		if diff := cmp.Diff(last, got); diff != "" {
			t.Fatalf("requests when the endpoint was back (-want +got):\n%s", diff)
		}
		ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: w.ID, Codes: []webhook.Code{webhook.CodeSuperseded}, Limit: 500})
		if err != nil || len(ds) != keys*(edits-1) {
			t.Fatalf("%d deliveries were superseded, %v; want %d", len(ds), err, keys*(edits-1))
		}
		by, err := h.hooks.Successor(ctx, scope, ds[len(ds)-1].ID)
		if err != nil || !slices.Contains(last, by.EventID) {
			t.Errorf("superseded by %q, %v; want one of %v", by.EventID, err, last)
		}
		if health, err := h.hooks.Health(ctx, scope, w.ID); err != nil || !health.OK() {
			t.Errorf("health %+v, %v; want it well", health, err)
		}
		queued, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1000)
		if err != nil || queued != keys {
			t.Errorf("replayed %d, %v; want %d", queued, err, keys)
		}
		queued, err = h.hooks.Replay(ctx, webhook.Query{Scope: scope, Codes: []webhook.Code{webhook.CodeSuperseded}}, 1000)
		if err != nil || queued != keys*(edits-1) {
			t.Errorf("replayed %d of what was superseded, %v; want %d", queued, err, keys*(edits-1))
		}
	})
}

// Rule: the window begins with the oldest that waits, and later events do not move it.
func TestCoalesceWait(t *testing.T) {
	t.Parallel()
	inBubble(t, ordering(), nil, func(h *host) {
		h.add("one", func(w *webhook.Webhook) { w.Coalesce, w.CoalesceWait = true, 5*time.Second })
		begin := time.Now()
		for i := range 40 { // one each 500 ms
			h.send(fmt.Sprintf("e%02d", i), "k")
			settled(500 * time.Millisecond)
		}
		settled(10 * time.Second)
		rs := h.to.seen()
		if len(rs) < 3 || len(rs) > 5 {
			t.Fatalf("%d requests for 20 s of events in windows of 5 s: %v", len(rs), arrived(rs))
		}
		if wait := rs[0].At.Sub(begin); wait < 5*time.Second || wait > 6500*time.Millisecond {
			t.Errorf("the first request came after %v, want 5 s", wait)
		}
		if got := arrived(rs); got[len(got)-1] != "e39" || !slices.IsSorted(got) {
			t.Errorf("requests %v, want states that never go back, e39 last", got)
		}
	})
}

// Rule: a time to live ends an event before its first request, instead of a retry that would
// come too late, and in a sweep; a person's redelivery does not look at it.
func TestTTL(t *testing.T) {
	t.Parallel()
	inBubble(t, ordering(), &webhook.Options{Transport: failing(503, "retried")}, func(h *host) {
		w := h.add("one")
		late := h.send("late", "", payload.WithTime(time.Now().Add(-time.Minute)), payload.WithTTL(30*time.Second))
		retried := h.send("retried", "", payload.WithTTL(20*time.Second)) // the retry after 5 to 10 s fits, the one after 30 to 60 s does not
		good := h.send("good", "", payload.WithTTL(time.Hour))
		settled(time.Minute)
		if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := h.hooks.SetActive(ctx, scope, w.ID, true); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]string{late: "failed expired tries=0", retried: "failed expired tries=2", good: "delivered tries=1"} {
			if got := h.outcome(id); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if err := h.hooks.Redeliver(ctx, scope, late); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		if got := h.outcome(late); got != "delivered tries=1" {
			t.Errorf("redelivered: %s", got)
		}
		if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		r, err := h.Dispatch(ctx, success(t, payload.WithTTL(time.Hour)))
		if err != nil || r.Events[0].Matched != 0 {
			t.Fatalf("an inactive webhook: %+v, %v", r, err)
		}
	})
}

// Rule: what waits for a webhook that is switched off ends at its end all the same.
func TestTTLSweep(t *testing.T) {
	t.Parallel()
	to := failing(503, "waits")
	inBubble(t, ordering(), &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: 1, Open: time.Hour, MaxOpen: time.Hour}}, func(h *host) {
		w := h.add("one")
		id := h.send("waits", "", payload.WithTTL(2*time.Minute))
		settled(time.Second)
		if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		settled(4 * time.Minute)
		if got := h.outcome(id); got != "failed expired tries=1" {
			t.Errorf("%s, want it expired", got)
		}
	})
}

// plainStore hides the capabilities of a Store, but for those that a Manager needs.
type plainStore struct {
	webhook.Store
	webhook.Registry
}

func (s plainStore) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return s.Store.Webhooks(ctx, scope)
}

// Rule: what Store or Profile do not have is refused with the field.
func TestOrderRefused(t *testing.T) {
	t.Parallel()
	full := newStore(t)
	for _, c := range []struct {
		name        string
		store       webhook.Store
		profile     webhook.Profile
		hook        webhook.Webhook
		field, rule string
	}{
		{"no such order", full, ordering(), webhook.Webhook{Order: "some"}, "order", "unknown"},
		{"the Store has none", plainStore{full, full}, ordering(), webhook.Webhook{Order: webhook.OrderSkip}, "order", "unsupported"},
		{"the Profile has none", full, webhook.Automation(), webhook.Webhook{Order: webhook.OrderSkip}, "order", "unsupported"},
		{"both", full, ordering(), webhook.Webhook{Order: webhook.OrderSkip, Coalesce: true}, "order", "coalesce"},
		{"the Store does not coalesce", plainStore{full, full}, ordering(), webhook.Webhook{Coalesce: true}, "coalesce", "unsupported"},
		{"the Profile does not coalesce", full, webhook.Automation(), webhook.Webhook{Coalesce: true}, "coalesce", "unsupported"},
		{"too long a wait", full, ordering(), webhook.Webhook{Coalesce: true, CoalesceWait: 10*time.Minute + 1}, "coalesce_wait", "range"},
		{"a negative wait", full, ordering(), webhook.Webhook{Coalesce: true, CoalesceWait: -1}, "coalesce_wait", "range"},
		{"a wait for nothing", full, ordering(), webhook.Webhook{CoalesceWait: time.Second}, "coalesce_wait", "required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, c.store, c.profile, nil)
			w := c.hook
			w.Scope, w.Name, w.URL, w.Secrets, w.Events = scope, "one", automation+"one", secrets(token), []string{"*"}
			_, err := h.hooks.Add(ctx, w)
			var v *webhook.ValidationError
			if !errors.As(err, &v) || len(v.Fields) != 1 || v.Fields[0].Field != c.field || v.Fields[0].Rule != c.rule {
				t.Errorf("Add: %v, want field %s, rule %s", err, c.field, c.rule)
			}
		})
	}
	h := newHost(t, plainStore{full, full}, ordering(), nil)
	if _, err := h.hooks.Held(ctx, scope, "x"); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("Held without the capability: %v, want ErrUnsupported", err)
	}
	p := ordering()
	p.Form.Orders = append(p.Form.Orders, "some")
	if _, err := webhook.New(full, p, nil); err == nil {
		t.Error("New took a Profile with an unknown order")
	}
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
