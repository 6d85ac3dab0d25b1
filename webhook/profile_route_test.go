package webhook_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: a value that would leave the path, and a broken filter, fail with a clear error.
func TestProfileRefuses(t *testing.T) {
	t.Parallel()
	inBubble(t, tracker(), nil, func(h *host) {
		h.addTracker("dots", "", "https://hooks.example.com/in/{x}/end")
		for name, c := range map[string]struct{ value, want string }{
			"dot":         {".", "failed url_rejected tries=1"},
			"dots":        {"..", "failed url_rejected tries=1"},
			"path":        {"../../etc", "failed url_rejected tries=1"},
			"line break":  {"a\r\nHost: evil", "delivered tries=1"},
			"other host":  {"@evil.example/", "delivered tries=1"},
			"nothing":     {"", "delivered tries=1"},
			"variable":    {"{y}", "delivered tries=1"},
			"too long":    {strings.Repeat("x", 2048), "failed url_rejected tries=1"},
			"query":       {"a?b=c&d", "delivered tries=1"},
			"three dots":  {"...", "delivered tries=1"},
			"percent":     {"%2e%2e", "delivered tries=1"},
			"with colons": {"a:443", "delivered tries=1"},
		} {
			r, err := h.Dispatch(context.Background(), track(t, "evt-"+strings.ReplaceAll(name, " ", "-"), map[string]string{"x": c.value}))
			if err != nil {
				t.Fatal(err)
			}
			settled(time.Second)
			if got := h.outcome(r.Events[0].Deliveries[0]); got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
		for _, r := range h.to.seen() {
			if !strings.HasPrefix(r.URL, "https://hooks.example.com/in/") || !strings.HasSuffix(r.URL, "/end") {
				t.Errorf("request to %s", r.URL)
			}
		}
		_, err := h.hooks.Add(context.Background(), webhook.Webhook{Scope: scope, Name: "n", URL: "https://{x}.example.com/", Events: []string{"*"}})
		if !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("a variable in the host: %v, want ErrInvalid", err)
		}
		h.addTracker("broken", "", "https://hooks.example.com/b", func(w *webhook.Webhook) { w.Filter = "broken" })
		if _, err := h.Dispatch(context.Background(), track(t, "evt_b", nil)); err == nil || !strings.Contains(err.Error(), "filter does not parse") {
			t.Errorf("a broken filter: %v", err)
		}
	})
}

// Rule: a Store serves one Profile.
func TestStoreBelongsToOneProfile(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	if _, err := webhook.New(store, webhook.Automation(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := webhook.New(store, webhook.Standard(), nil); !errors.Is(err, webhook.ErrProfile) {
		t.Errorf("second profile: %v, want ErrProfile", err)
	}
	if _, err := webhook.New(store, webhook.Automation(), nil); err != nil {
		t.Errorf("the same profile again: %v", err)
	}
}

// Rule: Route picks all receivers at once, and Keep can still end a delivery when its turn comes.
func TestProfileRouteAndKeep(t *testing.T) {
	t.Parallel()
	p := tracker()
	p.Route = func(live []webhook.Webhook, e payload.Event) ([]webhook.Routed, error) {
		if e.Vars["break"] != "" {
			return nil, errors.New("index is broken")
		}
		live = slices.DeleteFunc(live, func(w webhook.Webhook) bool { return w.Name == "not this" || !w.Active })
		var routed []webhook.Routed
		for _, w := range live {
			routed = append(routed, webhook.Routed{WebhookID: w.ID})
		}
		return routed, nil
	}
	var unwanted atomic.Bool
	p.Keep = func(w webhook.Webhook, d webhook.Delivery) bool {
		if w.Name == "panics" {
			panic("keep")
		}
		return !unwanted.Load()
	}
	inBubble(t, p, nil, func(h *host) {
		h.addTracker("this", "", "https://hooks.example.com/this")
		h.addTracker("not this", "", "https://hooks.example.com/not")
		h.addTracker("off", "", "https://hooks.example.com/off", func(w *webhook.Webhook) { w.Active = false })
		kept, err := h.Dispatch(context.Background(), track(t, "evt_1", nil))
		if err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		unwanted.Store(true)
		dropped, err := h.Dispatch(context.Background(), track(t, "evt_2", nil))
		if err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		for r, want := range map[string]webhook.Receipt{"delivered tries=1": kept, "failed cancelled tries=0": dropped} {
			if len(want.Events[0].Deliveries) != 1 || h.outcome(want.Events[0].Deliveries[0]) != r {
				t.Errorf("%+v, want one that is %s", want, r)
			}
		}
		if _, err := h.Dispatch(context.Background(), track(t, "evt_3", map[string]string{"break": "yes"})); err == nil || !strings.Contains(err.Error(), "index is broken") {
			t.Errorf("a Route that fails: %v", err)
		}
		h.addTracker("panics", "", "https://hooks.example.com/panics")
		r, err := h.Dispatch(context.Background(), track(t, "evt_4", nil))
		if err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		if n := len(h.to.seen("https://hooks.example.com/panics")); n != 1 || r.Events[0].Matched != 2 {
			t.Errorf("%d requests to the webhook whose Keep panics, receipt %+v", n, r)
		}
	})
}
