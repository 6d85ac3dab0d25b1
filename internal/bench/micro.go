package main

import (
	"context"
	"strings"
)

// microBench runs the Go benchmarks of single steps.
func (l *lab) microBench(ctx context.Context, benchtime, count string) ([]result, error) {
	results, err := goBench(ctx, l.root, ".", "-bench",
		`^Benchmark(CheckURL|Encode|New|Next|Enter|Dispatch|Matcher_Select10000|Index_10000|Dispatch10000)$`,
		"-benchmem", "-benchtime", benchtime, "-count", count,
		"./allowlist", "./payload", "./retry", "./limiter", "./webhook", "./webhook/jira/...")
	if err != nil {
		return nil, err
	}
	signs, err := goBench(ctx, l.root, "internal/bench", "-bench", "^BenchmarkSign$", "-benchmem", "-benchtime", benchtime, "-count", count, ".")
	return append(results, signs...), err
}

func microPart(ctx context.Context, l *lab) (err error) {
	if l.micro, err = l.microBench(ctx, pick(l, "50ms", "200ms"), pick(l, "3", "5")); err != nil {
		return err
	}
	t := &table{title: "Micro", note: "Of 10,000 webhooks with JQL filters on 1,000 projects ten match: Index 10000 is the look into the index, Matcher Select10000 the choice of the webhooks, Dispatch10000 a whole Dispatch into a Store in memory, its event's encoding included.",
		head: []string{"package", "benchmark", "ns/op", "B/op", "allocs/op"}}
	for _, r := range l.micro {
		t.add(strings.Replace(r.pkg, "internal/bench", "webhook/sign", 1), strings.ReplaceAll(r.name, "_", " "),
			r.spread("ns/op"), r.spread("B/op"), r.spread("allocs/op"))
	}
	t.print(l.out)
	return nil
}
