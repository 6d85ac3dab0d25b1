package webhook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// Rule: the webhook determines the host of a request. A Target hook that takes it from the delivery
// is refused before a request, also if the URL has no variables.
func TestTargetCannotMoveTheHost(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"with variables": "https://hooks.example.com/{key}", "without": "https://hooks.example.com/key"} {
		for where, to := range map[string]string{"host": "https://evil.example.com/x", "port": "https://hooks.example.com:8443/x",
			"longer host": "https://hooks.example.com.evil.example.com/x"} {
			p := webhook.Standard()
			p.Allow.Ports = []uint16{8443}
			p.Prepare.Target = func(w webhook.Webhook, d webhook.Delivery) (string, error) {
				if moved := d.Vars["to"]; moved != "" {
					return moved, nil
				}
				return webhook.Expand(w.URL, d.Vars), nil
			}
			h := newHost(t, newStore(t), p, nil)
			w := someWebhook()
			w.URL, w.Secrets = url, []webhook.Secret{webhook.NewSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")}
			d := sample(w)
			for range 2 {
				if a := webhook.Send(context.Background(), h.Dispatcher, w, d); !a.OK() {
					t.Errorf("%s, its own host: %+v", name, a)
				}
			}
			d.Vars = map[string]string{"to": to}
			if a := webhook.Send(context.Background(), h.Dispatcher, w, d); a.Code != webhook.CodeURLRejected {
				t.Errorf("%s, another %s: %+v", name, where, a)
			}
			if n := len(h.to.seen()); n != 2 {
				t.Errorf("%s, another %s: %d requests", name, where, n)
			}
		}
	}
}

// Rule: a Target hook that fails rejects the URL, one that panics fails the delivery as config; neither
// sends anything.
func TestPanickingTarget(t *testing.T) {
	t.Parallel()
	for want, target := range map[webhook.Code]func(webhook.Webhook, webhook.Delivery) (string, error){
		webhook.CodeConfig:      func(webhook.Webhook, webhook.Delivery) (string, error) { panic("target") },
		webhook.CodeURLRejected: func(webhook.Webhook, webhook.Delivery) (string, error) { return "", errors.New("target") },
	} {
		p := webhook.Automation()
		p.Prepare.Target = target
		send, to := sender(t, p)
		if a := send(someWebhook()); a.Code != want || a.Status != 0 {
			t.Errorf("%+v, want %s", a, want)
		}
		if n := len(to.seen()); n != 0 {
			t.Errorf("%s: %d requests", want, n)
		}
	}
}
