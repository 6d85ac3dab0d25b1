package main

import "fmt"

// noise is how far two throughputs may lie apart on a shared machine without meaning anything.
const noise = 0.12

// target is one figure and what it should be.
type target struct {
	id, what string
	goal     float64
	least    bool // the goal is the least, not the most
	tolerant bool // a throughput or CPU ratio, which the noise blurs
	free     bool // there is no goal; the figure stands beside one that has
	measured float64
	known    bool
}

func (t target) verdict() string {
	slack := 0.0
	if t.tolerant {
		slack = noise
	}
	switch {
	case !t.known:
		return "not measured"
	case t.free:
		return "for comparison"
	case t.least && t.measured >= t.goal, !t.least && t.measured <= t.goal:
		return "met"
	case t.least && t.measured >= t.goal*(1-slack), !t.least && t.measured <= t.goal*(1+slack):
		return "within noise"
	}
	return "**missed**"
}

// targets is the table that a run ends with. Where only some parts ran, the others'
// targets can be left out.
func (l *lab) targets(onlyKnown bool) *table {
	t := &table{title: "Targets", head: []string{"#", "what", "target", "measured", "verdict"},
		note: fmt.Sprintf("64 in flight unless said; medians. \"Within noise\": a throughput or a CPU time that misses by less than the %.0f %% that this kind of machine cannot resolve.", 100*noise)}
	for _, one := range l.allTargets() {
		if onlyKnown && !one.known {
			continue
		}
		sign := "≤"
		if one.least {
			sign = "≥"
		}
		measured := "-"
		if one.known {
			measured = number(one.measured)
		}
		goal := sign + " " + number(one.goal)
		if one.free {
			goal = "-"
		}
		t.add(one.id, one.what, goal, measured, one.verdict())
	}
	return t
}

func (l *lab) allTargets() []target {
	var out []target
	add := func(id, what string, goal float64, least, tolerant bool, measured float64, known bool) {
		out = append(out, target{id: id, what: what, goal: goal, least: least, tolerant: tolerant, measured: measured, known: known})
	}
	at64 := l.drained[inFlight]
	against := func(results map[string]rounds, c, to, name string) (float64, bool) {
		xs := results[c].ratios(results[to], name)
		return median(xs), len(xs) > 0
	}
	own := func(r rounds, name string) (float64, bool) {
		xs := r.values(name)
		return median(xs), len(xs) > 0
	}
	ratio := func(id, what string, goal float64, least bool, results map[string]rounds, c, to, name string) {
		v, ok := against(results, c, to, name)
		add(id, what, goal, least, true, v, ok)
	}
	value := func(id, what string, goal float64, r rounds, name string) {
		v, ok := own(r, name)
		add(id, what, goal, false, false, v, ok)
	}

	ratio("T1", "memory, deliveries/s to nethttp", 1, true, at64, onMemory, netHTTP, perSecond)
	ratio("T1", "the same with 80,000 queued", 1, true, l.queued, onMemory, netHTTP, perSecond)
	ratio("T2", "memory, sender CPU to nethttp", 0.95, false, at64, onMemory, netHTTP, sentCPU)
	value("T2", "memory, allocations per delivery", 60, at64[onMemory], allocs)
	ratio("T3", "PostgreSQL, deliveries/s to River at its best", 2, true, at64, onPostgres, riverBest, perSecond)
	ratio("T3", "PostgreSQL, deliveries/s to River with as many workers", 2.8, true, at64, onPostgres, riverSame, perSecond)
	ratio("T3", "PostgreSQL with 512 slots, deliveries/s to River at its best", 2, true, at64, wide, riverBest, perSecond)
	ratio("T3", "PostgreSQL, deliveries/s to nethttp", 0.6, true, at64, onPostgres, netHTTP, perSecond)
	v, ok := own(at64[onPostgres], allCPU)
	add("T4", "PostgreSQL, sender + store CPU s per 10,000", 0.5, false, true, v, ok)
	ratio("T5", "SQLite, deliveries/s to nethttp", 0.62, true, at64, onSQLite, netHTTP, perSecond)
	value("T6", "memory, 500/s, p50 ms", 0.12, l.opened[onMemory], latency50)
	value("T6", "memory, 500/s, p99 ms", 0.5, l.opened[onMemory], latency99)
	value("T6", "PostgreSQL, 500/s, p50 ms", 1, l.opened[onPostgres], latency50)
	value("T6", "PostgreSQL, 500/s, p99 ms", 4, l.opened[onPostgres], latency99)
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		for _, h := range pick(l, []int{1, 9}, []int{1, 5, 9}) {
			r := l.neighbour[c][h]
			v, ok := own(r, promptShare)
			add("T7", fmt.Sprintf("%s, %d of 10 hang: healthy within 1 s, %%", c, h), 100, true, false, v, ok)
			xs := r.ratios(l.neighbour[c][0], latency99)
			add("T7", fmt.Sprintf("%s, %d of 10 hang: healthy p99 to none hanging", c, h), 1.2, false, true, median(xs), len(xs) > 0)
		}
	}
	out = append(out, l.storeTargets()...)
	value("T10", "memstore, MB for 10,000 pending beyond the bodies", 5, l.memory, pendingMB)
	value("T10", "goroutines per pending delivery", 0, l.memory, pendingGoroutines)
	out = append(out, l.microTargets()...)
	value("T13", "idle with a Notifier: looks per minute", 1, l.idled, idleLooks)
	value("T13", "idle with a Notifier: CPU ms per minute (1 is not measurable)", 20, l.idled, idleCPU)
	for _, c := range []string{onSQLite, onPostgres} {
		value("T14", c+", s from kill -9 to the last delivery (lease + 1 s)", resumeLease.Seconds()+1, l.resumed[c], resumeAfter)
	}
	return out
}

