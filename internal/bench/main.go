// Command bench measures Postrider beside what a user would pick instead.
//
//	go run ./internal/bench          # everything, about 25 minutes on two CPUs
//	go run ./internal/bench -quick   # under five minutes
//	go run ./internal/bench -guard   # against testdata/guard.json, under a minute
//
// It starts what it needs: a receiver in a process of its own, a throw-away PostgreSQL,
// and Redis where it is installed. Each measurement is a process of its own; the
// contenders take turns in random order, and every figure is compared with the tuned
// net/http client of the same round. The tables are Markdown, on standard output.
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
	profiles := flag.String("profiles", "", "write CPU and allocation profiles of the drains to this folder, the last round's; they disturb what is measured")
	doc := flag.String("doc", "", "put the tables into this document too, between the lines "+docBegin+" and "+docEnd)
	only := flag.String("parts", "", "only these parts, separated by commas: "+strings.Join(partNames(), ", "))
	flag.Parse()

	var err error
	switch *as {
	case "receiver":
		err = receive()
	case "job":
		err = child()
	case "":
		err = parent(*quick, *guard, *update, *plots, *profiles, *doc, *only)
	default:
		err = fmt.Errorf("bench: -as %q must be receiver or job", *as)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parent(quick, guard, update bool, plots, profiles, doc, only string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	l, err := newLab(ctx, quick)
	if err != nil {
		return err
	}
	defer l.close()
	l.profiles = profiles
	if guard {
		return l.guard(ctx, update)
	}
	chosen := partNames()
	if only != "" {
		chosen = strings.Split(only, ",")
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
	if t := l.targets(only != ""); len(t.rows) > 0 {
		t.print(l.out)
	}
	if plots != "" {
		if err := l.plots(plots); err != nil {
			return err
		}
	}
	if doc != "" {
		return insert(doc, tables.Bytes())
	}
	return nil
}

const (
	docBegin = "<!-- measured -->"
	docEnd   = "<!-- end of measured -->"
)

// insert replaces what stands between the two marks of a document.
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
