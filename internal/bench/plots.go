package main

import (
	"os"
)

// plots draws the growth of costs with work.
func (l *lab) plots(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	rate := &plot{title: "Deliveries per second by requests in flight", x: "requests in flight", y: "deliveries/s"}
	cost := &plot{title: "CPU of sender and store per 10,000 deliveries", x: "requests in flight", y: "CPU s"}
	for _, c := range allContenders {
		if c == wide {
			continue // it has 512 slots in every table
		}
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
				if v, ok := find(l.claims, claimName(db+"/"+situation, rows), "us-claim"); ok {
					one.points = append(one.points, [2]float64{float64(rows), v})
				}
			}
			claims.lines = append(claims.lines, one)
		}
	}
	for name, p := range map[string]*plot{"drain.svg": rate, "cpu.svg": cost, "claims.svg": claims} {
		if p.svg() == "" {
			continue // the part did not run
		}
		if err := p.write(dir + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
