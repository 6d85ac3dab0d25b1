package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: code of the host that ends its goroutine by runtime.Goexit is contained as a panic is. No
// delivery is lost, no slot stays taken, the next deliveries go out, and Run ends at once.
func TestGoexit(t *testing.T) {
	t.Parallel()
	const delivered, refused = "delivered", "refused" // refused: by Dispatch
	for hook, want := range map[string]string{
		"Route": refused, "Carry": refused, "Keep": delivered, "Limits": "failed config", "Judge": "failed status",
		"Target": "failed config", "Header": "failed config", "Sign": "failed config", "Signer": "failed config", "Transport": delivered,
		"Around, before the attempt": delivered, "Around, beside the attempt": delivered, "Around, after the attempt": delivered,
		"Enqueued": delivered, "Attempted": delivered, "Settled": delivered, "Disabled": delivered, "Attention": delivered,
		"Logger.Enabled": delivered, "Logger.Handle": delivered,
		"Store.Webhooks": refused, "Store.Enqueue": refused, "Store.Enqueue, after the commit": refused, "Store.Due": delivered,
		"Store.Claim": delivered, "Store.Claim, after the commit": delivered, "Store.Settle": delivered, "Store.Sweep": delivered,
		"Store.Health": delivered, "Store.SetHealth": delivered, "Store.Webhook": delivered, "Store.Update": delivered,
		"Store.Prune": delivered, "Store.Now": delivered, "Store.Wait": delivered, "Store.Notify": delivered,
	} {
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				x, log := &exits{hook: hook}, &lockedBuffer{}
				to := &receiver{answer: func(_ int, r request) answer {
					if strings.HasSuffix(r.URL, "gone") {
						return answer{status: 410}
					}
					return answer{status: 200}
				}}
				h := newHost(t, exitingStore{newStore(t), x}, x.profile(), x.options(to, log))
				fine, gone := h.add("fine", standardHook), h.add("gone", standardHook, func(w *webhook.Webhook) { w.URL += "-gone" })
				x.armed.Store(true)
				dispatch := func(event string) {
					t.Helper()
					switch _, err := h.Dispatch(context.Background(), success(t, payload.WithID(event))); {
					case want != refused || !x.armed.Load():
						if err != nil {
							t.Errorf("Dispatch: %v", err)
						}
					case !errors.Is(err, webhook.ErrPanic):
						t.Errorf("Dispatch: %v, want ErrPanic", err)
					case errors.Is(err, webhook.ErrUnknown) != strings.HasPrefix(hook, "Store.Enqueue"):
						t.Errorf("Dispatch: %v; it is certain that nothing was stored unless Enqueue was called", err)
					}
				}
				dispatch("evt_claimed")
				h.start()
				settled(5 * time.Second)
				dispatch("evt_handed")
				settled(5 * time.Second)
				if err := h.Status().StoreError; strings.HasPrefix(hook, "Store.") && want == delivered && !errors.Is(err, webhook.ErrPanic) {
					t.Errorf("StoreError %v, want ErrPanic at once", err)
				}
				hits := x.hits.Load()
				if x.armed.Store(false); hits == 0 {
					t.Fatal("the hook was not called")
				}
				if want == refused {
					dispatch("evt_claimed")
					dispatch("evt_handed")
				}
				settled(time.Hour)
				began := time.Now()
				dispatch("evt_after")
				settled(time.Second)
				for _, event := range []string{"evt_claimed", "evt_handed", "evt_after"} {
					want := want
					if want == refused || event == "evt_after" {
						want = delivered
					}
					if got := h.outcome(webhook.DeliveryID(scope, event, fine.ID)); !strings.HasPrefix(got, want) {
						t.Errorf("%s: %s, want %s", event, got, want)
					}
				}
				d, as := h.delivery(webhook.DeliveryID(scope, "evt_after", fine.ID))
				if d.FinishedAt.Sub(began) > time.Second || len(as) != 1 {
					t.Errorf("evt_after was sent %d times, and was finished after %v", len(as), d.FinishedAt.Sub(began))
				}
				if h.webhook(gone.ID).Active {
					t.Error("the endpoint that is gone was not switched off")
				}
				if s := h.Status(); s.InFlight+s.Active+s.Waiting+s.Unwritten != 0 {
					t.Errorf("%+v, want nothing in progress", s)
				}
				began = time.Now()
				if h.stop(); time.Since(began) > 0 || strings.Contains(log.String(), "left behind") {
					t.Errorf("Run ended after %v:\n%s", time.Since(began), log)
				}
			})
		})
	}
}

