package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// logLines returns the lines of the log that hold a text.
func (h *host) logLines(text string) (found []string) {
	for line := range strings.Lines(h.log.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// wantLines checks the number of lines with a text, and further texts in the last of them.
func (h *host) wantLines(n int, text string, also ...string) {
	h.t.Helper()
	found := h.logLines(text)
	if len(found) != n {
		h.t.Errorf("%d lines with %q, want %d:\n%s", len(found), text, n, h.log)
		return
	}
	for _, more := range also {
		if !strings.Contains(found[n-1]+" ", more+" ") && !strings.Contains(found[n-1], more+"\n") {
			h.t.Errorf("the line lacks %q: %s", more, found[n-1])
		}
	}
}

// Rule: each fault that needs an operator is one line that names its subject. The beginning and the
// end of Run are logged.
func TestLogLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(n int, _ request) answer { return answer{status: []int{404, 401, 401, 500, 500, 500, 500}[n-1]} }}
		h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
		w := h.add("one")
		h.start()
		settled(0)
		h.wantLines(1, "level=INFO msg=\"webhook: sending begins\"", "profile=automation")
		id1 := h.dispatch(id("evt_1"))
		settled(time.Minute)
		h.wantLines(1, "level=WARN msg=\"webhook: delivery failed\"", "delivery="+id1, "event=evt_1", "type=taskSuccess", "webhook="+w.ID,
			"scope="+scope, "code=status", "status=404", "attempts=1", "exhausted=false")
		h.dispatch(id("evt_2"))
		settled(time.Minute)
		h.dispatch(id("evt_3"))
		settled(time.Minute)
		h.wantLines(2, "level=WARN msg=\"webhook: a webhook needs attention\"", "webhook="+w.ID, "scope="+scope, "code=status", "status=401")
		h.dispatch(id("evt_4"))
		settled(time.Hour)
		h.wantLines(4, "webhook: delivery failed", "event=evt_4", "status=500", "attempts=4", "exhausted=true")
		h.stop()
		h.wantLines(1, "level=INFO msg=\"webhook: sending has ended\"")
	})
}

// Rule: an owner is notified of each code and status once, with the attempt that had it. An edit or
// a success starts anew.
func TestAttentionOfEachStatus(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	answers := []int{404, 404, 401, 404, 403, 200, 404}
	to := &receiver{answer: func(n int, _ request) answer { return answer{status: answers[n-1]} }}
	o := &webhook.Observer{Attention: func(_ context.Context, w webhook.Webhook, c webhook.Code, a *webhook.Attempt) {
		mu.Lock()
		defer mu.Unlock()
		if a == nil || a.Code != c || w.ID == "" {
			t.Errorf("attention of %q with code %s and attempt %+v", w.ID, c, a)
			return
		}
		heard = append(heard, fmt.Sprint(c, " ", a.Status))
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Observer: o}, func(h *host) {
		h.add("one")
		for i := range answers {
			h.dispatch(id("evt_%d", i))
			settled(time.Minute)
		}
		mu.Lock()
		defer mu.Unlock()
		want := []string{"status 404", "status 401", "status 403", "status 404"}
		if diff := cmp.Diff(want, heard); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}

// Rule: an event of a scope without webhooks is logged once, one of a scope whose webhooks are all
// inactive too. An event of a type that the Profile
// does not know is refused.
func TestEventsThatReachNobody(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		for i := range 3 {
			if r := h.dispatchAll(id("evt_%d", i)); r.Events[0].Matched != 0 {
				t.Errorf("receipt %+v", r)
			}
		}
		h.wantLines(1, "level=WARN msg=\"webhook: an event of a scope without webhooks", "scope="+scope)
		w := h.add("one", func(w *webhook.Webhook) { w.Events = []string{"taskFailure"} })
		h.dispatchAll(id("evt_9"))
		h.wantLines(1, "scope without webhooks")
		h.wantLines(0, "scope without active webhooks")
		if err := h.hooks.SetActive(t.Context(), scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			h.dispatchAll(id("evt_%d", 10+i))
		}
		h.wantLines(1, "level=INFO msg=\"webhook: an event of a scope without active webhooks", "scope="+scope)
		_, err := h.Dispatch(t.Context(), payload.Event{ID: "evt_x", Scope: scope, Type: "taskSucess", Time: time.Now(), Body: []byte("{}")})
		if !errors.Is(err, webhook.ErrInvalid) || !strings.Contains(err.Error(), "taskSucess") {
			t.Errorf("a misspelt type: %v, want ErrInvalid that names it", err)
		}
	})
}

// Rule: a fault of this side is no fault of the endpoint: a body above the cap and an unusable
// configuration open no breaker and are no failures.
func TestOwnFaultsDoNotCount(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*webhook.Profile){
		"payload": func(p *webhook.Profile) { p.MaxBody = 10 },
		"config": func(p *webhook.Profile) {
			p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) { return nil, errors.New("no key") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				before := newHost(t, store, webhook.Standard(), nil)
				w := before.add("one", standardHook)
				for i := range 20 { // ten failures in a row open a breaker
					before.dispatch(id("evt_%d", i))
				}
				p := webhook.Standard()
				spoil(&p)
				h := newHost(t, store, p, nil)
				h.start()
				defer h.stop()
				settled(time.Minute)
				h.wantLines(20, "webhook: delivery failed", "code="+name)
				if health, err := h.hooks.Health(t.Context(), scope, w.ID); err != nil || !health.OK() {
					t.Errorf("health %+v, %v", health, err)
				}
			})
		})
	}
}

// Rule: nothing is sent before the later end of a pause and of an open breaker.
func TestHoldUntil(t *testing.T) {
	t.Parallel()
	sooner, later := time.Unix(100, 0), time.Unix(200, 0)
	for _, c := range []struct{ pause, breaker, want time.Time }{
		{want: time.Time{}}, {pause: sooner, want: sooner}, {breaker: sooner, want: sooner},
		{pause: later, breaker: sooner, want: later}, {pause: sooner, breaker: later, want: later},
	} {
		if got := (webhook.Health{PausedUntil: c.pause, OpenUntil: c.breaker}).HoldUntil(); !got.Equal(c.want) {
			t.Errorf("pause %v, breaker %v: held until %v, want %v", c.pause, c.breaker, got, c.want)
		}
	}
}
