package memstore_test

import (
	"context"
	"errors"
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
		ID: "dlv_" + event + hook, EventID: event, WebhookID: hook, Scope: "bench", Type: "taskSuccess",
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

// laneOf is the lane of a webhook of the benchmarks.
func laneOf(hook string) webhook.Lane { return webhook.Lane{Scope: "bench", WebhookID: hook} }

// BenchmarkClaimAndRelease claims one delivery among n and releases it.
func BenchmarkClaimAndRelease(b *testing.B) {
	for _, n := range []int{1, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, &memstore.Options{MaxDeliveries: 1_000_000})
			hook(b, s, "wh_1")
			fill(b, s, "wh_1", 0, n, base)
			ctx := context.Background()
			c := claimOf(base, 1, laneOf("wh_1"))
			b.ReportAllocs()
			for b.Loop() {
				c.Lease++
				batch, err := s.Claim(ctx, c)
				if err != nil || len(batch.Deliveries) != 1 {
					b.Fatal(err, len(batch.Deliveries))
				}
				d := batch.Deliveries[0]
				if _, err := s.Settle(ctx, []webhook.Settlement{{ID: d.ID, Scope: d.Scope, Lease: d.Lease, Due: d.Due}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDue asks for the due lanes: one lane beside a backlog of a million in another, one
// beside many that wait or are inactive, and 10,000 due lanes, with and without Since.
func BenchmarkDue(b *testing.B) {
	many := func(due time.Time, active bool) func(*testing.B, *memstore.Store) {
		return func(b *testing.B, s *memstore.Store) {
			for i := range 10_000 {
				id := fmt.Sprintf("wh_%d", i)
				if err := s.Create(b.Context(), webhook.Webhook{ID: id, Scope: "bench", Active: active}, 0); err != nil {
					b.Fatal(err)
				}
				fill(b, s, id, 0, 1, due)
			}
		}
	}
	for _, c := range []struct {
		name    string
		since   time.Time
		lanes   int
		prepare func(*testing.B, *memstore.Store)
	}{
		{"beside a lane of 1,000,000", time.Time{}, 2, func(b *testing.B, s *memstore.Store) {
			hook(b, s, "giant")
			for i := 0; i < 1_000_000; i += 10_000 {
				fill(b, s, "giant", i, 10_000, base)
			}
		}},
		{"beside 10,000 lanes that wait", time.Time{}, 1, many(base.Add(time.Hour), true)},
		{"beside 10,000 inactive lanes", time.Time{}, 1, many(base, false)},
		{"10,000 lanes", time.Time{}, 10_001, many(base, true)},
		{"10,000 lanes with Since", base.Add(time.Second), 1, many(base, true)},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, &memstore.Options{MaxDeliveries: 8_000_000})
			c.prepare(b, s)
			hook(b, s, "small")
			now := base.Add(2 * time.Second)
			fill(b, s, "small", 0, 1, now)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for q := (webhook.DueQuery{Now: now, Since: c.since, Limit: 500}); ; {
					p, err := s.Due(ctx, q)
					if err != nil {
						b.Fatal(err)
					}
					found += len(p.Lanes)
					if q.Cursor = p.Cursor; q.Cursor == "" {
						break
					}
					q.Now = q.Now.Add(time.Microsecond)
				}
				if found != c.lanes {
					b.Fatalf("%d lanes, want %d", found, c.lanes)
				}
			}
		})
	}
}

// BenchmarkMarkFull is a Mark that is refused, and one that replaces an expired mark, while the Store
// holds as many marks as it may.
func BenchmarkMarkFull(b *testing.B) {
	const most = 100_000
	s := open(b, &memstore.Options{MaxMarks: most})
	mark := func(i int, want error) {
		until := base.Add(time.Duration(i) * time.Second)
		if _, err := s.Mark(context.Background(), fmt.Sprint(i%8), fmt.Sprint(i), until.Add(-most*time.Second), until); !errors.Is(err, want) {
			b.Fatal(err)
		}
	}
	for i := range most {
		mark(i, nil)
	}
	b.ReportAllocs()
	i := most
	for b.Loop() {
		_, err := s.Mark(context.Background(), "0", "refused", base.Add(-time.Hour), base)
		if !errors.Is(err, webhook.ErrFull) {
			b.Fatal(err)
		}
		mark(i, nil)
		i++
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
			c := claimOf(base, size, laneOf("wh_1"))
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
				c.Lease++
				batch, err := s.Claim(ctx, c)
				if err != nil || len(batch.Deliveries) != size {
					b.Fatal(err, len(batch.Deliveries))
				}
				ss := make([]webhook.Settlement, size)
				for i, d := range batch.Deliveries {
					ss[i] = webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered,
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
		batch, err := s.Claim(ctx, claimOf(base, size, laneOf("wh_1")))
		if err != nil {
			b.Fatal(err)
		}
		ss := make([]webhook.Settlement, size)
		for i, d := range batch.Deliveries {
			ss[i] = webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered,
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
