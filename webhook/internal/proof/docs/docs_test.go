package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: the page agrees with the code.
func TestPayloadsAreFresh(t *testing.T) {
	t.Parallel()
	want, err := payloads()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../../docs/payloads.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/payloads.md is stale, run: go run ./webhook/internal/proof/docs (-want +got):\n%s", diff)
	}
}

// Rule: the page has everything that a receiver may get.
func TestPayloadsAreComplete(t *testing.T) {
	t.Parallel()
	page, err := payloads()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range payload.Triggers() {
		want = append(want, "### "+name)
	}
	for _, f := range strings.Fields("trigger processId name actionTypes deepLink apiKeyId expiresAt settingsUrl") {
		want = append(want, "{{webhookData."+f+"}}")
	}
	want = append(want, "https://api-private.atlassian.com/automation/webhooks/", "X-Automation-Webhook-Token", "408, 409, 425, 429, 500 to 599", "| 3 | 2 min | 5 min |")
	for _, w := range want {
		if !strings.Contains(string(page), w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	if n := strings.Count(string(page), " min |\n") + strings.Count(string(page), " s |\n"); n != len(webhook.Automation().Retry.Slots) {
		t.Errorf("%d retry slots are listed", n)
	}
}
