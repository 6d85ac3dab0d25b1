package stores_test

import (
	"cmp"
	"database/sql"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// The claim benchmarks compare a claim in a hard situation with one on 10,000 rows of 100 webhooks,
// in turns, and print the ratio of the medians as "x-baseline". -claim.rows scales them down: the
// documented size is 1000000.
var claimRows = flag.Int("claim.rows", 1_000_000, "rows of the large situations in the claim benchmarks")

const (
	baselineRows = 10_000
	leaseTime    = time.Minute
	fewestPairs  = 100
	perLane      = 4 // limit of a lane in a claim
)

// field is a Store filled for a benchmark. Claimed deliveries are settled and replaced.
type field struct {
	b     testing.TB
	store *sqlstore.Store
	next  int
	lease int64
	limit int            // rows of a claim
	lanes []webhook.Lane // claimed in turns
}

func newField(b testing.TB, d database, prefix string, limit int) *field {
	b.Helper()
	s := d.migrated(b, &sqlstore.Options{Prefix: prefix})
	return &field{b: b, store: s, limit: limit}
}

func now() time.Time { return time.Now().Truncate(time.Microsecond) }

func laneOf(hook string) webhook.Lane { return webhook.Lane{Scope: "acme", WebhookID: hook} }

func lanesOf(hooks []string) (lanes []webhook.Lane) {
	for _, h := range hooks {
		lanes = append(lanes, laneOf(h))
	}
	return lanes
}

// hooks makes webhooks in their own scope.
func (f *field) hooks(prefix string, n int, active bool) []string {
	f.b.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("wh_%s_%016d", prefix, i)
		w := webhook.Webhook{ID: ids[i], Scope: "acme", Name: ids[i], URL: "https://example.com/" + ids[i], Active: active,
			Events: []string{"taskSuccess"}, Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef0123456789abcdef")}}
		if err := f.store.Create(f.b.Context(), w, 0); err != nil {
			f.b.Fatal(err)
		}
	}
	return ids
}

// fill enqueues rows, one webhook after the other, due at a time.
func (f *field) fill(hooks []string, rows int, due time.Time) {
	f.b.Helper()
	const batch = 1000
	for done := 0; done < rows; done += batch {
		ds := make([]webhook.Delivery, 0, batch)
		for i := done; i < min(done+batch, rows); i++ {
			ds = append(ds, f.delivery(hooks[i%len(hooks)], due.Add(time.Duration(i)*time.Microsecond/10)))
		}
		if _, err := f.store.Enqueue(f.b.Context(), ds); err != nil {
			f.b.Fatal(err)
		}
	}
}

var benchBody = []byte(`{"trigger":"taskSuccess","data":"` + strings.Repeat("x", 394) + `"}`)

func (f *field) delivery(hook string, due time.Time) webhook.Delivery {
	f.next++
	event := fmt.Sprintf("evt_%022d", f.next)
	return webhook.Delivery{ID: webhook.DeliveryID("acme", event, hook), EventID: event, WebhookID: hook,
		Scope: "acme", Type: "taskSuccess", Body: benchBody, Due: due, CreatedAt: due, QueuedAt: due}
}

// claim returns the next claim of the field: of the next lanes.
func (f *field) claim(at time.Time) webhook.Claim {
	f.lease++
	c := webhook.Claim{Now: at, Until: at.Add(leaseTime), Lease: at.UnixMicro()<<11 + f.lease}
	most := min(perLane, (f.limit+len(f.lanes)-1)/len(f.lanes))
	for range min(f.limit/most, len(f.lanes)) {
		c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: f.lanes[0], Most: most})
		f.lanes = append(f.lanes[1:], f.lanes[0])
	}
	return c
}

// once claims, and returns the time of the claim. Then it settles and replaces.
func (f *field) once() time.Duration {
	f.b.Helper()
	ctx := f.b.Context()
	at := now()
	c := f.claim(at)
	began := time.Now()
	batch, err := f.store.Claim(ctx, c)
	took := time.Since(began)
	if err != nil {
		f.b.Fatal(err)
	}
	if len(batch.Deliveries) != f.limit {
		f.b.Fatalf("claimed %d, want %d", len(batch.Deliveries), f.limit)
	}
	ss := make([]webhook.Settlement, f.limit)
	ds := make([]webhook.Delivery, f.limit)
	for i, d := range batch.Deliveries {
		at := now()
		ss[i] = webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered, Due: at,
			Result: &webhook.Attempt{Number: 1, Status: 200, Start: at}}
		ds[i] = f.delivery(d.WebhookID, at)
	}
	if lost, err := f.store.Settle(ctx, ss); err != nil || len(lost) > 0 {
		f.b.Fatal(lost, err)
	}
	if _, err := f.store.Enqueue(ctx, ds); err != nil {
		f.b.Fatal(err)
	}
	return took
}

func baseline(b *testing.B, d database, limit int) *field {
	f := newField(b, d, "base_", limit)
	hooks := f.hooks("base", 100, true)
	f.lanes = lanesOf(hooks)
	f.fill(hooks, baselineRows, now().Add(-time.Hour))
	return f
}

