package webhook_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Rule: an event without a key has the same number on every attempt, the first one included, although
// a hand-off would not know it.
func TestOrderNumbersEveryAttempt(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 503} }}
	inBubble(t, webhook.Standard(), &webhook.Options{Transport: to}, func(h *host) {
		w := someWebhook()
		w.URL, w.Secrets, w.Order = "https://hooks.example.com/", nil, webhook.OrderSkip
		if _, err := h.hooks.Add(ctx, w); err != nil {
			t.Fatal(err)
		}
		settled(time.Second) // the first look is over, so that a hand-off is possible
		h.send("plain", "")
		settled(time.Minute)
		numbers := map[string]bool{}
		for _, r := range h.to.seen() {
			numbers[r.Header.Get("Webhook-Sequence")] = true
		}
		if len(h.to.seen()) != 2 || len(numbers) != 1 || numbers[""] {
			t.Errorf("%d requests with the numbers %v, want two with the same one", len(h.to.seen()), numbers)
		}
	})
}
