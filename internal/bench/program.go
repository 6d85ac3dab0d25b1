package main

import (
	"context"
	"fmt"
	"time"
)

// program is what the command does, in order.
var program = []struct {
	name string
	run  func(context.Context, *lab) error
}{
	{"drain", drainPart},
	{"openloop", openLoopPart},
	{"neighbour", neighbourPart},
	{"memory", memoryPart},
	{"resume", resumePart}, // and idle; both mostly wait, so the next parts run meanwhile
	{"micro", microPart},
	{"backlog", backlogPart},
	{"fanout", fanOutPart},
}

func partNames() (names []string) {
	for _, p := range program {
		names = append(names, p.name)
	}
	return names
}

const inFlight = 64 // unless said

// drainJob is a backlog that leaves.
func drainJob(c string, inFlight, deliveries int) job {
	if c == riverPlain {
		deliveries /= 5 // it has a fixed pace
	}
	return job{Part: "drain", Contender: c, InFlight: inFlight, PerLane: max(4, inFlight/5), Deliveries: deliveries}
}

func drainPart(ctx context.Context, l *lab) error {
	note := fmt.Sprintf("A backlog to %d endpoints, stored before the clock starts, until the last outcome is known.", endpoints)
	for _, c := range pick(l, []int{inFlight}, []int{16, inFlight, 256}) {
		n := pick(l, 5, 7)
		if c != inFlight {
			n = 3
		}
		results, err := l.drains(ctx, n, c, pick(l, 4000, 10_000), allContenders...)
		if err != nil {
			return err
		}
		l.drained[c] = results
		compared(fmt.Sprintf("Drain, %d in flight", c), note, results,
			perSecond, sentCPU, storeCPU, allocs, allocBytes, rss, failures).print(l.out)
	}
	var err error
	l.queued, err = l.drains(ctx, pick(l, 1, 3), inFlight, 80_000, netHTTP, onMemory)
	if err != nil {
		return err
	}
	compared("Drain, 80,000 queued", "", l.queued, perSecond, sentCPU, allocs, rss, failures).print(l.out)
	return nil
}

func (l *lab) drains(ctx context.Context, n, inFlight, deliveries int, some ...string) (map[string]rounds, error) {
	some = l.contenders(some...)
	var jobs []job
	for _, c := range some {
		j := drainJob(c, inFlight, deliveries)
		j.Profile = l.profiles
		jobs = append(jobs, j)
	}
	found, err := l.interleave(ctx, n, jobs)
	if err != nil {
		return nil, err
	}
	return byName(some, found), nil
}

func byName(names []string, found []rounds) map[string]rounds {
	m := make(map[string]rounds, len(names))
	for i, name := range names {
		m[name] = found[i]
	}
	return m
}

// healthy is how many events of an open loop go to endpoints that answer.
func (j job) healthy() (n int) {
	for i := range int(float64(j.Rate) * j.Seconds) {
		if i%j.Endpoints >= j.Hanging {
			n++
		}
	}
	return n
}

func openJob(c string, hanging int, seconds float64) job {
	return job{Part: "openloop", Contender: c, InFlight: inFlight, Hanging: hanging, Rate: 500, Seconds: seconds}
}

func openLoopPart(ctx context.Context, l *lab) error {
	some := l.contenders(netHTTP, onMemory, onSQLite, onPostgres, riverBest, riverPlain, asynqRedis)
	var jobs []job
	for _, c := range some {
		jobs = append(jobs, openJob(c, 0, pick(l, 3.0, 6)))
	}
	found, err := l.interleave(ctx, pick(l, 2, 7), jobs)
	if err != nil {
		return err
	}
	l.opened = byName(some, found)
	compared("Open loop, 500 events/s", "Single Dispatch calls at a steady rate; the times are from Dispatch to receipt.", l.opened,
		latency50, latency99, sentCPU, storeCPU, allocs, rss, failures).print(l.out)
	return nil
}

func neighbourPart(ctx context.Context, l *lab) error {
	hanging := map[string][]int{netHTTP: {0, 1}, riverBest: {0, 1},
		onMemory: {0, 1, 5, 9}, onSQLite: {0, 1, 5, 9}, onPostgres: {0, 1, 5, 9}}
	if l.quick {
		hanging[netHTTP], hanging[riverBest] = []int{1}, []int{1}
		hanging[onMemory], hanging[onSQLite], hanging[onPostgres] = []int{0, 1, 9}, []int{0, 1, 9}, []int{0, 1, 9}
	}
	var jobs []job
	for _, c := range allContenders {
		for _, h := range hanging[c] {
			jobs = append(jobs, openJob(c, h, pick(l, 3.0, 8)))
		}
	}
	found, err := l.interleave(ctx, pick(l, 1, 5), jobs)
	if err != nil {
		return err
	}
	l.neighbour = map[string]map[int]rounds{}
	t := &table{title: "Dead neighbour", note: "500 events/s to ten endpoints, some of which never answer; Postrider with its default limit of 4 for one endpoint.",
		head: []string{"sender", "hang", promptShare, latency50, latency99, "p99 to none hanging"}}
	for i, j := range jobs {
		if l.neighbour[j.Contender] == nil {
			l.neighbour[j.Contender] = map[int]rounds{}
		}
		l.neighbour[j.Contender][j.Hanging] = found[i]
	}
	for i, j := range jobs {
		r := found[i]
		t.add(j.Contender, fmt.Sprint(j.Hanging), spread(r.values(promptShare)), spread(r.values(latency50)), spread(r.values(latency99)),
			spread(r.ratios(l.neighbour[j.Contender][0], latency99)))
	}
	t.print(l.out)
	return nil
}

func memoryPart(ctx context.Context, l *lab) error {
	found, err := l.interleave(ctx, pick(l, 1, 3), []job{{Part: "memory", Contender: onMemory, InFlight: inFlight}})
	if err != nil {
		return err
	}
	l.memory = found[0]
	t := &table{title: "Memory", note: "memstore; bodies of 430 bytes are not counted.", head: []string{"what", "measured"}}
	for _, name := range []string{pendingMB, pendingGoroutines, webhooksMB} {
		t.add(name, spread(l.memory.values(name)))
	}
	t.print(l.out)
	return nil
}

func fanOutPart(ctx context.Context, l *lab) error {
	var jobs []job
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		for _, fan := range []int{1, 10, 1000} {
			jobs = append(jobs, job{Part: "fanout", Contender: c, InFlight: inFlight, Fan: fan, Deliveries: pick(l, 500, 5000)})
		}
	}
	found, err := l.interleave(ctx, pick(l, 1, 3), jobs)
	if err != nil {
		return err
	}
	t := &table{title: "Fan-out", note: "One event to so many webhooks, one event after the other.",
		head: []string{"store", "webhooks", fanAccepted, fanTook, perSecond, failures}}
	l.fans = map[string]map[int]rounds{}
	for i, j := range jobs {
		r := found[i]
		if l.fans[j.Contender] == nil {
			l.fans[j.Contender] = map[int]rounds{}
		}
		l.fans[j.Contender][j.Fan] = r
		t.add(j.Contender, fmt.Sprint(j.Fan), spread(r.values(fanAccepted)), spread(r.values(fanTook)), spread(r.values(perSecond)), spread(r.values(failures)))
	}
	t.print(l.out)
	return nil
}

// within waits for a condition.
func within(ctx context.Context, limit time.Duration, holds func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}
