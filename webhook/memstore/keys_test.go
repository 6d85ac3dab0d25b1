package memstore_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// TestSupersededPerClaim: a claim returns a bounded number of superseded deliveries, without bodies,
// and later claims return the others.
func TestSupersededPerClaim(t *testing.T) {
	t.Parallel()
	const n = 2500
	s := open(t, nil)
	w := webhook.Webhook{ID: "wh_1", Scope: "bench", Name: "one", URL: "https://example.com/", Active: true, Coalesce: true}
	if err := s.Create(t.Context(), w, 0); err != nil {
		t.Fatal(err)
	}
	for i := range n + 1 {
		d := delivery(i, "wh_1", base)
		d.Key = "k"
		mustEnqueue(t, s, []webhook.Delivery{d})
	}
	lanes := []webhook.LaneClaim{{Lane: webhook.Lane{Scope: "bench", WebhookID: "wh_1"}, Most: 1, Take: webhook.TakeNewest}}
	total := 0
	for i := int64(1); total < n; i++ {
		b, err := s.Claim(t.Context(), webhook.Claim{Now: base, Until: base.Add(time.Minute), Lease: i, Lanes: lanes})
		if err != nil {
			t.Fatal(err)
		}
		superseded := 0
		for _, d := range b.Deliveries {
			if !d.Superseded {
				continue
			}
			if superseded++; len(d.Body) > 0 {
				t.Fatalf("a superseded delivery has a body of %d bytes", len(d.Body))
			}
			x := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateFailed, Due: base, Code: webhook.CodeSuperseded}
			if lost, err := s.Settle(t.Context(), []webhook.Settlement{x}); err != nil || len(lost) > 0 {
				t.Fatal(lost, err)
			}
		}
		if superseded == 0 && i > 1 || superseded > 1000 { // the first one takes the newest
			t.Fatalf("claim %d brought %d superseded deliveries, want 1 to 1000", i, superseded)
		}
		total += superseded
	}
	if total != n {
		t.Errorf("%d deliveries were superseded, want %d", total, n)
	}
}
