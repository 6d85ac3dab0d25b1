package main

import (
	"context"
	"fmt"
	"strings"
)

// backlogPart runs the benchmarks of the SQL Stores: claims beside backlogs of every shape, each in
// turn with claims of 10,000 rows, and Dispatch against a bare INSERT.
func backlogPart(ctx context.Context, l *lab) error {
	most := l.mostRows()
	t := &table{title: "Backlog", note: "The median of a claim, in turns with that of a claim of 10,000 rows of 100 webhooks. million: so many rows of 100 webhooks; skipped: 10,000 rows of 100 webhooks beside so many of one that may have nothing; lanes: a webhook for every 100 rows; waiting: 10 ready among 10,000 that wait; inactive: 10 ready among 5,000 inactive webhooks.",
		head: []string{"situation", "rows", "to the baseline", "claim µs", "baseline µs"}}
	for _, size := range []struct {
		rows int
		what string
	}{{10_000, "(million|skipped)"}, {100_000, "(million|skipped)"}, {most, "(million|skipped|lanes|waiting|inactive)"}} {
		if l.quick {
			if size.rows != most {
				continue
			}
			size.what = "(million|skipped|lanes)"
		}
		found, err := goBench(ctx, l.root, "webhook/internal/proof/stores", "-bench", "^BenchmarkClaim$/.*/^"+size.what+"$", "-benchtime", "1x", "-timeout", "60m", ".",
			"-claim.rows", fmt.Sprint(size.rows))
		if err != nil {
			return err
		}
		for _, r := range found {
			r.name = strings.TrimPrefix(r.name, "Claim/")
			t.add(r.name, fmt.Sprint(size.rows), r.spread("x-baseline"), r.spread("us-claim"), r.spread("us-baseline"))
			r.name = claimName(r.name, size.rows)
			l.claims = append(l.claims, r)
		}
	}
	found, err := goBench(ctx, l.root, "webhook/internal/proof/stores", "-bench", `^Benchmark(ClaimSweep|ClaimOldSnapshot|DispatchBulk|DispatchShared)$`,
		"-benchtime", pick(l, "1x", "3x"), "-timeout", "60m", ".", "-claim.rows", pick(l, "200000", "1000000"))
	if err != nil {
		return err
	}
	l.claims = append(l.claims, found...)
	t.print(l.out)
	t = &table{title: "Stores", note: "x-first: last claims to first ones, while a snapshot from before stays open; x-bare: deliveries/s of a Dispatch of 1,000 events to those of a bare INSERT from arrays; x-one: Dispatch calls of one event from 64 goroutines to those of one.",
		head: []string{"benchmark", "figure", "value"}}
	for _, r := range found {
		for _, unit := range []string{"ms/sweep", "x-first", "x-bare", "x-one", "rows/s", "bare-rows/s", "one/s", "many/s"} {
			if _, ok := r.metric(unit); ok {
				t.add(r.name, unit, r.spread(unit))
			}
		}
	}
	t.print(l.out)
	return nil
}

// mostRows is the size of a large backlog.
func (l *lab) mostRows() int { return pick(l, 30_000, 1_000_000) }

// claimName is the name of the result of a claim beside so many rows.
func claimName(situation string, rows int) string { return fmt.Sprintf("Claim/%s/%d", situation, rows) }
