package stores_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// BenchmarkCycle measures the Store's work for successful deliveries: a claim and a settlement of
// 100, from ten webhooks. The CPU time excludes PostgreSQL's own processes.
func BenchmarkCycle(b *testing.B) {
	eachB(b, "100", func(b *testing.B, d database) {
		f := newField(b, d, "postrider_", 100)
		hooks := f.hooks("m", 10, true)
		f.take(hooks, 20_000, now().Add(-time.Hour))
		var claim, settle, busy time.Duration
		rows := 0
		for b.Loop() {
			at := now()
			used := cpuTime()
			began := time.Now()
			f.lease++
			c := webhook.Claim{Now: at, Until: at.Add(leaseTime), Lease: at.UnixMicro()<<11 + f.lease}
			for _, l := range f.lanes {
				c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: l, Most: 10})
			}
			batch, err := f.store.Claim(b.Context(), c)
			claim += time.Since(began)
			if err != nil {
				b.Fatal(err)
			}
			ss := make([]webhook.Settlement, len(batch.Deliveries))
			for i, d := range batch.Deliveries {
				ss[i] = webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered, Due: at,
					Result: &webhook.Attempt{Number: 1, Status: 200, Start: at, Duration: time.Millisecond, Snippet: "ok"}}
			}
			began = time.Now()
			if _, err := f.store.Settle(b.Context(), ss); err != nil {
				b.Fatal(err)
			}
			settle += time.Since(began)
			busy += cpuTime() - used
			if rows += len(ss); len(ss) < 100 {
				f.fill(hooks, 20_000, now().Add(-time.Hour))
			}
		}
		b.ReportMetric(float64(rows)/(claim+settle).Seconds(), "rows/s")
		b.ReportMetric(float64(busy.Nanoseconds())/1000/float64(rows), "cpu-us/row")
		b.ReportMetric(float64(claim.Microseconds())/float64(b.N), "us-claim")
		b.ReportMetric(float64(settle.Microseconds())/float64(b.N), "us-settle")
		b.ReportMetric(0, "ns/op")
	})
}

// cpuTime is the CPU time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHandOff measures the Store's work for deliveries that are sent at once: 40 are stored as
// held, and settled a little later. "log-bytes/row" is PostgreSQL's write-ahead log.
func BenchmarkHandOff(b *testing.B) {
	eachB(b, "40", func(b *testing.B, d database) {
		f := newField(b, d, "postrider_", 40)
		hooks := f.hooks("m", 10, true)
		db := d.open(b)
		logged := func() (n float64) {
			if d.dialect == sqlstore.PostgreSQL {
				if err := db.QueryRow(`SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn`).Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
			return n
		}
		var pending [][]webhook.Delivery
		var enqueue, settle time.Duration
		rows := 0
		before := logged()
		for b.Loop() {
			ds := make([]webhook.Delivery, 40)
			f.lease++
			at := now()
			for i := range ds {
				ds[i] = f.delivery(hooks[i%len(hooks)], at)
				ds[i].Held, ds[i].Lease, ds[i].Due = true, at.UnixMicro()<<11+f.lease, at.Add(leaseTime)
			}
			began := time.Now()
			if _, err := f.store.Enqueue(b.Context(), ds); err != nil {
				b.Fatal(err)
			}
			enqueue += time.Since(began)
			if pending = append(pending, ds); len(pending) < 3 {
				continue
			}
			ss := make([]webhook.Settlement, len(pending[0]))
			for i, d := range pending[0] {
				ss[i] = webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered, Due: at,
					Result: &webhook.Attempt{Number: 1, Status: 200, Start: at, Duration: time.Millisecond, Snippet: "ok"}}
			}
			pending = pending[1:]
			began = time.Now()
			if lost, err := f.store.Settle(b.Context(), ss); err != nil || len(lost) > 0 {
				b.Fatal(lost, err)
			}
			settle += time.Since(began)
			rows += len(ss)
		}
		n := float64(max(rows, 1))
		b.ReportMetric(float64(rows)/(enqueue+settle).Seconds(), "rows/s")
		b.ReportMetric(float64(enqueue.Microseconds())/float64(b.N), "us-enqueue")
		b.ReportMetric(float64(settle.Microseconds())/float64(b.N), "us-settle")
		if d.dialect == sqlstore.PostgreSQL {
			b.ReportMetric((logged()-before)/n, "log-bytes/row")
		}
		b.ReportMetric(0, "ns/op")
	})
}
