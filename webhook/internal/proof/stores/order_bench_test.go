package stores_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// BenchmarkOneKey makes -claim.rows deliveries wait in one key of a webhook that keeps an order. It
// compares a claim of 100 other webhooks with one without that key, as "x-baseline", and measures
// the time of a head of the key, from its claim through its end to the claim of the next one.
func BenchmarkOneKey(b *testing.B) {
	eachB(b, "others", func(b *testing.B, d database) {
		ago := now().Add(-time.Hour)
		base := baseline(b, d, 64)
		hard := newField(b, d, "hard_", 64)
		giant := hard.ordered("giant")
		hard.key(giant, *claimRows, ago.Add(-time.Hour))
		hard.take(hard.hooks("m", 100, true), baselineRows, ago)
		compare(b, base, hard)
		b.ReportMetric(float64(hard.head(giant, 200).Microseconds()), "us-head")
	})
}

// ordered makes a webhook that keeps an order.
func (f *field) ordered(id string) string {
	f.b.Helper()
	id = "wh_" + id
	w := webhook.Webhook{ID: id, Scope: "acme", Name: id, URL: "https://example.com/" + id, Active: true, Order: webhook.OrderSkip, Events: []string{"taskSuccess"}}
	if err := f.store.Create(f.b.Context(), w, 0); err != nil {
		f.b.Fatal(err)
	}
	return id
}

// key fills one key.
func (f *field) key(hook string, rows int, due time.Time) {
	f.b.Helper()
	const batch = 1000
	for done := 0; done < rows; done += batch {
		ds := make([]webhook.Delivery, min(batch, rows-done))
		for i := range ds {
			ds[i] = f.delivery(hook, due)
			ds[i].Key = "k"
		}
		if _, err := f.store.Enqueue(f.b.Context(), ds); err != nil {
			f.b.Fatal(err)
		}
	}
}

// head is the mean time of a head of a key.
func (f *field) head(hook string, n int) time.Duration {
	f.b.Helper()
	began := time.Now()
	for range n {
		at := now()
		f.lease++
		batch, err := f.store.Claim(f.b.Context(), webhook.Claim{Now: at, Until: at.Add(leaseTime), Lease: at.UnixMicro()<<11 + f.lease,
			Lanes: []webhook.LaneClaim{{Lane: laneOf(hook), Most: 4, Take: webhook.TakeHeads}}})
		if err != nil || len(batch.Deliveries) != 1 {
			f.b.Fatalf("claimed %d, %v; want the head of the key", len(batch.Deliveries), err)
		}
		d := batch.Deliveries[0]
		x := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered, Due: at, Result: &webhook.Attempt{Number: 1, Status: 200, Start: at}}
		if lost, err := f.store.Settle(f.b.Context(), []webhook.Settlement{x}); err != nil || len(lost) > 0 {
			f.b.Fatal(lost, err)
		}
	}
	return time.Since(began) / time.Duration(n)
}
