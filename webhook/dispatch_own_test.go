package webhook_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// syncFailed is Data of the host's own.
type syncFailed struct {
	SyncID string `json:"syncId"`
}

func (syncFailed) EventType() string { return "syncFailed" }

// Rule: a trigger of the host is sent if the profile lists it.
func TestDispatchOwnTrigger(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.Form.Events = append(slices.Clone(p.Form.Events), "syncFailed")
	inBubble(t, p, nil, func(h *host) {
		h.add("one", func(w *webhook.Webhook) { w.Events = []string{"syncFailed"} })
		e, err := payload.New(scope, syncFailed{SyncID: "sync-1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Dispatch(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		seen := h.to.seen()
		if len(seen) != 1 || seen[0].Body != `{"syncId":"sync-1"}` {
			t.Errorf("%d requests, want one with the event's body: %+v", len(seen), seen)
		}
	})
}
