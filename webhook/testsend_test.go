package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

func (h *host) sendTest(w webhook.Webhook, opts ...webhook.TestOption) webhook.Attempt {
	h.t.Helper()
	a, err := h.hooks.Test(ctx, scope, w.ID, opts...)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *host) stored() int {
	h.t.Helper()
	ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(ds)
}

// Rule: a test posts the empty object once, like a delivery, also to an inactive webhook and
// without Run, and leaves no record.
func TestManagerTest(t *testing.T) {
	t.Parallel()
	for name, active := range map[string]bool{"active": true, "inactive": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var told int
				to := &receiver{answer: func(int, request) answer { return answer{status: 202, body: "queued", delay: time.Second} }}
				h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to, Observer: &webhook.Observer{
					Attempted: func(context.Context, webhook.Delivery, webhook.Attempt) { told++ }}})
				w := h.add("one", func(w *webhook.Webhook) { w.Active, w.Headers = active, headers("X-Key", "value") })
				got := h.sendTest(w)
				want := webhook.Attempt{Number: 1, Status: 202, Start: got.Start, Duration: time.Second, Snippet: "queued"}
				if diff := cmp.Diff(want, got); diff != "" || !got.OK() || got.Start.IsZero() {
					t.Errorf("attempt (-want +got):\n%s", diff)
				}
				rs := to.seen()
				if len(rs) != 1 || rs[0].Body != "{}" || rs[0].URL != automation+"one" {
					t.Fatalf("requests %+v", rs)
				}
				identifier := rs[0].Header.Get("Webhook-Id")
				wantHeader := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Postrider/1 (+https://github.com/postrider/postrider)"},
					"X-Automation-Webhook-Token": {token}, "X-Key": {"value"}, "Webhook-Id": {identifier}}
				if diff := cmp.Diff(wantHeader, rs[0].Header); diff != "" || !strings.HasPrefix(identifier, "test_") {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
				h.sendTest(w)
				if again := to.seen()[1].Header.Get("Webhook-Id"); again == identifier {
					t.Errorf("two tests have the identifier %s", again)
				}
				if h.stored() != 0 || told != 0 {
					t.Errorf("%d deliveries stored, observer told %d times", h.stored(), told)
				}
			})
		})
	}
}

// Rule: a test is made once, whatever the answer, and a failed one does not change the health.
func TestManagerTestFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a    answer
		want webhook.Code
	}{
		"400":              {answer{status: 400}, webhook.CodeStatus},
		"401":              {answer{status: 401}, webhook.CodeStatus},
		"410":              {answer{status: 410}, webhook.CodeStatus},
		"429":              {answer{status: 429, after: "600"}, webhook.CodeStatus},
		"503":              {answer{status: 503, after: "600"}, webhook.CodeStatus},
		"302":              {answer{status: 302}, webhook.CodeRedirect},
		"connection broke": {answer{}, webhook.CodeProtocol},
		"hangs":            {answer{status: 200, delay: time.Hour}, webhook.CodeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: func(int, request) answer { return c.a }}
			var told observed
			standardBubble(t, &webhook.Options{Transport: to, Poll: time.Hour, Observer: told.observer()}, func(h *host) {
				w := h.add("one", standardHook)
				for range 12 { // more than open a breaker
					if a := h.sendTest(w); a.Code != c.want || a.Status != c.a.status && c.want != webhook.CodeTimeout {
						t.Fatalf("attempt %+v, want %s", a, c.want)
					}
				}
				settled(time.Hour)
				if n := len(to.seen()); n != 12 {
					t.Errorf("%d requests, want 12", n)
				}
				got, err := h.hooks.Health(ctx, scope, w.ID)
				if diff := cmp.Diff(webhook.Health{WebhookID: w.ID, Scope: scope}, got); diff != "" || err != nil {
					t.Errorf("health %v (-want +got):\n%s", err, diff)
				}
				if !h.webhook(w.ID).Active || h.stored() != 0 {
					t.Errorf("active %t, %d deliveries stored", h.webhook(w.ID).Active, h.stored())
				}
			})
		})
	}
}

