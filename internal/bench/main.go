// Command bench measures Postrider and its alternatives.
//
//	go run ./internal/bench          # everything, about 25 minutes on two CPUs
//	go run ./internal/bench -quick   # under five minutes
//	go run ./internal/bench -guard   # against testdata/guard.json, about two minutes
//
// It starts all servers: a receiver in its own process, a throw-away PostgreSQL, and Redis where it
// is installed. Each measurement runs in its own process; the contenders take turns in random
// order, and every figure is compared with the tuned net/http client of the same round. The tables
// are Markdown, on standard output.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	as := flag.String("as", "", "what a child process is to be: receiver or job (used by the command itself)")
	quick := flag.Bool("quick", false, "fewer rounds, smaller sizes: under five minutes")
	guard := flag.Bool("guard", false, "compare ratios with testdata/guard.json and fail when one got worse")
	update := flag.Bool("update", false, "with -guard: write the measured ratios to testdata/guard.json")
	plots := flag.String("plots", "", "write plots as SVG to this folder")
	profiles := flag.String("profiles", "", "write CPU and allocation profiles of the drains and open loops to this folder, the last round's; they disturb what is measured")
	doc := flag.String("doc", "", "put the tables into this document too, between the lines "+docBegin+" and "+docEnd)
	only := flag.String("parts", "", "only these parts, separated by commas: "+strings.Join(partNames(), ", "))
	senders := flag.String("senders", "", "only senders whose names begin with one of these, separated by semicolons; nethttp always takes part")
	rounds := flag.Int("rounds", 0, "so many rounds of each part; 0 means as many as its tables need")
	flag.Parse()

	var err error
	switch *as {
	case "receiver":
		err = receive()
	case "job":
		err = child()
	case "":
		err = parent(&request{*quick, *guard, *update, *plots, *profiles, *doc, *only, *senders, *rounds})
	default:
		err = fmt.Errorf("bench: -as %q must be receiver or job", *as)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// request holds the options of the command line.
type request struct {
	quick, guard, update                 bool
	plots, profiles, doc, parts, senders string
	rounds                               int
}

func parent(r *request) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	l, err := newLab(ctx, r.quick)
	if err != nil {
		return err
	}
	defer l.close()
	l.profiles, l.rounds = r.profiles, r.rounds
	if r.senders != "" {
		l.senders = append(strings.Split(r.senders, ";"), netHTTP)
	}
	if r.guard {
		return l.guard(ctx, r.update)
	}
	chosen := partNames()
	if r.parts != "" {
		chosen = strings.Split(r.parts, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(partNames(), name) {
			return fmt.Errorf("bench: no part %q; there are %s", name, strings.Join(partNames(), ", "))
		}
	}
	var tables bytes.Buffer
	l.out = io.MultiWriter(os.Stdout, &tables)
	fmt.Fprintf(l.out, "\nMeasured with `%s`, %s. %s\n", strings.Join(append([]string{"go run ./internal/bench"}, os.Args[1:]...), " "),
		time.Now().UTC().Format(time.DateOnly), l.machine(ctx))
	for _, p := range program {
		if !slices.Contains(chosen, p.name) {
			continue
		}
		if !p.beside {
			if err := l.wait(); err != nil {
				return err
			}
		}
		if err := p.run(ctx, l); err != nil {
			return fmt.Errorf("bench: part %s: %w", p.name, err)
		}
	}
	if err := l.wait(); err != nil {
		return err
	}
	if t := l.targets(r.parts != ""); len(t.rows) > 0 {
		t.print(l.out)
	}
	if r.plots != "" {
		if err := l.plots(r.plots); err != nil {
			return err
		}
	}
	if r.doc != "" {
		return insert(r.doc, tables.Bytes())
	}
	return nil
}

const (
	docBegin = "<!-- measured -->"
	docEnd   = "<!-- end of measured -->"
)

// insert replaces the text between the two marks of a document.
func insert(name string, tables []byte) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	begin, end := bytes.Index(b, []byte(docBegin)), bytes.Index(b, []byte(docEnd))
	if begin < 0 || end < begin {
		return fmt.Errorf("bench: %s has no lines %s and %s", name, docBegin, docEnd)
	}
	out := slices.Concat(b[:begin+len(docBegin)], []byte("\n"), tables, []byte("\n"), b[end:])
	return os.WriteFile(name, out, 0o644)
}
