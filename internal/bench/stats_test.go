package main

import (
	"testing"

	"github.com/postrider/postrider/payload"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"nothing", nil, 0},
		{"one", []float64{3}, 3},
		{"odd", []float64{9, 1, 5}, 5},
		{"even: the mean of the middle two", []float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.in); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Rule: a ratio is taken within a round, and a round in which either failed has none.
func TestRatios(t *testing.T) {
	t.Parallel()
	base := rounds{{perSecond: 10}, {perSecond: 20}, nil, {perSecond: 5}}
	r := rounds{{perSecond: 20}, {perSecond: 10}, {perSecond: 1}, nil}
	if got := spread(r.ratios(base, perSecond)); got != "1.25 (0.50-2.00)" {
		t.Errorf("got %s", got)
	}
}

func TestTarget_verdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		t    target
		want string
	}{
		{"not run", target{}, "not measured"},
		{"without a goal", target{free: true, measured: 1, known: true}, "for comparison"},
		{"at least, goal reached", target{bar: 1, goal: 2, least: true, measured: 2, known: true}, "goal"},
		{"at least, bar reached", target{bar: 1, goal: 2, least: true, measured: 1.5, known: true}, "bar"},
		{"at least, nearly, in noise", target{bar: 1, goal: 2, least: true, tolerant: true, measured: 0.9, known: true}, "bar, within noise"},
		{"at least, nearly, exact", target{bar: 1, goal: 2, least: true, measured: 0.9, known: true}, "**missed**"},
		{"at most, goal reached", target{bar: 60, goal: 50, measured: 46, known: true}, "goal"},
		{"at most, bar reached", target{bar: 60, goal: 50, measured: 55, known: true}, "bar"},
		{"at most, in noise", target{bar: 1, goal: 0.5, tolerant: true, measured: 1.1, known: true}, "bar, within noise"},
		{"at most, beyond noise", target{bar: 1, goal: 0.5, tolerant: true, measured: 1.2, known: true}, "**missed**"},
	} {
		if got := c.t.verdict(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestParseBench(t *testing.T) {
	t.Parallel()
	got := parseBench([]byte("goos: linux\npkg: github.com/postrider/postrider/retry\n" +
		"BenchmarkNext/jira-2   \t 100\t 53.5 ns/op\t 0 B/op\t 0 allocs/op\nBenchmarkNext/jira-2 \t 100\t 54.5 ns/op\t 0 B/op\t 0 allocs/op\nBenchmarkClaim/sqlite/million-2 \t1\t 1.08 x-baseline\nPASS\n"))
	if len(got) != 2 || got[0].pkg != "retry" {
		t.Fatalf("got %+v", got)
	}
	if v, ok := find(got, "Next/jira", "ns/op"); !ok || v != 54 {
		t.Errorf("ns/op: %v %v", v, ok)
	}
	if v, ok := find(got, "Claim/sqlite/million", "x-baseline"); !ok || v != 1.08 {
		t.Errorf("x-baseline: %v %v", v, ok)
	}
}

// Rule: the body of hand-made requests is the one that Postrider encodes.
func TestBody(t *testing.T) {
	t.Parallel()
	e, err := payload.New("acme", taskSuccess)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) != 430 || string(e.Body) != string(body) {
		t.Errorf("by hand %d bytes, want 430:\n%s\nencoded:\n%s", len(body), body, e.Body)
	}
}
