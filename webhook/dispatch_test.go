package webhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// stuck is a Store that never answers Enqueue and ignores its context.
type stuck struct {
	*memstore.Store
	release chan struct{}
}

func (s stuck) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	<-s.release
	return s.Store.Enqueue(ctx, ds)
}

// Rule: Dispatch returns within DispatchTimeout, whatever the Store does.
func TestDispatchTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stuck{newStore(t), make(chan struct{})}
		defer close(s.release)
		h := newHost(t, s, webhook.Automation(), nil)
		h.add("one")
		began := time.Now()
		_, err := h.Dispatch(context.Background(), success(t))
		if took := time.Since(began); took != 5*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("returned %v after %v, want a timeout after 5 s", err, took)
		}
		for range 600 { // callers may wait, goroutines may not pile up without bound
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			_, err = h.Dispatch(ctx, success(t))
			cancel()
		}
		if !errors.Is(err, webhook.ErrBusy) {
			t.Errorf("after 600 calls to a Store that does not answer: %v, want ErrBusy", err)
		}
	})
}

// Rule: a refused Dispatch stores nothing, and its error has the reason.
func TestDispatchRefuses(t *testing.T) {
	t.Parallel()
	good := payload.Event{ID: "evt_1", Scope: scope, Type: "taskSuccess", Body: []byte("{}")}
	with := func(change func(*payload.Event)) payload.Event {
		e := good
		change(&e)
		return e
	}
	cases := []struct {
		name  string
		event payload.Event
		want  error
	}{
		{"no ID", with(func(e *payload.Event) { e.ID = "" }), webhook.ErrInvalid},
		{"ID with a dot", with(func(e *payload.Event) { e.ID = "a.b" }), webhook.ErrInvalid},
		{"ID with a line break", with(func(e *payload.Event) { e.ID = "a\r\nb" }), webhook.ErrInvalid},
		{"no scope", with(func(e *payload.Event) { e.Scope = "" }), webhook.ErrInvalid},
		{"no type", with(func(e *payload.Event) { e.Type = "" }), webhook.ErrInvalid},
		{"body over the cap", with(func(e *payload.Event) { e.Body = make([]byte, 100<<10+1) }), webhook.ErrTooLarge},
	}
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	h.add("one")
	for _, c := range cases {
		if _, err := h.Dispatch(context.Background(), good, c.event); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if _, err := h.DispatchTx(context.Background(), h.store, good, c.event); !errors.Is(err, c.want) {
			t.Errorf("%s in a transaction: %v, want %v", c.name, err, c.want)
		}
	}
	if n := h.count(webhook.StatePending); n != 0 {
		t.Errorf("%d deliveries stored by refused calls", n)
	}
	if _, err := h.DispatchTx(context.Background(), nil, good); err == nil {
		t.Error("DispatchTx without a transaction was accepted")
	}
}

// partCounter is a Store that counts the deliveries of each Enqueue, and refuses the second one if
// set so.
type partCounter struct {
	webhook.Store
	webhook.Registry
	sizes  []int
	refuse error
}

func (s *partCounter) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return s.Store.Webhooks(ctx, scope)
}

func (s *partCounter) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	size := 0
	for _, d := range ds {
		size += len(d.Body)
	}
	s.sizes = append(s.sizes, size)
	if s.refuse != nil && len(s.sizes) == 2 {
		return nil, s.refuse
	}
	return s.Store.Enqueue(ctx, ds)
}

// Rule: bodies beyond 64 MiB are stored in parts, so the webhooks of a tenant fail neither Dispatch
// nor the host's transaction. If a later part fails, the result is unknown.
func TestFanOutInParts(t *testing.T) {
	t.Parallel()
	for _, tx := range []bool{false, true} {
		for _, refuse := range []error{nil, webhook.ErrFull} {
			p := webhook.Standard()
			p.MaxBody = 10 << 20
			store := newStore(t)
			s := &partCounter{Store: store, Registry: store, refuse: refuse}
			h := newHost(t, s, p, nil)
			for i := range 7 {
				h.add("hook"+string(rune('0'+i)), standardHook)
			}
			e := payload.Event{ID: "evt_1", Scope: scope, Type: "taskSuccess", Body: make([]byte, 10<<20)}
			var r webhook.Receipt
			var err error
			if tx {
				r, err = h.DispatchTx(t.Context(), s, e)
			} else {
				r, err = h.Dispatch(t.Context(), e)
			}
			switch {
			case refuse == nil && (err != nil || r.Events[0].Added != 7):
				t.Errorf("tx %t: %+v, %v, want 7 added", tx, r, err)
			case refuse != nil && !(errors.Is(err, webhook.ErrUnknown) && errors.Is(err, refuse)):
				t.Errorf("tx %t: %v, want ErrUnknown and the cause", tx, err)
			}
			if diff := cmp.Diff([]int{60 << 20, 10 << 20}, s.sizes); diff != "" {
				t.Errorf("tx %t: bytes for each call (-want +got):\n%s", tx, diff)
			}
		}
	}
}

