package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed testdata/guard.json
var guardJSON []byte

// kept is a figure that must not get worse by more than its slack, a share of it.
type kept struct {
	Value float64 `json:"value"`
	Slack float64 `json:"slack"`
	Least bool    `json:"least,omitempty"` // a smaller figure is worse
}

// bound is the worst allowed figure.
func (k kept) bound() float64 {
	if k.Least {
		return k.Value * (1 - k.Slack)
	}
	return k.Value * (1 + k.Slack)
}

// worse reports whether a measured figure is beyond the bound.
func (k kept) worse(measured float64) bool {
	if k.Least {
		return measured < k.bound()
	}
	return measured > k.bound()
}

// better reports whether a measured figure is so much better that the kept one guards nothing any
// more.
func (k kept) better(measured float64) bool {
	if k.Least {
		return measured > k.Value/(1-k.Slack)
	}
	return k.Value > 0 && measured < k.Value/(1+k.Slack)
}

func (k kept) String() string {
	if k.Least {
		return "at least " + number(k.bound())
	}
	return "at most " + number(k.bound())
}

const (
	guardRounds = 3 // enough where no figure is worse
	guardMore   = 4 // more where one is, because the machine may have been busy
)

// guardSlack is the allowed difference of two runs of the same code on a busy machine of two CPUs,
// by the name of a figure.
func guardSlack(key string) float64 {
	switch {
	case strings.HasSuffix(key, microAllocs):
		return 0.05
	case strings.HasPrefix(key, onMemory) && strings.Contains(key, allocs):
		return 0.1
	case strings.Contains(key, walBoth):
		return 0.15 // the number of rows per page varies a little
	case strings.Contains(key, allocs):
		return 0.25 // a busy machine claims fewer at once
	case strings.HasSuffix(key, toRiver):
		return 0.4 // both wait for the same database
	case strings.Contains(key, perClaim), strings.Contains(key, perWrite):
		return 0.4 // the old bound was half of it
	}
	return 0.75 // throughput and CPU time: a store that syncs shares the disk
}

// guardLeast reports whether a smaller figure is worse.
func guardLeast(key string) bool {
	return strings.Contains(key, perSecond) || strings.Contains(key, perClaim) || strings.Contains(key, perWrite)
}

const (
	toNetHTTP   = " to nethttp"
	toRiver     = " to River at its best"
	at500       = " at 500/s"
	microAllocs = "allocs/op"
)

// guard measures figures that hardly depend on the machine or its load, and compares them with
// those in the tree: ratios to nethttp in the same round, and allocations.
func (l *lab) guard(ctx context.Context, update bool) error {
	var want map[string]kept
	if err := json.Unmarshal(guardJSON, &want); err != nil {
		return fmt.Errorf("bench: testdata/guard.json: %w", err)
	}
	measured, err := l.guardMicro(ctx)
	if err != nil {
		return err
	}
	n := guardRounds
	if update {
		n += guardMore
	}
	if err := l.guardDrains(ctx, n, measured); err != nil {
		return err
	}
	if err := l.guardOnce(ctx, measured); err != nil {
		return err
	}
	if update {
		return l.store(measured)
	}
	if compareKept(want, measured).err() != nil {
		if err := l.guardDrains(ctx, guardMore, measured); err != nil {
			return err
		}
	}
	v := compareKept(want, measured)
	v.table.print(l.out)
	return v.err()
}

// guardDrains adds rounds of the drains to measured.
func (l *lab) guardDrains(ctx context.Context, n int, measured map[string][]float64) error {
	var jobs []job
	for _, c := range []string{netHTTP, onMemory, onSQLite, onPostgres, riverBest} {
		j := job{Part: "drain", Contender: c, InFlight: inFlight, PerLane: inFlight / 5, Deliveries: 5_000}
		if slices.Contains(inMemory, c) {
			j.Deliveries = 10_000
		}
		jobs = append(jobs, j)
	}
	results, err := l.drains(ctx, n, jobs)
	if err != nil {
		return err
	}
	add := func(c, name, suffix string, xs []float64) {
		key := c + ": " + name + suffix
		measured[key] = append(measured[key], xs...)
	}
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		if len(results[c].values(perSecond)) == 0 {
			return fmt.Errorf("bench: guard: %s delivered nothing; see above", c)
		}
		for _, name := range []string{perSecond, allCPU, allocs} {
			add(c, name, toNetHTTP, results[c].ratios(results[netHTTP], name))
		}
		for _, name := range []string{perClaim, perWrite} {
			add(c, name, "", results[c].values(name))
		}
	}
	add(onPostgres, perSecond, toRiver, results[onPostgres].ratios(results[riverBest], perSecond))
	return nil
}

