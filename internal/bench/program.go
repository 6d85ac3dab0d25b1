package main

import (
	"context"
	"fmt"
	"time"
)

// program is the order of the command's parts.
var program = []struct {
	name   string
	run    func(context.Context, *lab) error
	beside bool // may run in the background of resume and idle
}{
	{"drain", drainPart, false},
	{"queued", queuedPart, false},
	{"openloop", openLoopPart, false},
	{"neighbour", neighbourPart, false},
	{"tenants", tenantsPart, false},
	{"backlog", backlogPart, false},
	{"order", orderPart, false},
	{"resume", resumePart, false}, // and idle; both mostly wait
	{"memory", memoryPart, true},
	{"fanout", fanOutPart, true},
	{"hosts", hostsPart, true},
	{"micro", microPart, true},
}

func partNames() (names []string) {
	for _, p := range program {
		names = append(names, p.name)
	}
	return names
}

const inFlight = 64 // default of the requests in flight

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
			jobs = append(jobs, job{Part: "fanout", Contender: c, InFlight: inFlight, Fan: fan, Deliveries: pick(l, 500, 2000)})
		}
	}
	found, err := l.interleave(ctx, pick(l, 1, 2), jobs)
	if err != nil {
		return err
	}
	t := &table{title: "Fan-out", note: "One event to so many webhooks, one event after the other.",
		head: []string{"store", "webhooks", fanAccepted, fanTook, perSecond, failures}}
	for i, j := range jobs {
		r := found[i]
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
