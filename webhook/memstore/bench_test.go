package memstore_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

var base = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func open(tb testing.TB, o *memstore.Options) *memstore.Store {
	tb.Helper()
	s, err := memstore.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func hook(tb testing.TB, s *memstore.Store, id string) {
	tb.Helper()
	if err := s.Create(tb.Context(), webhook.Webhook{ID: id, Scope: "bench", Active: true, Secrets: []webhook.Secret{webhook.NewSecret("s")}}, 0); err != nil {
		tb.Fatal(err)
	}
}

func delivery(id int, hook string, due time.Time) webhook.Delivery {
	event := fmt.Sprintf("evt_%020d", id)
	return webhook.Delivery{
		ID: "dlv_" + event + hook, EventID: event, WebhookID: hook, Scope: "bench", Type: "taskSuccess", Lane: hook,
		CreatedAt: due, QueuedAt: due, Due: due,
	}
}

// fill enqueues n deliveries of one webhook.
func fill(tb testing.TB, s *memstore.Store, hook string, first, n int, due time.Time) {
	tb.Helper()
	ds := make([]webhook.Delivery, n)
	for i := range ds {
		ds[i] = delivery(first+i, hook, due)
	}
	if _, err := s.Enqueue(tb.Context(), ds); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkClaimAndRelease is a claim of one delivery among n, and giving it back.
func BenchmarkClaimAndRelease(b *testing.B) {
	for _, n := range []int{1, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, nil)
			hook(b, s, "wh_1")
			fill(b, s, "wh_1", 0, n, base)
			benchmarkClaims(b, s, nil)
		})
	}
}

// BenchmarkClaimBesideSkipped is what fairness costs a claim and its release: one ready delivery beside a lane that has no
// room and a backlog of a million, or beside many lanes that cannot be served. The
// baseline are 10,000 rows.
func BenchmarkClaimBesideSkipped(b *testing.B) {
	giant := func(n int) func(*testing.B, *memstore.Store) map[string]int {
		return func(b *testing.B, s *memstore.Store) map[string]int {
			hook(b, s, "giant")
			for i := 0; i < n; i += 10_000 {
				fill(b, s, "giant", i, 10_000, base)
			}
			return map[string]int{"giant": 0}
		}
	}
	lanes := func(prepare func(*testing.B, *memstore.Store, string)) func(*testing.B, *memstore.Store) map[string]int {
		return func(b *testing.B, s *memstore.Store) map[string]int {
			for i := range 10_000 {
				prepare(b, s, fmt.Sprintf("wh_%d", i))
			}
			return nil
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(*testing.B, *memstore.Store) map[string]int
	}{
		{"lane of 10,000", giant(10_000)},
		{"lane of 1,000,000", giant(1_000_000)},
		{"10,000 lanes that wait", lanes(func(b *testing.B, s *memstore.Store, id string) {
			hook(b, s, id)
			fill(b, s, id, 0, 1, base.Add(time.Hour))
		})},
		{"10,000 inactive lanes", lanes(func(b *testing.B, s *memstore.Store, id string) {
			if err := s.Create(b.Context(), webhook.Webhook{ID: id, Scope: "bench"}, 0); err != nil {
				b.Fatal(err)
			}
			fill(b, s, id, 0, 1, base)
		})},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, &memstore.Options{MaxDeliveries: 2_000_000})
			room := c.prepare(b, s)
			hook(b, s, "small")
			fill(b, s, "small", 0, 1, base)
			benchmarkClaims(b, s, room)
		})
	}
}

