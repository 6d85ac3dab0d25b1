package main

import "fmt"

// noise is the difference of two throughputs on a shared machine that has no meaning.
const noise = 0.12

// target is one figure with its bar, which must hold, and its goal.
type target struct {
	id, what  string
	bar, goal float64
	least     bool // bar and goal are lower bounds
	tolerant  bool // a throughput or CPU ratio, which noise changes
	free      bool // without bar and goal; the figure stands beside one that has them
	measured  float64
	known     bool
}

func (t target) verdict() string {
	slack := 0.0
	if t.tolerant {
		slack = noise
	}
	reaches := func(bound, slack float64) bool {
		if t.least {
			return t.measured >= bound*(1-slack)
		}
		return t.measured <= bound*(1+slack)
	}
	switch {
	case !t.known:
		return "not measured"
	case t.free:
		return "for comparison"
	case reaches(t.goal, 0):
		return "goal"
	case reaches(t.bar, 0):
		return "bar"
	case reaches(t.bar, slack):
		return "bar, within noise"
	}
	return "**missed**"
}

// targets is the table at the end of a run. Where only some parts ran, the targets of the others
// can be left out.
func (l *lab) targets(onlyKnown bool) *table {
	t := &table{title: "Targets", head: []string{"#", "what", "bar", "goal", "measured", "verdict"},
		note: fmt.Sprintf("64 in flight unless said; medians. The bar must hold, the goal is what we want. \"Within noise\": a throughput, a CPU time or a latency ratio that misses the bar by less than the %.0f %% that this kind of machine cannot resolve.", 100*noise)}
	for _, one := range l.allTargets() {
		if onlyKnown && !one.known {
			continue
		}
		sign := "≤ "
		if one.least {
			sign = "≥ "
		}
		measured, bar, goal := "-", sign+number(one.bar), sign+number(one.goal)
		if one.known {
			measured = number(one.measured)
		}
		if one.free {
			bar, goal = "-", "-"
		}
		t.add(one.id, one.what, bar, goal, measured, one.verdict())
	}
	return t
}

func (l *lab) allTargets() []target {
	var out []target
	add := func(id, what string, bar, goal float64, least, tolerant bool, measured float64, known bool) {
		out = append(out, target{id: id, what: what, bar: bar, goal: goal, least: least, tolerant: tolerant, measured: measured, known: known})
	}
	at64 := l.drained[inFlight]
	// ratio is to another sender in the same rounds.
	ratio := func(id, what string, bar, goal float64, least bool, results map[string]rounds, c, to, name string) {
		xs := results[c].ratios(results[to], name)
		add(id, what, bar, goal, least, true, median(xs), len(xs) > 0)
	}
	value := func(id, what string, bar, goal float64, r rounds, name string) {
		xs := r.values(name)
		add(id, what, bar, goal, false, false, median(xs), len(xs) > 0)
	}

	ratio("T1", "memory, deliveries/s to nethttp", 0.95, 1.05, true, at64, onMemory, netHTTP, perSecond)
	ratio("T1", "the same with 80,000 queued", 0.95, 1.05, true, l.queued, onMemory, netHTTP, perSecond)
	ratio("T2", "memory, sender CPU to nethttp", 1.2, 0.95, false, at64, onMemory, netHTTP, sentCPU)
	value("T2", "memory, allocations per delivery, drain", 61, 50, at64[onMemory], allocs)
	value("T2", "memory, allocations per delivery, 500/s", 110, 80, l.opened[onMemory], allocs)
	ratio("T3", "PostgreSQL, deliveries/s to River at its best", 1.8, 2.5, true, at64, onPostgres, riverBest, perSecond)
	ratio("T3", "PostgreSQL, deliveries/s to River with as many workers", 2.1, 3, true, at64, onPostgres, riverSame, perSecond)
	ratio("T3", "PostgreSQL, deliveries/s to nethttp", 0.45, 0.6, true, at64, onPostgres, netHTTP, perSecond)
	ratio("T4", "PostgreSQL, sender + store CPU to nethttp's", 3.1, 2.2, false, at64, onPostgres, netHTTP, allCPU)
	ratio("T5", "SQLite, deliveries/s to nethttp", 0.47, 0.65, true, at64, onSQLite, netHTTP, perSecond)
	ratio("T5", "SQLite, CPU to nethttp's", 2.7, 2, false, at64, onSQLite, netHTTP, sentCPU)
	for _, one := range []struct {
		what, c, to              string
		bar50, goal50, bar, goal float64
	}{
		{"memory, to nethttp", onMemory, netHTTP, 1.15, 1, 1.15, 1},
		{"PostgreSQL, to River at its best", onPostgres, riverBest, 0.36, 0.25, 0.36, 0.25},
		{"SQLite, to nethttp", onSQLite, netHTTP, 5, 3, 6, 4},
	} {
		ratio("T6", "500/s, p50: "+one.what, one.bar50, one.goal50, false, l.opened, one.c, one.to, latency50)
		ratio("T6", "500/s, p99: "+one.what, one.bar, one.goal, false, l.opened, one.c, one.to, latency99)
	}
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		for _, h := range pick(l, []int{1, 9}, []int{1, 5, 9}) {
			r := l.neighbour[c][h]
			xs := r.values(promptShare)
			add("T7", fmt.Sprintf("%s, %d of 10 hang: healthy within 1 s, %%", c, h), 100, 100, true, false, median(xs), len(xs) > 0)
			xs = r.ratios(l.neighbour[c][0], latency99)
			add("T7", fmt.Sprintf("%s, %d of 10 hang: healthy p99 to none hanging", c, h), 1.2, 1.1, false, true, median(xs), len(xs) > 0)
		}
	}
	out = append(out, l.storeTargets()...)
	value("T10", "memstore, MB for 10,000 pending beyond the bodies", 5, 3, l.memory, pendingMB)
	value("T10", "goroutines per pending delivery", 0, 0, l.memory, pendingGoroutines)
	out = append(out, l.microTargets()...)
	value("T13", "idle with a Notifier: looks per minute", 1, 1, l.idled, idleLooks)
	value("T13", "idle with a Notifier: CPU ms per minute", 20, 10, l.idled, idleCPU)
	for _, c := range []string{onSQLite, onPostgres} {
		value("T14", c+", s from kill -9 to the last delivery (lease + 1 s)", resumeLease.Seconds()+1, 15, l.resumed[c], resumeAfter)
	}
	for _, c := range []string{onMemory, onPostgres} {
		alone := l.crowded[c][noCrowd]
		for _, name := range []string{oneCrowd, manyCrowd, promptCrowd} {
			r := l.crowded[c][name]
			xs := r.beyond(alone, latency99)
			add("T15", c+", "+name+": healthy p99 beyond the run without, ms", 150, 60, false, false, median(xs), len(xs) > 0)
			xs = r.ratios(alone, promptShare)
			add("T15", c+", "+name+": healthy within 1 s, to the run without", 0.95, 0.98, true, false, median(xs), len(xs) > 0)
		}
	}
	for _, one := range []struct {
		what, name string
		bar, goal  float64
		least      bool
	}{{"deliveries/s", perSecond, 1, 1.2, true}, {"store CPU", storeCPU, 1.3, 1.1, false}} {
		xs := l.shared[4].ratios(l.shared[1], one.name)
		add("T16", "four hosts on one backlog, "+one.what+" to one host's", one.bar, one.goal, one.least, true, median(xs), len(xs) > 0)
	}
	value("T17", "PostgreSQL, write-ahead log, KB per delivery", 2, 1.2, l.shared[1], walBoth)
	return out
}