func median[T cmp.Ordered](list []T) T {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

// compare runs claims on both, in turns.
func compare(b *testing.B, base, hard *field) {
	var baseTimes, hardTimes []time.Duration
	pair := func() {
		baseTimes = append(baseTimes, base.once())
		hardTimes = append(hardTimes, hard.once())
	}
	for range 20 { // caches, plans
		pair()
	}
	baseTimes, hardTimes = nil, nil
	for b.Loop() {
		pair()
	}
	for len(hardTimes) < fewestPairs {
		pair()
	}
	p50, p50Base := median(hardTimes), median(baseTimes)
	b.ReportMetric(float64(p50)/float64(p50Base), "x-baseline")
	b.ReportMetric(float64(p50Base.Microseconds()), "us-baseline")
	b.ReportMetric(float64(p50.Microseconds()), "us-claim")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkClaim(b *testing.B) {
	ago := now().Add(-time.Hour)
	situations := []struct {
		name string
		rows int // limit of a claim
		fill func(f *field)
	}{
		{"million", 64, func(f *field) { f.take(f.hooks("m", 100, true), *claimRows, ago) }},
		{"skipped", 64, func(f *field) {
			f.fill(f.hooks("giant", 1, true), *claimRows, ago.Add(-time.Hour))
			f.take(f.hooks("m", 100, true), baselineRows, ago)
		}},
		{"lanes", 64, func(f *field) { f.take(f.hooks("m", *claimRows/100, true), *claimRows, ago) }},
		{"waiting", 10, func(f *field) {
			f.fill(f.hooks("later", 10_000, true), 10_000, now().Add(24*time.Hour))
			f.take(f.hooks("ready", 10, true), 10, ago)
		}},
		{"inactive", 10, func(f *field) {
			f.fill(f.hooks("off", 5_000, false), 50_000, ago.Add(-time.Hour))
			f.take(f.hooks("ready", 10, true), 10, ago)
		}},
	}
	for _, s := range situations {
		eachB(b, s.name, func(b *testing.B, d database) {
			base := baseline(b, d, s.rows)
			hard := newField(b, d, "hard_", s.rows)
			s.fill(hard)
			compare(b, base, hard)
		})
	}
}

// take fills lanes and claims from them later.
func (f *field) take(hooks []string, rows int, due time.Time) {
	f.lanes = append(f.lanes, lanesOf(hooks)...)
	f.fill(hooks, rows, due)
}

// BenchmarkDue lists all lanes, a page after the other.
func BenchmarkDue(b *testing.B) {
	for name, fill := range map[string]func(f *field){
		"100-lanes":   func(f *field) { f.take(f.hooks("m", 100, true), *claimRows/10, now().Add(-time.Hour)) },
		"10000-lanes": func(f *field) { f.take(f.hooks("m", 10_000, true), *claimRows/10, now().Add(-time.Hour)) },
		"10000-waiting": func(f *field) {
			f.fill(f.hooks("later", 10_000, true), 10_000, now().Add(24*time.Hour))
			f.take(f.hooks("ready", 10, true), 10, now().Add(-time.Hour))
		},
	} {
		eachB(b, name, func(b *testing.B, d database) {
			f := newField(b, d, "hard_", 64)
			fill(f)
			for b.Loop() {
				f.walk(webhook.DueQuery{Now: now(), Limit: 500})
			}
			whole := b.Elapsed()
			began := time.Now()
			for range 100 {
				f.walk(webhook.DueQuery{Now: now(), Since: now().Add(-2 * time.Second), Limit: 500})
			}
			b.ReportMetric(float64(time.Since(began).Microseconds())/100, "us-since")
			b.ReportMetric(float64(whole.Microseconds())/float64(b.N), "us-all")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func (f *field) walk(q webhook.DueQuery) (lanes []webhook.Lane) {
	f.b.Helper()
	for range 10_000 {
		p, err := f.store.Due(f.b.Context(), q)
		if err != nil {
			f.b.Fatal(err)
		}
		lanes = append(lanes, p.Lanes...)
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return lanes
		}
	}
	f.b.Fatal("a walk over the pages of Due has no end")
	return nil
}

func eachB(b *testing.B, name string, run func(*testing.B, database)) {
	b.Run("sqlite/"+name, func(b *testing.B) { run(b, newSQLite(b)) })
	b.Run("postgres/"+name, func(b *testing.B) { run(b, newPostgres(b)) })
}

// BenchmarkClaimOldSnapshot sends a tenth of claim.rows while an older transaction is open, so that
// PostgreSQL cannot clean up, and compares the last claims with the first.
func BenchmarkClaimOldSnapshot(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		d := newPostgres(b)
		f := newField(b, d, "hard_", 64)
		f.take(f.hooks("m", 100, true), baselineRows, now().Add(-time.Hour))
		old, err := d.open(b).BeginTx(b.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		defer old.Rollback() // read only
		if _, err := old.Exec("SELECT count(*) FROM hard_delivery"); err != nil {
			b.Fatal(err)
		}
		var times []time.Duration
		for b.Loop() {
			times = nil
			for n := 0; n < *claimRows/10; n += f.limit {
				times = append(times, f.once())
			}
		}
		window := max(len(times)/10, 1)
		first, last := median(times[:window]), median(times[len(times)-window:])
		b.ReportMetric(float64(last)/float64(first), "x-first")
		b.ReportMetric(float64(first.Microseconds()), "us-first")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkClaimSweep goes through 10,000 webhooks with 10 deliveries each.
func BenchmarkClaimSweep(b *testing.B) {
	eachB(b, "10000-webhooks", func(b *testing.B, d database) {
		f := newField(b, d, "hard_", 64)
		f.fill(f.hooks("m", 10_000, true), 100_000, now().Add(-time.Hour))
		sweep := func() {
			at := now()
			w := webhook.Sweep{Now: at, Gone: true, QueuedBefore: at.Add(-24 * time.Hour), LatestRetry: at.Add(time.Hour), LatestLease: at.Add(time.Hour)}
			for more := true; more; {
				var err error
				if _, more, err = f.store.Sweep(b.Context(), w, 500); err != nil {
					b.Fatal(err)
				}
			}
		}
		began := time.Now()
		sweep()
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/first")
		for b.Loop() {
			sweep()
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/sweep")
		b.ReportMetric(0, "ns/op")
	})
}
