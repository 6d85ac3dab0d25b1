package main

import (
	"fmt"
	"io"
	"strings"
)

// table is a Markdown table.
type table struct {
	title, note string
	head        []string
	rows        [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n", t.title)
	if t.note != "" {
		fmt.Fprintf(w, "%s\n\n", t.note)
	}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat(" --- |", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

// compared makes a row for each contender: the median of each figure with minimum and maximum, and
// its ratio to the net/http client of the same rounds.
func compared(title, note string, results map[string]rounds, names ...string) *table {
	t := &table{title: title, note: note, head: []string{"sender"}}
	for _, name := range names {
		if t.head = append(t.head, name); relative(name) {
			t.head = append(t.head, "to nethttp")
		}
	}
	for _, c := range allContenders {
		r := results[c]
		if len(r.values(failures)) == 0 {
			continue
		}
		row := []string{c}
		for _, name := range names {
			if row = append(row, spread(r.values(name))); relative(name) {
				row = append(row, spread(r.ratios(results[netHTTP], name)))
			}
		}
		t.add(row...)
	}
	return t
}

// relative reports whether a figure gets a ratio.
func relative(name string) bool {
	return name == perSecond || name == sentCPU
}
