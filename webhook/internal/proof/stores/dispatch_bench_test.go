package stores_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

var benchTask = payload.TaskSuccess{ProcessID: "0b9d4f0e-7c55-4cf0-9d7e-2f5f4f1f6c11", Name: "Nightly cleanup", ActionTypes: []string{"archive", "notify"},
	DeepLink: "https://app.example.com/runs/" + strings.Repeat("0123456789", 24) + "abcdefghijk"}

// dispatcher returns a Dispatcher of a host with one webhook. Its pool keeps 16 connections, like a
// busy host's, because the default of database/sql keeps only two.
func dispatcher(b *testing.B, db database) (d *webhook.Dispatcher, pool *sql.DB, events func(n int) []payload.Event) {
	b.Helper()
	newField(b, db, "postrider_", 1).hooks("m", 1, true)
	pool = db.open(b)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	store, err := sqlstore.New(pool, db.dialect, nil)
	if err != nil {
		b.Fatal(err)
	}
	if d, err = webhook.New(store, webhook.Standard(), nil); err != nil {
		b.Fatal(err)
	}
	var last atomic.Int64
	return d, pool, func(n int) []payload.Event {
		es := make([]payload.Event, n)
		for i := range es {
			if es[i], err = payload.New("acme", benchTask, payload.WithID(fmt.Sprintf("evt_%022d", last.Add(1)))); err != nil {
				panic(err) // the event is the same each time, so the first one fails already
			}
		}
		return es
	}
}

// dispatched dispatches events and fails where one of them is not stored.
func dispatched(b *testing.B, d *webhook.Dispatcher, es []payload.Event) {
	r, err := d.Dispatch(b.Context(), es...)
	if err != nil {
		b.Error(err)
		return
	}
	for _, e := range r.Events {
		if e.Added != 1 {
			b.Errorf("an event was stored for %d webhooks, want 1", e.Added)
		}
	}
}

// BenchmarkDispatchShared compares Dispatch calls of one event from 64 goroutines with those of one
// goroutine, to measure shared transactions. SQLite runs with synchronous=FULL, its default.
func BenchmarkDispatchShared(b *testing.B) {
	const span = 300 * time.Millisecond
	eachB(b, "64-goroutines", func(b *testing.B, db database) {
		d, _, events := dispatcher(b, db)
		rate := func(goroutines int) float64 {
			var n atomic.Int64
			var wg sync.WaitGroup
			began := time.Now()
			for range goroutines {
				wg.Go(func() {
					for time.Since(began) < span && !b.Failed() {
						dispatched(b, d, events(1))
						n.Add(1)
					}
				})
			}
			wg.Wait()
			return float64(n.Load()) / time.Since(began).Seconds()
		}
		rate(1) // connections, statements
		rate(64)
		var ratios, one, many []float64
		round := func() {
			one = append(one, rate(1))
			many = append(many, rate(64))
			ratios = append(ratios, many[len(many)-1]/one[len(one)-1])
		}
		for b.Loop() {
			round()
		}
		for len(ratios) < 5 {
			round()
		}
		b.ReportMetric(median(ratios), "x-one")
		b.ReportMetric(median(one), "one/s")
		b.ReportMetric(median(many), "many/s")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkDispatchBulk compares a Dispatch of 1,000 events with a bare INSERT of rows of the same
// length into the same table, from arrays that were made before the clock started. They take turns
// in going first.
func BenchmarkDispatchBulk(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		d, pool, events := dispatcher(b, newPostgres(b))
		const bare = `INSERT INTO postrider_delivery (id, scope, event, webhook, hook, type, body, due, created, queued)
SELECT * FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::int8[], $6::text::text[],
 $7::text::bytea[], $8::text::int8[], $9::text::int8[], $10::text::int8[])`
		var store, direct []time.Duration
		n := 0
		pair := func() {
			es := events(1000)
			args := bareRows(es)
			turns := []func(){
				func() {
					began := time.Now()
					if _, err := pool.Exec(bare, args...); err != nil {
						b.Fatal(err)
					}
					direct = append(direct, time.Since(began))
				},
				func() {
					began := time.Now()
					dispatched(b, d, es)
					store = append(store, time.Since(began))
				},
			}
			turns[n%2]()
			turns[1-n%2]()
			n++
		}
		for range 3 { // connections, statements
			pair()
		}
		store, direct = nil, nil
		for b.Loop() {
			pair()
		}
		for len(store) < 30 {
			pair()
		}
		b.ReportMetric(float64(median(direct))/float64(median(store)), "x-bare")
		b.ReportMetric(1000/median(store).Seconds(), "rows/s")
		b.ReportMetric(1000/median(direct).Seconds(), "bare-rows/s")
		b.ReportMetric(0, "ns/op")
	})
}

// bareRows are the arrays of a bare INSERT: the rows of a Dispatch of the events, under other
// names.
func bareRows(es []payload.Event) []any {
	same := func(s string) string { return "{" + strings.Repeat(s+",", len(es)-1) + s + "}" }
	ids := make([]string, len(es))
	bodies := make([]string, len(es))
	for i, e := range es {
		ids[i] = strings.Replace(e.ID, "evt", "raw", 1)
		bodies[i] = fmt.Sprintf(`"\\x%x"`, e.Body)
	}
	id, at := "{"+strings.Join(ids, ",")+"}", same(fmt.Sprint(now().UnixMicro()))
	hook := same(fmt.Sprintf("wh_m_%016d", 0))
	return []any{id, same("acme"), id, hook, same("1"), same("taskSuccess"), "{" + strings.Join(bodies, ",") + "}", at, at, at}
}