// guardOnce measures counts for which one round is enough, because the load changes them little.
func (l *lab) guardOnce(ctx context.Context, measured map[string][]float64) error {
	found, err := l.interleave(ctx, 1, []job{
		l.openJob(onMemory, 0, 2),
		{Part: "hosts", Contender: onPostgres, Hosts: 1, InFlight: inFlight, PerLane: inFlight / 5, Deliveries: 5_000},
	})
	if err != nil {
		return err
	}
	for key, xs := range map[string][]float64{
		onMemory + ": " + allocs + at500: found[0].values(allocs),
		onPostgres + ": " + walBoth:      found[1].values(walBoth),
	} {
		if len(xs) == 0 {
			return fmt.Errorf("bench: guard: %s was not measured; see above", key)
		}
		measured[key] = xs
	}
	return nil
}

// guardMicro counts the allocations of steps, which no load changes.
func (l *lab) guardMicro(ctx context.Context) (map[string][]float64, error) {
	results, err := l.microBench(ctx, "200x", "1")
	if err != nil {
		return nil, err
	}
	measured := map[string][]float64{}
	for _, name := range []string{"CheckURL/automation", "Encode/taskSuccess", "Next/automation", "Next/jira", "Enter/one_key",
		"Sign/token", "Sign/hmac", "Sign/standard", "Dispatch", "Matcher_Select10000", "Dispatch10000"} {
		v, ok := find(results, name, microAllocs)
		if !ok {
			return nil, fmt.Errorf("bench: guard: there is no Benchmark%s any more", name)
		}
		measured[name+": "+microAllocs] = []float64{v}
	}
	return measured, nil
}

// comparison is the result of a guard run.
type comparison struct {
	table *table
	worse []string
}

func compareKept(want map[string]kept, measured map[string][]float64) comparison {
	c := comparison{table: &table{title: "Guard", head: []string{"what", "kept", "allowed", "measured", "verdict"}}}
	for _, key := range slices.Sorted(maps.Keys(measured)) {
		xs := measured[key]
		k, known := want[key]
		verdict := "ok"
		switch {
		case !known:
			verdict = "**not kept**"
			c.worse = append(c.worse, key+": nothing is kept to compare with")
		case k.worse(median(xs)):
			verdict = "**worse**"
			c.worse = append(c.worse, fmt.Sprintf("%s: %s in %d round(s), %s is allowed (kept: %s)", key, spread(xs), len(xs), k, number(k.Value)))
		case k.better(median(xs)):
			verdict = "better: -update keeps it so"
		}
		c.table.add(key, number(k.Value), k.String(), spread(xs), verdict)
	}
	for key := range want {
		if _, ok := measured[key]; !ok {
			c.worse = append(c.worse, key+": is kept, but nothing measures it")
		}
	}
	return c
}

func (c comparison) err() error {
	if len(c.worse) == 0 {
		return nil
	}
	slices.Sort(c.worse)
	return errors.New("bench: guard: worse than internal/bench/testdata/guard.json allows:\n  " + strings.Join(c.worse, "\n  ") +
		"\nWhere it goes: go run ./internal/bench -quick -parts drain -profiles DIR, then go tool pprof." +
		"\nIf it is meant: go run ./internal/bench -guard -update, on a machine that does nothing else, and say why in the change.")
}

// store writes the measured figures to the tree.
func (l *lab) store(measured map[string][]float64) error {
	all := map[string]kept{}
	for key, xs := range measured {
		value, err := strconv.ParseFloat(number(median(xs)), 64) // three digits are enough
		if err != nil {
			return err
		}
		all[key] = kept{Value: value, Slack: guardSlack(key), Least: guardLeast(key)}
	}
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.root, "internal", "bench", "testdata", "guard.json"), append(b, '\n'), 0o644)
}
