package stores_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// BenchmarkEnqueueShared compares single Enqueue calls from 64 goroutines with those of
// one: what sharing transactions brings. SQLite runs with synchronous=FULL, its default.
func BenchmarkEnqueueShared(b *testing.B) {
	eachB(b, "64-goroutines", func(b *testing.B, d database) {
		f := newField(b, d, "postrider_", 1)
		hook := f.hooks("m", 1, true)[0]
		var mu sync.Mutex
		rate := func(goroutines int, span time.Duration) float64 {
			began, n := time.Now(), 0
			var wg sync.WaitGroup
			for range goroutines {
				wg.Go(func() {
					for time.Since(began) < span {
						mu.Lock()
						dl := f.delivery(hook, now())
						n++
						mu.Unlock()
						if _, err := f.store.Enqueue(b.Context(), []webhook.Delivery{dl}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			return float64(n) / time.Since(began).Seconds()
		}
		rate(1, 100*time.Millisecond)
		var one, many, rounds float64
		for b.Loop() {
			one += rate(1, 200*time.Millisecond)
			many += rate(64, 200*time.Millisecond)
			rounds++
		}
		b.ReportMetric(many/one, "x-one")
		b.ReportMetric(one/rounds, "one/s")
		b.ReportMetric(many/rounds, "many/s")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkEnqueueBulk compares an Enqueue of 1,000 with a bare INSERT of the same rows
// into the same table, from arrays that were made before.
func BenchmarkEnqueueBulk(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		d := newPostgres(b)
		f := newField(b, d, "postrider_", 1)
		hook := f.hooks("m", 1, true)[0]
		db := d.open(b)
		const bare = `INSERT INTO postrider_delivery (id, scope, event, webhook, queue, type, body, due, created, queued)
SELECT * FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::text[],
 $7::text::bytea[], $8::text::int8[], $9::text::int8[], $10::text::int8[])`
		list := func(s string, n int) string { return "{" + strings.Repeat(s+",", n-1) + s + "}" }
		var store, direct []time.Duration
		pair := func() {
			ds := make([]webhook.Delivery, 1000)
			ids := make([]string, len(ds))
			for i := range ds {
				ds[i] = f.delivery(hook, now())
				ids[i] = strings.Replace(ds[i].ID, "dlv", "raw", 1)
			}
			id, hooks, at := "{"+strings.Join(ids, ",")+"}", list(hook, len(ids)), list(fmt.Sprint(now().UnixMicro()), len(ids))
			args := []any{id, list("acme", len(ids)), id, hooks, hooks, list("taskSuccess", len(ids)),
				list(fmt.Sprintf(`"\\\\x%x"`, benchBody), len(ids)), at, at, at}
			began := time.Now()
			if _, err := db.Exec(bare, args...); err != nil {
				b.Fatal(err)
			}
			middle := time.Now()
			if _, err := f.store.Enqueue(b.Context(), ds); err != nil {
				b.Fatal(err)
			}
			store, direct = append(store, time.Since(middle)), append(direct, middle.Sub(began))
		}
		for b.Loop() {
			pair()
		}
		for len(store) < 20 {
			pair()
		}
		b.ReportMetric(float64(median(direct))/float64(median(store)), "x-bare")
		b.ReportMetric(1000/median(store).Seconds(), "rows/s")
		b.ReportMetric(0, "ns/op")
	})
}
