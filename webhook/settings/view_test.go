package settings_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// Rule: the page shows scheme and host of a URL, and no address.
func TestHostIsShown(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"https://hooks.example.com/canaryPath?canary": "https://hooks.example.com",
		"https://hooks.example.com:8443/canary":       "https://hooks.example.com:8443",
		"https://canary:canary@hooks.example.com/":    "[redacted]",
		"https://203.0.113.77/canary":                 "[redacted]",
		"https://203.0.113.77./canary":                "[redacted]",
		"https://203.0.113.77.canary.example.com/":    "[redacted]",
		"https://[2001:db8::77]:8443/canary":          "[redacted]",
	} {
		s := newSite(t, nil)
		check(t, s.store.Create(t.Context(), webhook.Webhook{ID: "whk_1", Scope: "acme", Name: "Ops", URL: stored, Version: 1,
			Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}}, 0))
		for _, path := range []string{"/", "/webhooks/whk_1", "/webhooks/whk_1/edit"} {
			a := s.get(path)
			a.wants(t, 200, want)
			for _, canary := range []string{"canary", "203.0.113.77", "2001:db8"} {
				if strings.Contains(a.body, canary) {
					t.Errorf("%s: %q of %s is shown", path, canary, stored)
				}
			}
		}
	}
}
