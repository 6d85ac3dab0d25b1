package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// microPart runs the benchmarks of the root module that say what a step costs.
func microPart(ctx context.Context, l *lab) (err error) {
	l.micro, err = goBench(ctx, l.root, ".", "-bench",
		`^(BenchmarkCheckURL|BenchmarkEncode|BenchmarkNew|BenchmarkNext|BenchmarkEnter|BenchmarkStandard|BenchmarkConnectJWT|BenchmarkDispatch|BenchmarkMatcher_\w+|BenchmarkIndex_10000)$`,
		"-benchmem", "-benchtime", pick(l, "100ms", "1s"),
		"./allowlist", "./payload", "./retry", "./limiter", "./webhook/sign", "./webhook", "./webhook/jira/...")
	t := &table{title: "Micro", head: []string{"package", "benchmark", "ns/op", "B/op", "allocs/op"}}
	for _, r := range l.micro {
		t.add(r.pkg, strings.ReplaceAll(r.name, "_", " "), number(r.metrics["ns/op"]), number(r.metrics["B/op"]), number(r.metrics["allocs/op"]))
	}
	t.print(l.out)
	return err
}

// backlogPart runs the benchmarks of the Stores: claims beside backlogs of every shape,
// each interleaved with a baseline of 10,000 rows, and Enqueue against a bare INSERT.
func backlogPart(ctx context.Context, l *lab) error {
	sizes := pick(l, []int{30_000}, []int{10_000, 100_000, 1_000_000})
	t := &table{title: "Backlog", note: "The median of a claim against that of one of 10,000 rows, in turns.",
		head: []string{"situation", "rows", "to the baseline", "claim µs"}}
	for _, rows := range sizes {
		found, err := goBench(ctx, l.root, "examples/stores", "-bench", pick(l, "^BenchmarkClaim$/.*/^(million|skipped)$", "^BenchmarkClaim$"), "-benchtime", "1x", "-timeout", "60m", ".",
			"-claim.rows", fmt.Sprint(rows))
		if err != nil {
			return err
		}
		for _, r := range found {
			t.add(strings.TrimPrefix(r.name, "Claim/"), fmt.Sprint(rows), number(r.metrics["x-baseline"]), number(r.metrics["us-claim"]))
			r.name = fmt.Sprintf("%s/%d", r.name, rows)
			l.claims = append(l.claims, r)
		}
	}
	found, err := goBench(ctx, l.root, "examples/stores", "-bench", `^Benchmark(ClaimSweep|ClaimOldSnapshot|EnqueueBulk|EnqueueShared)$`,
		"-benchtime", "1x", "-timeout", "60m", ".", "-claim.rows", pick(l, "100000", "1000000"))
	if err != nil {
		return err
	}
	l.claims = append(l.claims, found...)
	t.print(l.out)
	t = &table{title: "Stores", head: []string{"benchmark", "figure", "value"}}
	for _, r := range found {
		for _, unit := range []string{"ms/sweep", "x-first", "x-bare", "x-one", "rows/s", "one/s", "many/s"} {
			if v, ok := r.metrics[unit]; ok {
				t.add(r.name, unit, number(v))
			}
		}
	}
	t.print(l.out)
	return nil
}

// plots draws how cost grows with work.
func (l *lab) plots(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	rate := &plot{title: "Deliveries per second by requests in flight", x: "requests in flight", y: "deliveries/s"}
	cost := &plot{title: "CPU of sender and store per 10,000 deliveries", x: "requests in flight", y: "CPU s"}
	for _, c := range allContenders {
		one, two := line{name: c}, line{name: c}
		for _, n := range []int{16, inFlight, 256} {
			if r := l.drained[n][c]; len(r.values(perSecond)) > 0 {
				one.points = append(one.points, [2]float64{float64(n), median(r.values(perSecond))})
				two.points = append(two.points, [2]float64{float64(n), median(r.values(allCPU))})
			}
		}
		rate.lines, cost.lines = append(rate.lines, one), append(cost.lines, two)
	}
	claims := &plot{title: "A claim of 64, by rows that wait", x: "rows", y: "µs"}
	for _, db := range []string{"sqlite", "postgres"} {
		for _, situation := range []string{"million", "skipped", "lanes"} {
			one := line{name: db + ", " + situation}
			for _, rows := range []int{10_000, 30_000, 100_000, 1_000_000} {
				if v, ok := find(l.claims, fmt.Sprintf("Claim/%s/%s/%d", db, situation, rows), "us-claim"); ok {
					one.points = append(one.points, [2]float64{float64(rows), v})
				}
			}
			claims.lines = append(claims.lines, one)
		}
	}
	for name, p := range map[string]*plot{"drain.svg": rate, "cpu.svg": cost, "claims.svg": claims} {
		if p.svg() == "" {
			continue // that part did not run
		}
		if err := p.write(dir + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
