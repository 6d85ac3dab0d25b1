package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

// Rule: if a request holds one credential, the next secret is used at once, alone. A refused one
// changes nothing.
func TestRotateToken(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	w := h.add("one", func(w *webhook.Webhook) { w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath) })
	for _, next := range []string{"second", "third"} {
		if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(next)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"third"}
	if diff := cmp.Diff(want, texts(h.webhook(w.ID))); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	for next, rule := range map[string]string{"": "secret required", "a\r\nb": "secret characters", "a/b": "secret path"} {
		if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(next)); !strings.HasPrefix(complaint(err), rule) {
			t.Errorf("%q: %s, want %s", next, complaint(err), rule)
		}
	}
	if diff := cmp.Diff(want, texts(h.webhook(w.ID))); diff != "" {
		t.Errorf("after refusals (-want +got):\n%s", diff)
	}
}

// texts are the secrets of a webhook.
func texts(w webhook.Webhook) (out []string) {
	for _, s := range w.Secrets {
		out = append(out, s.Reveal())
	}
	return out
}

// Rule: the newest secret is sent, in the header or in the path, there in front of a query and
// without the header.
func TestSecretOnTheWire(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ url, path, want string }{
		"header":         {"one", "", "one"},
		"path":           {"one", webhook.SecretInPath, "one/" + token},
		"path and slash": {"one/", webhook.SecretInPath, "one/" + token},
		"path and query": {"one?a=b/c", webhook.SecretInPath, "one/" + token + "?a=b/c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, webhook.Automation(), nil, func(h *host) {
				w := h.add("x", func(w *webhook.Webhook) {
					w.URL = automation + c.url
					if c.path != "" {
						w.Attributes = headers(webhook.AttrSecretIn, c.path)
					}
				})
				if w.URL != automation+c.url {
					t.Errorf("stored URL %s", w.URL)
				}
				d := h.dispatch()
				settled(time.Second)
				if got := h.outcome(d); got != "delivered tries=1" {
					t.Fatal(got)
				}
				r := h.to.seen()[0]
				if r.URL != automation+c.want {
					t.Errorf("sent to %s, want %s", r.URL, automation+c.want)
				}
				if got := r.Header.Get("X-Automation-Webhook-Token"); (got == token) != (c.path == "") || got != "" && got != token {
					t.Errorf("token header %q", got)
				}
				if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret("next-secret")); err != nil {
					t.Fatal(err)
				}
				h.dispatch()
				settled(time.Second)
				r = h.to.seen()[1]
				if !strings.Contains(r.URL+r.Header.Get("X-Automation-Webhook-Token"), "next-secret") || strings.Contains(fmt.Sprint(r), token) {
					t.Errorf("after the rotation: %v", r)
				}
			})
		})
	}
}
