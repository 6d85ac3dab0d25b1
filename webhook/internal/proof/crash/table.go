package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/postrider/postrider/webhook/internal/proof/ledger"
)

// The tested rows of the fault matrix, and their rules.
var rules = []struct{ name, text string }{
	{"P1", "killed before the commit: nothing of the event exists"},
	{"P2", "killed after the commit, before sending: delivered later"},
	{"P3", "killed with the request on the wire: sent again, and not before its lease has ended"},
	{"P4", "killed after the answer, or before Settle: sent again"},
	{"P5", "killed after Settle: not sent again"},
	{"P1-P5", "killed at a random moment"},
	{"P6", "killed during every send: ten times, then dead letter, others go on"},
	{"P7", "stopped in good order: what is cut off is pending and not counted"},
	{"P8", "frozen beyond its lease: another process takes over, the old one cannot write"},
	{"P9", "database stopped or locked under load: Dispatch says so, work goes on afterwards"},
	{"P10", "outcome cannot be written: tried again, not sent again"},
	{"P11", "disk full: Dispatch says so, space lets work go on, the file is intact"},
	{"P12", "a row cannot be read: it goes to dead letter, the others are sent"},
	{"P13", "clock an hour ahead: due retries run once each"},
	{"P14", "clock an hour back: no retry waits longer than a lease"},
	{"P15", "down beyond the retry window: overdue retries run once each"},
	{"P16", "disabled waits, deleted is cancelled, a new URL or secret is used"},
	{"P17", "thousands due to an endpoint that hangs: the others are served"},
}

// books are the results of all lives.
type books struct {
	databases []string
	mu        sync.Mutex
	done, bad map[[2]string]int // by rule and database
	slow      map[[2]string]int // likewise
	faults    []string
	delays    []string
	total     map[string]ledger.Balance
	kills     map[string]int
}

func newBooks(databases []string) *books {
	return &books{databases: databases, done: make(map[[2]string]int), bad: make(map[[2]string]int), slow: make(map[[2]string]int),
		total: make(map[string]ledger.Balance), kills: make(map[string]int)}
}

func (b *books) did(rule, database string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[[2]string{rule, database}]++
}

func (b *books) wrong(rule, database, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad[[2]string{rule, database}]++
	b.faults = append(b.faults, rule+" "+what)
}

// late is no fault, because the machine may be busy.
func (b *books) late(rule, database, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow[[2]string{rule, database}]++
	b.delays = append(b.delays, rule+" "+what)
}

func (b *books) add(database string, one ledger.Balance, kills int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.total[database]
	t.Accepted, t.Delivered, t.Lost = t.Accepted+one.Accepted, t.Delivered+one.Delivered, t.Lost+one.Lost
	t.Requests, t.Repeats = t.Requests+one.Requests, t.Repeats+one.Repeats
	b.total[database] = t
	b.kills[database] += kills
}

// print writes the table. Its error lists the faults.
func (b *books) print(out io.Writer, took time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nrow\twhat happens, and what must hold\tdatabase\ttimes\twrong\tlate")
	missing := 0
	for _, rule := range rules {
		for _, database := range b.databases {
			key := [2]string{rule.name, database}
			if b.done[key] == 0 && b.bad[key] == 0 {
				if rule.name != "P11" || database == sqlite && canFill { // a PostgreSQL server has its own disk
					missing++
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", rule.name, rule.text, database, b.done[key], b.bad[key], b.slow[key])
		}
	}
	_ = w.Flush()
	slices.Sort(b.faults)
	for _, fault := range b.faults {
		fmt.Fprintln(out, "WRONG:", fault)
	}
	slices.Sort(b.delays)
	for _, delay := range b.delays {
		fmt.Fprintln(out, "LATE:", delay)
	}
	fmt.Fprintf(out, "\nafter %.0f s; deliveries are counted, one for each event and webhook\n", took.Seconds())
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "database\tkills\taccepted\tdelivered\trequests\trepeats\tlost\t")
	lost := 0
	for _, database := range b.databases {
		t := b.total[database]
		lost += t.Lost
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\tlost %d\t\n", database, b.kills[database], t.Accepted, t.Delivered, t.Requests, t.Repeats, t.Lost)
	}
	_ = w.Flush()
	switch {
	case lost > 0 || len(b.faults) > 0:
		return fmt.Errorf("%d deliveries lost, %d things wrong", lost, len(b.faults))
	case missing > 0:
		return fmt.Errorf("%d rows of the table were not put to the test", missing)
	}
	return nil
}
