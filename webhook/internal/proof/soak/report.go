package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/postrider/postrider/webhook"
)

// report prints the table. Its error has the number of failed checks.
func (s *soak) report(out io.Writer, r result, loaded time.Duration) error {
	var trends [hosts]trend
	for i := range trends {
		t, err := s.memory.trend(i)
		if err != nil {
			return err
		}
		trends[i] = t
		if i == survivor && (t.rss == 0 || t.rssEnd == 0) {
			r.faults = append(r.faults, fmt.Sprintf("the memory of host %d, which lived throughout, was not measured", i+1))
		}
		if t.rss == 0 || t.rssEnd == 0 {
			continue // killed too often to be measured in one of the quarters
		}
		memory, goroutines := t.flat()
		if !memory {
			r.faults = append(r.faults, fmt.Sprintf("the memory of host %d grew from %.1f to %.1f MiB", i+1, t.rss, t.rssEnd))
		}
		if !goroutines {
			r.faults = append(r.faults, fmt.Sprintf("the goroutines of host %d grew from %.0f to %.0f", i+1, t.routines, t.routsEnd))
		}
	}
	fmt.Fprintf(out, "\nafter %.0f s of load and %.0f s to finish\n", loaded.Seconds(), (time.Since(s.began) - loaded).Seconds())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "events\taccepted %d, refused while the database was away %d\n", r.events, r.refused)
	fmt.Fprintf(w, "deliveries\t%d stored, %d delivered, %d given up, %d within their schedule\n", r.deliveries, r.delivered, r.failed, r.pending)
	fmt.Fprintf(w, "requests\t%d to healthy webhooks, %d to hostile ones\n", r.sent, r.hostile)
	fmt.Fprintf(w, "overtaken\t%d outcomes came after another host had taken over\n", r.overtaken)
	for _, kind := range behaviours {
		fmt.Fprintf(w, "hostile\t%s:%s\n", kind, outcomes(s.book.outcomes[kind]))
	}
	for i, t := range trends {
		fmt.Fprintf(w, "goroutines\thost %d: %s, then %s\n", i+1, number(t.routines, "%.0f"), number(t.routsEnd, "%.0f"))
	}
	fmt.Fprintf(w, "lost\t%d, given up %d\n", r.lost, r.late)
	fmt.Fprintf(w, "duplicates\t%d, at most %d of one killed host; without a kill %d, answered too late %d\n", r.repeats, r.mostAtKill, r.without, r.unheard)
	fmt.Fprintf(w, "kills\t%d\n", s.kills)
	fmt.Fprintf(w, "database restarts\t%d\n", s.restarts)
	for i, t := range trends {
		fmt.Fprintf(w, "memory\thost %d: %s, then %s (medians of the second and the last quarter)\n", i+1, number(t.rss, "%.1f MiB"), number(t.rssEnd, "%.1f MiB"))
	}
	if s.kills == 0 || s.restarts == 0 {
		r.faults = append(r.faults, "nothing was killed or restarted")
	}
	_ = w.Flush()
	for _, fault := range r.faults {
		fmt.Fprintln(out, "WRONG:", fault)
	}
	if n := len(r.faults) + r.moreFaults; n > 0 {
		return fmt.Errorf("%d things wrong", n)
	}
	return nil
}

// number is a dash for a host that was killed too often to be measured.
func number(n float64, format string) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf(format, n)
}

// outcomes lists codes with their numbers, the most frequent first.
func outcomes(by map[webhook.Code]int) string {
	codes := slices.SortedFunc(maps.Keys(by), func(a, b webhook.Code) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
	})
	text := ""
	for _, code := range codes {
		text += fmt.Sprintf(" %s %d", cmp.Or(code, "accepted"), by[code])
	}
	return text
}
