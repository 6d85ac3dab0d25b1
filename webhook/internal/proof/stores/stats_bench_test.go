package stores_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// pile copies the one row that webhooks have: a third of the copies wait for a retry.
func (f *field) pile(d database, hooks, rows int) {
	f.b.Helper()
	numbers := `generate_series(1, $1) AS g(n)`
	with := ``
	if d.driver == "sqlite" {
		with, numbers = `WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < $1) `, `g`
	}
	_, err := d.open(f.b).ExecContext(f.b.Context(), with+`INSERT INTO stats_delivery (hook, created, queued, due, was, tries, id, scope, event, webhook, class, type, extra, body)
 SELECT d.hook, d.created + g.n, d.queued + g.n, d.due + g.n, d.was, CASE WHEN g.n % 3 = 0 THEN 1 ELSE 0 END, d.id || '_' || g.n, d.scope, d.event || '_' || g.n,
  d.webhook, d.class, d.type, d.extra, d.body FROM stats_delivery d, `+numbers, rows/hooks-1)
	if err != nil {
		f.b.Fatal(err)
	}
	if d.driver == "pgx" {
		if _, err := d.open(f.b).ExecContext(f.b.Context(), `VACUUM ANALYZE stats_delivery`); err != nil {
			f.b.Fatal(err)
		}
	}
}

// seed enqueues one row for each webhook.
func (f *field) seed(hooks []string, due time.Time) {
	f.b.Helper()
	for batch := range slices.Chunk(hooks, 1000) {
		ds := make([]webhook.Delivery, len(batch))
		for i, hook := range batch {
			ds[i] = f.delivery(hook, due.Add(time.Duration(i)*time.Second))
		}
		if _, err := f.store.Enqueue(f.b.Context(), ds); err != nil {
			f.b.Fatal(err)
		}
	}
}

// BenchmarkStats reads statistics of a Store in which -claim.rows deliveries wait. An operator
// reads Totals then, so it has a second.
func BenchmarkStats(b *testing.B) {
	for name, c := range map[string]struct {
		hooks    int
		inactive int // the oldest of them
	}{"100 webhooks": {100, 0}, "the oldest are inactive": {100, 50}, "10000 webhooks": {10_000, 0}} {
		b.Run(name, func(b *testing.B) {
			for _, dialect := range []string{"sqlite", "postgres"} {
				b.Run(dialect, func(b *testing.B) {
					d := newSQLite(b)
					if dialect == "postgres" {
						d = newPostgres(b)
					}
					f := newField(b, d, "stats_", 1)
					hooks := f.hooks("off", c.inactive, false)
					for i := c.inactive; i < c.hooks; i++ {
						hooks = append(hooks, fmt.Sprintf("wh_gone_%06d", i)) // equivalent to one that receives
					}
					f.seed(hooks, now().Add(-24*time.Hour))
					f.pile(d, c.hooks, *claimRows)
					f.measure(b, c.inactive)
				})
			}
		})
	}
}

func (f *field) measure(b *testing.B, inactive int) {
	at := now()
	timed := func(what string, call func() error) time.Duration {
		b.Helper()
		var all []time.Duration
		for range 9 {
			began := time.Now()
			if err := call(); err != nil {
				b.Fatal(what, err)
			}
			all = append(all, time.Since(began))
		}
		b.ReportMetric(float64(median(all).Microseconds())/1000, "ms-"+what)
		return median(all)
	}
	var t webhook.Totals
	if took := timed("totals", func() (err error) { t, err = f.store.Totals(b.Context(), at); return err }); took > time.Second {
		b.Errorf("Totals takes %v, want less than a second", took)
	}
	full := webhook.CountOf(webhook.CountLimit + 1)
	if *claimRows >= 1_000_000 && (t.Pending != full || t.Retrying != full || t.Webhooks != inactive || t.Inactive != inactive || t.OldestDue.IsZero()) {
		b.Errorf("totals %+v", t)
	}
	for what, order := range map[string]webhook.BacklogOrder{"oldest": webhook.BacklogOldest, "largest": webhook.BacklogLargest} {
		timed(what, func() error {
			bs, _, err := f.store.Backlog(b.Context(), webhook.BacklogQuery{Order: order})
			if len(bs) != 50 {
				b.Errorf("a page of %d", len(bs))
			}
			return err
		})
	}
	b.ReportMetric(0, "ns/op")
}