// Rule: while a hook ends its goroutine Run can end too.
func TestGoexitWhileStopping(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{"Signer", "Judge", "Settled", "Attempted", "Store.Claim", "Store.Settle", "Store.Due", "Store.Wait", "Around, after the attempt"} {
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				x, log := &exits{hook: hook}, &lockedBuffer{}
				h := newHost(t, exitingStore{newStore(t), x}, x.profile(), x.options(&receiver{}, log))
				h.add("fine", standardHook)
				x.armed.Store(true)
				h.dispatch(id("evt_claimed"))
				h.start()
				settled(5 * time.Second)
				h.dispatch(id("evt_handed"))
				began := time.Now()
				if h.stop(); time.Since(began) > time.Minute || strings.Contains(log.String(), "left behind") {
					t.Errorf("Run ended after %v:\n%s", time.Since(began), log)
				}
				if x.hits.Load() == 0 {
					t.Error("the hook was not called")
				}
			})
		})
	}
}

// Rule: an Observer that ends its goroutine hears of every other end that was stored in the same
// write, once.
func TestGoexitOfReports(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	told := make(map[string]int)
	p := webhook.Standard()
	o := &webhook.Options{Observer: &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) {
		mu.Lock()
		told[d.ID]++
		mu.Unlock()
		runtime.Goexit()
	}}}
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, newStore(t), p, o)
		for range 20 {
			h.add("one", standardHook)
		}
		r := h.dispatchAll(id("evt_1"))
		h.start()
		defer h.stop()
		settled(time.Minute)
		for _, id := range r.Events[0].Deliveries {
			if d, _ := h.delivery(id); d.State != webhook.StateDelivered || told[id] != 1 {
				t.Errorf("%v, told %d times", d.State, told[id])
			}
		}
	})
}

// Rule: a test whose hook ends the caller's goroutine leaves no test in flight.
func TestGoexitOfTest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := &exits{hook: "Signer"}
		h := newHost(t, newStore(t), x.profile(), x.options(&receiver{}, &lockedBuffer{}))
		w := h.add("fine", standardHook)
		x.armed.Store(true)
		for range 5 {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, err := h.hooks.Test(context.Background(), scope, w.ID)
				t.Errorf("Test returned %v", err)
			}()
			<-ended
		}
		x.armed.Store(false)
		if a, err := h.hooks.Test(context.Background(), scope, w.ID); err != nil || !a.OK() || h.Status().InFlight != 0 {
			t.Errorf("%+v, %v, %d in flight", a, err, h.Status().InFlight)
		}
	})
}

// Rule: a transport that ends its goroutine while it fetches a token fails this attempt, which is
// tried again.
func TestGoexitOfToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x, p := &exits{hook: "Transport"}, newProvider()
		h := newHost(t, newStore(t), webhook.Standard(), x.options(&p.receiver, &lockedBuffer{}))
		w, err := h.hooks.Add(ctx, plainHook(withAuth(oauthAuth())))
		if err != nil {
			t.Fatal(err)
		}
		x.armed.Store(true)
		if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); a.Code != webhook.CodeAuth {
			t.Errorf("%+v, want %q", a, webhook.CodeAuth)
		}
		x.armed.Store(false)
		if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); !a.OK() {
			t.Errorf("%+v, want it accepted", a)
		}
	})
}

// Rule: the body of an answer is closed whatever its status, also if Judge ends the goroutine.
func TestGoexitClosesAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{101, 200, 500} {
		closed := 0
		p := webhook.Standard()
		p.Judge = func(webhook.Attempt) webhook.Verdict { runtime.Goexit(); return webhook.VerdictAccept }
		to := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: closer{strings.NewReader("answer"), &closed}}, nil
		})
		inBubble(t, p, &webhook.Options{Transport: to}, func(h *host) {
			h.add("one", standardHook)
			h.dispatch(id("evt_1"))
			settled(time.Second)
			if closed != 1 {
				t.Errorf("%d: the body of the answer was closed %d times", status, closed)
			}
		})
	}
}

// closer counts how often it is closed.
type closer struct {
	io.Reader
	closed *int
}

func (c closer) Close() error { *c.closed++; return nil }
