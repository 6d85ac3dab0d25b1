package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: an attempt that began before an edit does not count for the webhook as edited: a 503
// with Retry-After of the old URL must not pause the new one.
func TestHealthStartsAnewAfterEdit(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.HasSuffix(r.URL, "/new") {
			return answer{status: 200}
		}
		return answer{status: 503, after: "600", delay: 20 * time.Second}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one")
		h.dispatch()
		settled(time.Second)
		w.URL += "/new"
		h.edit(w)
		settled(20 * time.Second)
		got, err := h.hooks.Health(ctx, scope, w.ID)
		if diff := cmp.Diff(webhook.Health{WebhookID: w.ID, Scope: scope}, got); diff != "" || err != nil {
			t.Errorf("health %v (-want +got):\n%s", err, diff)
		}
	})
}

// Rule: an attempt that ends after its webhook was deleted leaves no record.
func TestHealthEndsWithTheWebhook(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 503, after: "600", delay: 20 * time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one")
		h.dispatch()
		settled(time.Second)
		if err := h.hooks.Delete(ctx, scope, w.ID); err != nil {
			t.Fatal(err)
		}
		settled(time.Minute)
		w.Version = 1
		if err := h.store.(webhook.Registry).Create(ctx, w, 3); err != nil { // the only way to look
			t.Fatal(err)
		}
		got, err := h.hooks.Health(ctx, scope, w.ID)
		if diff := cmp.Diff(webhook.Health{WebhookID: w.ID, Scope: scope}, got); diff != "" || err != nil {
			t.Errorf("health %v (-want +got):\n%s", err, diff)
		}
	})
}

// Rule: a snippet never holds a token that a signer derived.
func TestEchoOfASignedHeader(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) {
		return sign.Func(func(r *http.Request, _ sign.Message) error {
			r.Header.Set("Authorization", "Bearer derivedCanary-qzqzqzqz")
			return nil
		}), nil
	}
	to := &receiver{answer: func(_ int, r request) answer {
		return answer{status: 400, body: "bad " + r.Header.Get("Authorization")}
	}}
	h := newHost(t, newStore(t), p, &webhook.Options{Transport: to})
	if a := h.sendTest(h.add("one")); strings.Contains(a.Snippet, "Canary") {
		t.Errorf("snippet %q", a.Snippet)
	}
}