// Rule: a full Store refuses with ErrFull; nothing is dropped and nothing waits in memory.
func TestDispatchFull(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(&memstore.Options{MaxDeliveries: 3})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, store, webhook.Automation(), nil)
	h.add("one")
	for i := range 3 {
		h.dispatch(id("evt_%d", i))
	}
	if _, err := h.Dispatch(context.Background(), success(t)); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("fourth of three: %v, want ErrFull", err)
	}
	if n := h.count(webhook.StatePending); n != 3 {
		t.Errorf("%d pending, want 3", n)
	}
}

// Rule: Carry travels from Dispatch to the attempt, within bounds; a panic is contained.
func TestCarry(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got map[string]string
	o := &webhook.Options{
		Carry: func(ctx context.Context) map[string]string {
			return map[string]string{"trace": ctx.Value(key{}).(string)}
		},
		Around: func(ctx context.Context, d webhook.Delivery, send func(context.Context) webhook.Attempt) webhook.Attempt {
			got = d.Carry
			return send(ctx)
		},
	}
	inBubble(t, webhook.Automation(), o, func(h *host) {
		h.add("one")
		if _, err := h.Dispatch(context.WithValue(context.Background(), key{}, "00-abc"), success(t)); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		if got["trace"] != "00-abc" {
			t.Errorf("carried %v", got)
		}
		if _, err := h.Dispatch(context.Background(), success(t)); !errors.Is(err, webhook.ErrPanic) {
			t.Errorf("a panicking Carry: %v, want ErrPanic", err)
		}
		if _, err := h.Dispatch(context.WithValue(context.Background(), key{}, strings.Repeat("x", 5000)), success(t)); !errors.Is(err, webhook.ErrTooLarge) {
			t.Errorf("5000 bytes carried: %v, want ErrTooLarge", err)
		}
	})
}

// Rule: a panicking hook of the Profile fails the delivery as config, or the Dispatch, which then
// stores nothing.
func TestPanickingHooks(t *testing.T) {
	t.Parallel()
	hooks := map[string]func(*webhook.Profile){
		"Sign": func(p *webhook.Profile) { p.Prepare.Sign = func(webhook.Webhook) (signer, error) { panic("x") } },
		"signer": func(p *webhook.Profile) {
			p.Prepare.Sign = func(webhook.Webhook) (signer, error) { return panicSigner{}, nil }
		},
		"Header": func(p *webhook.Profile) {
			p.Prepare.Header = func(webhook.Webhook, webhook.Delivery, httpHeader) { panic("x") }
		},
		"Limits": func(p *webhook.Profile) { p.Limits = func(webhook.Webhook, string) []webhook.Limit { panic("x") } },
	}
	for name, change := range hooks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := webhook.Automation()
			change(&p)
			inBubble(t, p, nil, func(h *host) {
				h.add("one")
				d := h.dispatch()
				settled(time.Hour)
				if got, _ := h.delivery(d); got.State != webhook.StateFailed || got.LastCode != webhook.CodeConfig {
					t.Errorf("%s: %v %s, want failed config", name, got.State, got.LastCode)
				}
			})
		})
	}
	atDispatch := map[string]func(*webhook.Profile){
		"Route": func(p *webhook.Profile) {
			p.Route = func([]webhook.Webhook, payload.Event) ([]webhook.Routed, error) { panic("x") }
		},
		"Each": func(p *webhook.Profile) {
			p.Route = webhook.Each(func(webhook.Webhook, payload.Event) (bool, error) { panic("x") })
		},
		"Grouped": func(p *webhook.Profile) {
			p.Route = webhook.Grouped(nil, func(payload.Event, []webhook.Webhook) (webhook.Routed, error) { panic("x") })
		},
	}
	for name, change := range atDispatch {
		p := webhook.Automation()
		change(&p)
		h := newHost(t, newStore(t), p, nil)
		h.add("one")
		if _, err := h.Dispatch(context.Background(), success(t)); !errors.Is(err, webhook.ErrPanic) {
			t.Errorf("%s: %v, want ErrPanic", name, err)
		}
		if n := h.count(webhook.StatePending); n != 0 {
			t.Errorf("%s: %d deliveries stored", name, n)
		}
	}
}

// Rule: a wrapper that sends in another goroutine without waiting for it causes no second request.
func TestAroundInTheBackground(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: time.Second} }}
	o := &webhook.Options{Transport: to, Around: func(ctx context.Context, _ webhook.Delivery, send func(context.Context) webhook.Attempt) webhook.Attempt {
		go send(ctx)
		time.Sleep(time.Millisecond) // less than the answer takes
		return webhook.Attempt{}
	}}
	inBubble(t, webhook.Automation(), o, func(h *host) {
		h.add("one")
		d := h.dispatch()
		settled(time.Minute)
		if n := len(to.seen()); n != 1 || h.outcome(d) != "delivered tries=1" {
			t.Errorf("%d requests, %s; want 1, delivered", n, h.outcome(d))
		}
	})
}
