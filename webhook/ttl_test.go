package webhook_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: a time to live ends an event before its first request, in place of a retry that would come
// too late, and in a sweep. A redelivery by a person ignores it.
func TestTTL(t *testing.T) {
	t.Parallel()
	inBubble(t, ordering(), &webhook.Options{Transport: failing(503, "retried")}, func(h *host) {
		w := h.add("one")
		late := h.send("late", "", payload.WithTime(time.Now().Add(-time.Minute)), payload.WithTTL(30*time.Second))
		retried := h.send("retried", "", payload.WithTTL(20*time.Second)) // the retry after 5 to 10 s fits, the one after 30 to 60 s does not
		good := h.send("good", "", payload.WithTTL(time.Hour))
		settled(time.Minute)
		if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := h.hooks.SetActive(ctx, scope, w.ID, true); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]string{late: "failed expired tries=0", retried: "failed expired tries=2", good: "delivered tries=1"} {
			if got := h.outcome(id); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if err := h.hooks.Redeliver(ctx, scope, late); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		if got := h.outcome(late); got != "delivered tries=1" {
			t.Errorf("redelivered: %s", got)
		}
		if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		r, err := h.Dispatch(ctx, success(t, payload.WithTTL(time.Hour)))
		if err != nil || r.Events[0].Matched != 0 {
			t.Fatalf("an inactive webhook: %+v, %v", r, err)
		}
	})
}

// Rule: a delivery of a webhook that is switched off ends at its time to live.
func TestTTLSweep(t *testing.T) {
	t.Parallel()
	to := failing(503, "waits")
	inBubble(t, ordering(), &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: 1, Open: time.Hour, MaxOpen: time.Hour}}, func(h *host) {
		w := h.add("one")
		id := h.send("waits", "", payload.WithTTL(2*time.Minute))
		settled(time.Second)
		if err := h.hooks.SetActive(ctx, scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		settled(4 * time.Minute)
		if got := h.outcome(id); got != "failed expired tries=1" {
			t.Errorf("%s, want it expired", got)
		}
	})
}