func benchmarkClaims(b *testing.B, s *memstore.Store, room map[string]int) {
	ctx := context.Background()
	c := webhook.Claim{Now: base, Until: base.Add(time.Minute), Limit: 1, PerLane: 4, Room: room}
	if _, err := s.Claim(ctx, webhook.Claim{Now: base, Until: base.Add(1), Limit: 1, PerLane: 1, Room: map[string]int{"small": 0, "wh_1": 0}}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		batch, err := s.Claim(ctx, c)
		if err != nil || len(batch.Deliveries) != 1 {
			b.Fatal(err, len(batch.Deliveries))
		}
		d := batch.Deliveries[0]
		if _, err := s.Settle(ctx, []webhook.Settlement{{ID: d.ID, Lease: d.Lease, Due: base}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCycle is the life of a delivery: Enqueue, Claim and Settle, in batches.
func BenchmarkCycle(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			ctx := context.Background()
			s := open(b, nil)
			hook(b, s, "wh_1")
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				ds := make([]webhook.Delivery, size)
				for i := range ds {
					ds[i] = delivery(n, "wh_1", base)
					ds[i].Body = []byte(`{"trigger":"taskSuccess"}`)
					n++
				}
				b.StartTimer()
				if _, err := s.Enqueue(ctx, ds); err != nil {
					b.Fatal(err)
				}
				batch, err := s.Claim(ctx, webhook.Claim{Now: base, Until: base.Add(time.Minute), Limit: size, PerLane: size})
				if err != nil || len(batch.Deliveries) != size {
					b.Fatal(err, len(batch.Deliveries))
				}
				ss := make([]webhook.Settlement, size)
				for i, d := range batch.Deliveries {
					ss[i] = webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StateDelivered,
						Result: &webhook.Attempt{Number: 1, Status: 200, Start: base, Duration: time.Millisecond}}
				}
				if _, err := s.Settle(ctx, ss); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/delivery")
		})
	}
}

// BenchmarkEnqueue and BenchmarkSettle are the mean cost of one delivery in a batch of 100, with 10,000 pending.
func BenchmarkEnqueue(b *testing.B) { benchmarkSteps(b, true) }
func BenchmarkSettle(b *testing.B)  { benchmarkSteps(b, false) }

func benchmarkSteps(b *testing.B, enqueue bool) {
	const size = 100
	ctx := context.Background()
	s := open(b, nil)
	hook(b, s, "wh_1")
	fill(b, s, "wh_1", 0, 10_000, base)
	n := 10_000
	timed := func(on bool) {
		if on {
			b.StartTimer()
		} else {
			b.StopTimer()
		}
	}
	body := []byte(`{"trigger":"taskSuccess"}`)
	for b.Loop() {
		b.StopTimer()
		ds := make([]webhook.Delivery, size)
		for i := range ds {
			ds[i] = delivery(n, "wh_1", base)
			ds[i].Body = body
			n++
		}
		timed(enqueue)
		_, err := s.Enqueue(ctx, ds)
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		batch, err := s.Claim(ctx, webhook.Claim{Now: base, Until: base.Add(time.Minute), Limit: size, PerLane: size})
		if err != nil {
			b.Fatal(err)
		}
		ss := make([]webhook.Settlement, size)
		for i, d := range batch.Deliveries {
			ss[i] = webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StateDelivered,
				Result: &webhook.Attempt{Number: 1, Status: 200, Start: base, Duration: time.Millisecond}}
		}
		timed(!enqueue)
		_, err = s.Settle(ctx, ss)
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/delivery")
}

// TestMemoryPerDelivery proves that 10,000 pending deliveries take at most 5 MB beyond their bodies.
func TestMemoryPerDelivery(t *testing.T) { // not parallel: it measures the heap
	const n = 10_000
	s := open(t, nil)
	for i := range 10 {
		hook(t, s, fmt.Sprintf("wh_%d", i))
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range n {
		d := delivery(i, fmt.Sprintf("wh_%d", i%10), base)
		if _, err := s.Enqueue(t.Context(), []webhook.Delivery{d}); err != nil {
			t.Fatal(err)
		}
	}
	used := heap() - before
	t.Logf("%d bytes per pending delivery", used/n)
	if used > 5<<20 {
		t.Errorf("%d pending deliveries take %d bytes beyond their bodies, want at most %d", n, used, 5<<20)
	}
	runtime.KeepAlive(s)
}