// storeTargets are those that the benchmarks of the Stores measure.
func (l *lab) storeTargets() (out []target) {
	rows := l.mostRows()
	for _, db := range []struct {
		name string
		goal float64
	}{{"postgres", 1.3}, {"sqlite", 1.5}} {
		for _, situation := range pick(l, []string{"million", "skipped", "lanes"}, []string{"million", "skipped", "lanes", "waiting", "inactive"}) {
			v, ok := find(l.claims, claimName(db.name+"/"+situation, rows), "x-baseline")
			out = append(out, target{id: "T8", what: fmt.Sprintf("%s, claim p50 to the baseline: %s (%d rows)", db.name, situation, rows), goal: db.goal, measured: v, known: ok})
		}
		v, ok := find(l.claims, "ClaimSweep/"+db.name+"/10000-webhooks", "ms/sweep")
		out = append(out, target{id: "T8", what: db.name + ", sweep at 10,000 webhooks, ms", goal: 150, measured: v, known: ok})
	}
	v, ok := find(l.claims, "ClaimOldSnapshot/postgres", "x-first")
	out = append(out, target{id: "T8", what: "postgres, old snapshot: last window to first", goal: 2, measured: v, known: ok})
	v, ok = find(l.claims, "DispatchBulk/postgres", "x-bare")
	out = append(out, target{id: "T9", what: "postgres, Dispatch of 1,000 events to a bare INSERT", goal: 0.6, least: true, tolerant: true, measured: v, known: ok})
	v, ok = find(l.claims, "DispatchShared/sqlite/64-goroutines", "x-one")
	return append(out, target{id: "T9", what: "SQLite FULL, Dispatch from 64 goroutines to one", goal: 10, least: true, tolerant: true, measured: v, known: ok})
}

// microTargets are those that Go benchmarks measure.
func (l *lab) microTargets() (out []target) {
	for _, one := range []struct {
		what, name string
		ns, allocs float64
	}{
		{"URL check that accepts", "CheckURL/automation", 150, 0},
		{"payload encode", "Encode/taskSuccess", 12_000, 5},
		{"Next, automation", "Next/automation", 150, 0},
		{"Next, jira", "Next/jira", 150, 0},
		{"limiter enter and leave", "Enter/one_key", 150, 0},
	} {
		v, ok := find(l.micro, one.name, "ns/op")
		out = append(out, target{id: "T11", what: one.what + ", ns", goal: one.ns, tolerant: true, measured: v, known: ok})
		v, ok = find(l.micro, one.name, "allocs/op")
		out = append(out, target{id: "T11", what: one.what + ", allocations", goal: one.allocs, measured: v, known: ok})
	}
	v, ok := find(l.micro, "Matcher_Select10000", "ns/op")
	out = append(out, target{id: "T12", what: "an event against 10,000 filters, ms", goal: 1, tolerant: true, measured: v / 1e6, known: ok})
	v, ok = find(l.micro, "Dispatch10000", "ns/op")
	return append(out, target{id: "T12", what: "the same as a whole Dispatch, ms", free: true, measured: v / 1e6, known: ok})
}
