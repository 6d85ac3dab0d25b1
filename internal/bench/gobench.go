package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// result is a Go benchmark, run once or several times.
type result struct {
	pkg, name string
	runs      rounds // by unit: "ns/op", "B/op", "allocs/op" and what a benchmark reports itself
}

// metric returns the median of the runs.
func (r result) metric(unit string) (float64, bool) {
	xs := r.runs.values(unit)
	return median(xs), len(xs) > 0
}

// spread is the metric in the format of the tables.
func (r result) spread(unit string) string { return spread(r.runs.values(unit)) }

// goBench runs benchmarks of other modules of the tree, in a folder relative to the root.
func goBench(ctx context.Context, root, dir string, args ...string) ([]result, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-run", "^$"}, args...)...)
	cmd.Dir = root + "/" + dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	results := parseBench(out)
	if err != nil {
		err = fmt.Errorf("bench: go test in %s: %w", dir, err)
	}
	return results, err
}

func parseBench(out []byte) (results []result) {
	var pkg string
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "pkg: "); ok {
			pkg = strings.TrimPrefix(rest, "github.com/postrider/postrider/")
			continue
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		run := figures{}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				run[fields[i+1]] = v
			}
		}
		same := slices.IndexFunc(results, func(r result) bool { return r.pkg == pkg && r.name == name })
		if same < 0 {
			same = len(results)
			results = append(results, result{pkg: pkg, name: name})
		}
		results[same].runs = append(results[same].runs, run)
	}
	return results
}

// find returns the median of a figure of the first benchmark with that name.
func find(results []result, name, unit string) (float64, bool) {
	for _, r := range results {
		if r.name == name {
			return r.metric(unit)
		}
	}
	return 0, false
}
