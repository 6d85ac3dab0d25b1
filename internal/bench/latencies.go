package main

import (
	"context"
	"fmt"
)

func (l *lab) openJob(c string, hanging int, seconds float64) job {
	return job{Part: "openloop", Contender: c, InFlight: inFlight, Endpoints: endpoints, Hanging: hanging, Rate: 500, Seconds: seconds, Profile: l.profiles}
}

func openLoopPart(ctx context.Context, l *lab) error {
	var jobs []job
	for _, c := range l.contenders(netHTTP, onMemory, onSQLite, onPostgres, riverBest, riverPlain, asynqRedis) {
		jobs = append(jobs, l.openJob(c, 0, pick(l, 2.0, 2.5)))
	}
	n := pick(l, 2, 7)
	found, err := l.interleave(ctx, n, jobs)
	if err != nil {
		return err
	}
	l.opened = byName(jobs, found)
	compared("Open loop, 500 events/s", fmt.Sprintf("Single Dispatch calls at a steady rate, %d rounds of %g s after a second to warm up; the times are from Dispatch to receipt.", n, jobs[0].Seconds),
		l.opened, latency50, latency99, sentCPU, storeCPU, allocs, rss, failures).print(l.out)
	return nil
}

// fewestHealthy is the least number of deliveries for a p99.
const fewestHealthy = 300

func neighbourPart(ctx context.Context, l *lab) error {
	own := pick(l, []int{0, 1, 9}, []int{0, 1, 5, 9})
	other := pick(l, []int{1}, []int{0, 1})
	hanging := map[string][]int{netHTTP: other, riverBest: other, onMemory: own, onSQLite: own, onPostgres: own}
	var jobs []job
	for _, c := range allContenders {
		for _, h := range hanging[c] {
			j := l.openJob(c, h, 2)
			for warm, n := j.events(); j.healthy(warm, warm+n) < fewestHealthy; warm, n = j.events() {
				j.Seconds++
			}
			jobs = append(jobs, j)
		}
	}
	found, err := l.interleave(ctx, pick(l, 1, 5), jobs)
	if err != nil {
		return err
	}
	l.neighbour = byCount(jobs, found, func(j job) int { return j.Hanging })
	t := &table{title: "Dead neighbour", note: "500 events/s to ten endpoints, some of which never answer; Postrider with its default limit of 4 for one endpoint.",
		head: []string{"sender", "hang", promptShare, latency50, latency99, "p99 to none hanging"}}
	for i, j := range jobs {
		r := found[i]
		t.add(j.Contender, fmt.Sprint(j.Hanging), spread(r.values(promptShare)), spread(r.values(latency50)), spread(r.values(latency99)),
			spread(r.ratios(l.neighbour[j.Contender][0], latency99)))
	}
	t.print(l.out)
	return nil
}

// byCount files results by contender and a number of the job.
func byCount(jobs []job, found []rounds, number func(job) int) map[string]map[int]rounds {
	m := map[string]map[int]rounds{}
	for i, j := range jobs {
		if m[j.Contender] == nil {
			m[j.Contender] = map[int]rounds{}
		}
		m[j.Contender][number(j)] = found[i]
	}
	return m
}