// storeTargets are the targets of the Stores' benchmarks.
func (l *lab) storeTargets() (out []target) {
	rows := l.mostRows()
	for _, db := range []struct {
		name string
		bar  float64
	}{{"postgres", 1.3}, {"sqlite", 1.5}} {
		for _, situation := range pick(l, []string{"million", "skipped", "lanes"}, []string{"million", "skipped", "lanes", "waiting", "inactive"}) {
			v, ok := find(l.claims, claimName(db.name+"/"+situation, rows), "x-baseline")
			out = append(out, target{id: "T8", what: fmt.Sprintf("%s, claim p50 to the baseline: %s (%d rows)", db.name, situation, rows), bar: db.bar, goal: 1.1, measured: v, known: ok})
		}
		v, ok := find(l.claims, "ClaimSweep/"+db.name+"/10000-webhooks", "ms/sweep")
		out = append(out, target{id: "T8", what: db.name + ", sweep at 10,000 webhooks, ms", bar: 150, goal: 50, measured: v, known: ok})
	}
	v, ok := find(l.claims, "ClaimOldSnapshot/postgres", "x-first")
	out = append(out, target{id: "T8", what: "postgres, old snapshot: last window to first", bar: 2, goal: 1.2, measured: v, known: ok})
	v, ok = find(l.claims, "DispatchBulk/postgres", "x-bare")
	out = append(out, target{id: "T9", what: "postgres, Dispatch of 1,000 events to a bare INSERT", bar: 0.6, goal: 0.8, least: true, tolerant: true, measured: v, known: ok})
	v, ok = find(l.claims, "DispatchShared/sqlite/64-goroutines", "x-one")
	return append(out, target{id: "T9", what: "SQLite FULL, Dispatch from 64 goroutines to one", bar: 6, goal: 10, least: true, tolerant: true, measured: v, known: ok})
}

// microTargets are the targets of Go benchmarks.
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
		out = append(out, target{id: "T11", what: one.what + ", ns", bar: one.ns, goal: one.ns, tolerant: true, measured: v, known: ok})
		v, ok = find(l.micro, one.name, "allocs/op")
		out = append(out, target{id: "T11", what: one.what + ", allocations", bar: one.allocs, goal: one.allocs, measured: v, known: ok})
	}
	v, ok := find(l.micro, "Matcher_Select10000", "ns/op")
	out = append(out, target{id: "T12", what: "an event against 10,000 filters, ms", bar: 1, goal: 0.2, tolerant: true, measured: v / 1e6, known: ok})
	v, ok = find(l.micro, "Dispatch10000", "ns/op")
	return append(out, target{id: "T12", what: "the same as a whole Dispatch, ms", bar: 2, goal: 0.5, tolerant: true, measured: v / 1e6, known: ok})
}
