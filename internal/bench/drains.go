package main

import (
	"context"
	"fmt"
	"slices"
)

// drainJob is a backlog that is sent. It is long enough that the start, opening connections and the
// last few outcomes weigh little.
func (l *lab) drainJob(c string, inFlight int) job {
	n := pick(l, 10_000, 20_000)
	switch {
	case c == riverPlain: // it has a fixed rate
		n = pick(l, 1_000, 4_000)
	case slices.Contains(inMemory, c):
		n = pick(l, 20_000, 40_000)
	}
	if c == wide {
		inFlight = 512
	}
	return job{Part: "drain", Contender: c, InFlight: inFlight, PerLane: max(4, inFlight/5), Deliveries: n, Profile: l.profiles}
}

func drainPart(ctx context.Context, l *lab) error {
	for _, c := range pick(l, []int{inFlight}, []int{16, inFlight, 256}) {
		n := 3
		if c == inFlight {
			n = pick(l, 5, 7)
		}
		var jobs []job
		for _, one := range l.contenders(allContenders...) {
			j := l.drainJob(one, c)
			if c != inFlight {
				j.Deliveries /= 2
			}
			jobs = append(jobs, j)
		}
		results, err := l.drains(ctx, n, jobs)
		if err != nil {
			return err
		}
		l.drained[c] = results
		note := fmt.Sprintf("A backlog to %d endpoints, stored before the clock starts, until the last outcome is stored. %d rounds; %d deliveries, over SQL and Redis %d, River with its defaults %d.",
			endpoints, n, size(jobs, netHTTP), size(jobs, onPostgres), size(jobs, riverPlain))
		compared(fmt.Sprintf("Drain, %d in flight", c), note, results,
			perSecond, sentCPU, storeCPU, allocs, allocBytes, perClaim, perWrite, rss, failures).print(l.out)
	}
	return nil
}

// queuedPart drains a backlog that is much longer than a claim.
func queuedPart(ctx context.Context, l *lab) (err error) {
	var jobs []job
	for _, one := range []string{netHTTP, onMemory} {
		j := l.drainJob(one, inFlight)
		j.Deliveries = 80_000
		jobs = append(jobs, j)
	}
	if l.queued, err = l.drains(ctx, pick(l, 2, 7), jobs); err != nil {
		return err
	}
	compared("Drain, 80,000 queued", "64 in flight.", l.queued, perSecond, sentCPU, allocs, rss, failures).print(l.out)
	return nil
}

// drains runs some jobs, one for each contender, and returns the figures of each.
func (l *lab) drains(ctx context.Context, n int, jobs []job) (map[string]rounds, error) {
	found, err := l.interleave(ctx, n, jobs)
	if err != nil {
		return nil, err
	}
	return byName(jobs, found), nil
}

func byName(jobs []job, found []rounds) map[string]rounds {
	m := make(map[string]rounds, len(jobs))
	for i, j := range jobs {
		m[j.Contender] = found[i]
	}
	return m
}

func size(jobs []job, contender string) int {
	for _, j := range jobs {
		if j.Contender == contender {
			return j.Deliveries
		}
	}
	return 0
}