// Rule: an accepted test clears the health, except for a pause.
func TestManagerTestAfterFailures(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if r.Body == "{}" {
			return answer{status: 200}
		}
		return answer{status: 503, after: "600"}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one")
		d := h.dispatch()
		settled(time.Second)
		before, err := h.hooks.Health(ctx, scope, w.ID)
		if err != nil || before.Status(time.Now()) != webhook.HealthPaused {
			t.Fatalf("health %+v, %v, want paused", before, err)
		}
		if a := h.sendTest(w); !a.OK() { // through the pause
			t.Errorf("attempt %+v", a)
		}
		settled(time.Second)
		after, err := h.hooks.Health(ctx, scope, w.ID)
		want := webhook.Health{WebhookID: w.ID, Scope: scope, PausedUntil: before.PausedUntil}
		if diff := cmp.Diff(want, after); diff != "" || err != nil {
			t.Errorf("health %v (-want +got): an accepted test clears it, but for the pause\n%s", err, diff)
		}
		if got := h.outcome(d); got != "pending status tries=1" {
			t.Error(got)
		}
	})
}

// Rule: a test ignores the webhook's limit, and a quarter of Capacity may be in flight.
func TestManagerTestAndLimits(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 10 * time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Capacity: 2, PerLane: 1}, func(h *host) {
		w := h.add("one")
		h.dispatch(id("evt_1"))
		h.dispatch(id("evt_2"))
		settled(time.Second)
		if n := len(to.seen()); n != 1 {
			t.Fatalf("%d requests, the lane allows 1", n)
		}
		done := make(chan webhook.Attempt, 1)
		go func() { done <- h.sendTest(w) }()
		settled(0)
		if n := len(to.seen()); n != 2 || h.Status().InFlight != 2 {
			t.Fatalf("%d requests, %d in flight: the test waits for its lane", n, h.Status().InFlight)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := h.hooks.Test(short, scope, w.ID); !errors.Is(err, webhook.ErrBusy) {
			t.Errorf("a second test where one is allowed: %v, want ErrBusy", err)
		}
		if n := len(to.seen()); n != 2 {
			t.Errorf("%d requests, one test is allowed beside the delivery", n)
		}
		if a := <-done; !a.OK() {
			t.Errorf("attempt %+v", a)
		}
		settled(time.Minute)
		if n := h.Status().InFlight; n != 0 {
			t.Errorf("%d slots were not given back", n)
		}
	})
}

// Rule: a caller whose context ends gets its error, not a verdict on the endpoint.
func TestManagerTestCancelled(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 10 * time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one")
		gone, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		if _, err := h.hooks.Test(gone, scope, w.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		if n := h.Status().InFlight; n != 0 {
			t.Errorf("%d slots were not given back", n)
		}
	})
}

// Rule: WithSample sends a complete example of any trigger.
func TestManagerTestSample(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	w := h.add("one")
	for i, trigger := range payload.Triggers() {
		if a := h.sendTest(w, webhook.WithSample(trigger)); !a.OK() {
			t.Errorf("%s: %+v", trigger, a)
		}
		body := h.to.seen()[i].Body
		if !strings.HasPrefix(body, `{"trigger":"`+trigger+`",`) {
			t.Errorf("%s: body %s", trigger, body)
		}
	}
	sent := len(h.to.seen())
	if _, err := h.hooks.Test(ctx, scope, w.ID, webhook.WithSample("nothing")); !errors.Is(err, webhook.ErrInvalid) {
		t.Errorf("unknown trigger: %v, want ErrInvalid", err)
	}
	p := webhook.Automation()
	p.Form.Sample = func(string) (payload.Data, bool) { panic("sample") }
	h2 := newHost(t, newStore(t), p, nil)
	if _, err := h2.hooks.Test(ctx, scope, h2.add("one").ID, webhook.WithSample("taskSuccess")); !errors.Is(err, webhook.ErrPanic) {
		t.Errorf("Profile.Form.Sample panics: %v, want ErrPanic", err)
	}
	if n := len(h.to.seen()); n != sent {
		t.Errorf("%d requests without a body", n-sent)
	}
}
