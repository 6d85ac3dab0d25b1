package main

import (
	"context"
	"fmt"
)

const (
	orderKeys      = 1000
	withoutAnOrder = "as they come"
	withAnOrder    = "in order"
)

// orderPart drains a backlog of one webhook, with an order for each of 1,000 keys and without one in
// the same rounds, and runs the benchmarks of a key in which very many wait.
func orderPart(ctx context.Context, l *lab) error {
	var jobs []job
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		for _, keys := range []int{0, orderKeys} {
			jobs = append(jobs, job{Part: "drain", Contender: c, InFlight: inFlight, PerLane: inFlight, Endpoints: 1, Keys: keys, Deliveries: pick(l, 8_000, 40_000)})
		}
	}
	found, err := l.interleave(ctx, pick(l, 1, 3), jobs)
	if err != nil {
		return err
	}
	t := &table{title: "Order", note: fmt.Sprintf("A backlog of %d deliveries of one webhook, over %d keys with an order, and without.", jobs[0].Deliveries, orderKeys),
		head: []string{"store", "how", perSecond, "to those without", failures}}
	for i, j := range jobs {
		how, ratio := withoutAnOrder, ""
		if j.Keys > 0 {
			how, ratio = withAnOrder, spread(ratios(found[i], found[i-1]))
		}
		t.add(j.Contender, how, spread(found[i].values(perSecond)), ratio, spread(found[i].values(failures)))
	}
	t.print(l.out)
	rows := l.mostRows()
	claims, err := goBench(ctx, l.root, "webhook/internal/proof/stores", "-bench", "^BenchmarkOneKey$", "-benchtime", "1x", "-timeout", "60m", ".", "-claim.rows", fmt.Sprint(rows))
	if err != nil {
		return err
	}
	t = &table{title: "One key", note: fmt.Sprintf("%d deliveries wait in one key of one webhook: a claim from 100 others, to that without them, and how long the head of the key takes from its claim to that of the next.", rows),
		head: []string{"benchmark", "to the baseline", "claim µs", "baseline µs", "head µs"}}
	for _, r := range claims {
		t.add(r.name, r.spread("x-baseline"), r.spread("us-claim"), r.spread("us-baseline"), r.spread("us-head"))
	}
	t.print(l.out)
	return nil
}

// ratios are those of deliveries/s, round by round.
func ratios(of, to rounds) (list []float64) {
	for i := range of {
		if of[i] != nil && to[i] != nil && to[i][perSecond] > 0 {
			list = append(list, of[i][perSecond]/to[i][perSecond])
		}
	}
	return list
}
