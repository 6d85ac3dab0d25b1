package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

// Rule: a preview is the request as it would be sent, without its secrets: the path of the URL, the
// values of the webhook's headers, signatures, and each value that holds a credential.
func TestPreview(t *testing.T) {
	t.Parallel()
	const secret = "canary-0123456789abcdef0123456789abcdef"
	p := webhook.Automation()
	p.Prepare.Header = func(w webhook.Webhook, d webhook.Delivery, h http.Header) {
		h.Set("Webhook-Id", d.EventID)
		h.Set("X-Try", fmt.Sprint(d.Tries))
		h.Set("X-Leak", "prefix "+w.Secrets[0].Reveal())
	}
	h := newHost(t, newStore(t), p, nil)
	w := h.add("one", func(w *webhook.Webhook) {
		w.Secrets = []webhook.Secret{webhook.NewSecret(secret)}
		w.Headers = map[string]string{"X-Api-Key": "canary-key"}
	})
	d := h.dispatch(id("evt_1"))
	got, err := h.hooks.Preview(ctx, scope, d)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for _, line := range got.Header {
		lines[line.Name] = line.Value
		if line.Masked != (line.Value == "[redacted]") {
			t.Errorf("%s is %q, masked %t", line.Name, line.Value, line.Masked)
		}
	}
	want := map[string]string{"Content-Type": "application/json", "User-Agent": lines["User-Agent"], "Webhook-Id": "evt_1", "X-Try": "0",
		"X-Leak": "[redacted]", "X-Api-Key": "[redacted]", "X-Automation-Webhook-Token": "[redacted]"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Method != http.MethodPost || got.URL != "https://api-private.atlassian.com/[redacted]" || len(got.Body) == 0 {
		t.Errorf("%s %s with %d bytes", got.Method, got.URL, len(got.Body))
	}
	curl := got.Curl()
	for _, part := range []string{"curl -X POST 'https://api-private.atlassian.com/[redacted]'", "-H 'Webhook-Id: evt_1'", "--data-binary '" + string(got.Body) + "'"} {
		if !strings.Contains(curl, part) {
			t.Errorf("%q is missing in %s", part, curl)
		}
	}
	if all := fmt.Sprintf("%+v %s", got, curl); strings.Contains(all, "canary") {
		t.Errorf("a credential is shown: %s", all)
	}
	if quoted := (webhook.Preview{Method: "POST", URL: "https://x", Body: []byte(`{"a":"it's"}`)}).Curl(); !strings.HasSuffix(quoted, `'{"a":"it'\''s"}'`) {
		t.Errorf("a quote ends the shell's word: %s", quoted)
	}
	if named := (webhook.Preview{Method: "POST", URL: "https://x", Body: []byte("@/etc/hostname")}).Curl(); !strings.HasSuffix(named, ` --data-raw '@/etc/hostname'`) {
		t.Errorf("a body is read from a file: %s", named)
	}
	if _, err := h.hooks.Preview(ctx, "other", d); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("another scope: %v", err)
	}
	if err := h.hooks.Delete(ctx, scope, w.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.hooks.Preview(ctx, scope, d); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("without its webhook: %v", err)
	}
}
