package retry_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/retry"
)

const seeds = 10_000

var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// sent is a retry of a simulated delivery that always fails.
type sent struct {
	wait  time.Duration // from the end of the previous attempt
	since time.Duration // from the end of the first attempt
}

// deliver fails until the budget is spent. Each attempt takes the duration of took.
func deliver(p retry.Policy, seed uint64, took func() time.Duration) []sent {
	var all []sent
	now := epoch
	for {
		at, ok := p.Next(retry.Failure{Made: len(all), First: epoch, Now: now, Seed: seed})
		if !ok || len(all) > retry.MaxRetries {
			return all
		}
		all = append(all, sent{at.Sub(now), at.Sub(epoch)})
		now = at.Add(took())
	}
}

// slowly makes attempts that take from 0 to 30 seconds, both ends included.
func slowly(seed uint64) func() time.Duration {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() time.Duration { return time.Duration(r.Int64N(int64(30*time.Second) + 1)) }
}

func instantly() time.Duration { return 0 }

func always(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// TestPresets holds every preset to its slots for many deliveries whose
// attempts take up to 30 seconds.
func TestPresets(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, tc := range []struct {
		name  string
		p     retry.Policy
		slots []retry.Slot // nil: any wait
	}{
		{"none", retry.None(), []retry.Slot{}},
		{"automation", retry.Automation(), []retry.Slot{{5 * s, 10 * s}, {30 * s, 60 * s}, {2 * m, 5 * m}}},
		{"jira", retry.Jira(), []retry.Slot{
			{10 * s, 20 * s},
			{27600 * time.Millisecond, 55200 * time.Millisecond},
			{76176 * time.Millisecond, 152352 * time.Millisecond},
			{210246 * time.Millisecond, 420492 * time.Millisecond},
			{580278 * time.Millisecond, 1160557 * time.Millisecond},
		}},
		{"standard", retry.Standard(), []retry.Slot{
			{5 * s, 6 * s}, {5 * m, 6 * m}, {30 * m, 36 * m}, {2 * h, 144 * m}, {5 * h, 6 * h},
			{10 * h, 12 * h}, {14 * h, 1008 * m}, {20 * h, 24 * h}, {24 * h, 1728 * m},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := tc.p.Validate(); err != nil {
				t.Fatalf("Validate: %v", err)
			}
			lowest := make([]time.Duration, len(tc.slots))
			highest := make([]time.Duration, len(tc.slots))
			for i := range lowest {
				lowest[i] = math.MaxInt64
			}
			for seed := range uint64(seeds) {
				all := deliver(tc.p, seed, slowly(seed))
				if len(all) != len(tc.slots) {
					t.Fatalf("seed %d: %d retries, want %d", seed, len(all), len(tc.slots))
				}
				for i, got := range all {
					lowest[i], highest[i] = min(lowest[i], got.wait), max(highest[i], got.wait)
				}
			}
			const rounding = time.Millisecond // slots above are rounded
			for i, slot := range tc.slots {
				if lowest[i] < slot.Min-rounding || highest[i] > slot.Max+rounding {
					t.Errorf("retry %d came from %v to %v after the previous attempt, want within %v", i+1, lowest[i], highest[i], slot)
				}
				if spread := highest[i] - lowest[i]; spread < (slot.Max-slot.Min)/2 {
					t.Errorf("retry %d: the waits of %d seeds spread over %v, want at least half of %v", i+1, seeds, spread, slot)
				}
			}
		})
	}
}

// TestJiraWindow: the first retry is at least 10 s after the failure, and the last
// between 15 and 30 minutes after the first failure, for attempts that take up
// to 30 s.
func TestJiraWindow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		took func(seed uint64) func() time.Duration
	}{
		{"0 to 30 s", slowly},
		{"0 s", func(uint64) func() time.Duration { return instantly }},
		{"30 s", func(uint64) func() time.Duration { return always(30 * time.Second) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seeds) {
				all := deliver(retry.Jira(), seed, tc.took(seed))
				if len(all) != 5 {
					t.Fatalf("seed %d: %d retries, want 5", seed, len(all))
				}
				if first := all[0].since; first < 10*time.Second {
					t.Errorf("seed %d: first retry after %v, want at least 10s", seed, first)
				}
				if last := all[4].since; last < 15*time.Minute || last > 30*time.Minute {
					t.Errorf("seed %d: last retry after %v, want 15m to 30m", seed, last)
				}
				for i := 1; i < len(all); i++ {
					if all[i].since <= all[i-1].since {
						t.Errorf("seed %d: retry %d is not after retry %d: %v", seed, i+1, i, all)
					}
					if all[i].wait <= all[i-1].wait {
						t.Errorf("seed %d: the interval before retry %d did not grow: %v", seed, i+1, all)
					}
				}
			}
		})
	}
}

// TestSeeds: only the seed makes the schedules of deliveries different, and equal seeds give equal schedules.
func TestSeeds(t *testing.T) {
	t.Parallel()
	p := retry.Automation()
	if diff := cmp.Diff(deliver(p, 7, instantly), deliver(p, 7, instantly), cmp.AllowUnexported(sent{})); diff != "" {
		t.Errorf("equal seeds, different schedules (-first +second):\n%s", diff)
	}
	seen := make(map[time.Duration]bool)
	for seed := range uint64(1000) {
		seen[deliver(p, seed, instantly)[0].wait] = true
	}
	if len(seen) < 990 {
		t.Errorf("1000 neighbouring seeds gave %d different waits", len(seen))
	}

	// The draws of one delivery are independent: an early retry in one slot
	// does not imply an early retry in the next.
	var early, both int
	for seed := range uint64(seeds) {
		all := deliver(p, seed, instantly)
		if all[0].wait < 7500*time.Millisecond {
			early++
			if all[1].wait < 45*time.Second {
				both++
			}
		}
	}
	if share := float64(both) / float64(early); share < 0.45 || share > 0.55 {
		t.Errorf("of the deliveries early in the first slot %.2f are early in the second, want about 0.5", share)
	}
}

func TestExponential(t *testing.T) {
	t.Parallel()
	const s = time.Second
	got, err := retry.Exponential(5, 3*s, 30*s, 2)
	want := []retry.Slot{{2 * s, 4 * s}, {4 * s, 8 * s}, {8 * s, 16 * s}, {16 * s, 32 * s}, {20 * s, 40 * s}}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Exponential (-want +got):\n%s", diff)
	}
	if err := (retry.Policy{Slots: got}).Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}

	most, err := retry.Exponential(retry.MaxRetries, retry.MaxWait/4*3, retry.MaxWait/4*3, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := (retry.Policy{Slots: most}).Validate(); err != nil {
		t.Errorf("the largest schedule: Validate: %v", err)
	}
	for _, tc := range []struct {
		name             string
		retries          int
		initial, longest time.Duration
		multiplier       float64
		field            string
	}{
		{"no retries", 0, s, s, 2, "retries"},
		{"too many retries", 101, s, s, 2, "retries"},
		{"initial 0", 1, 0, s, 2, "initial"},
		{"longest below initial", 1, s, s - 1, 2, "longest"},
		{"longest too long", 1, s, retry.MaxWait, 2, "longest"},
		{"multiplier below 1", 1, s, s, 0.9, "multiplier"},
		{"multiplier infinite", 1, s, s, math.Inf(1), "multiplier"},
		{"multiplier not a number", 1, s, s, math.NaN(), "multiplier"},
	} {
		slots, err := retry.Exponential(tc.retries, tc.initial, tc.longest, tc.multiplier)
		if slots != nil {
			t.Errorf("%s: got slots %v, want none", tc.name, slots)
		}
		refused(t, tc.name, err, tc.field)
	}
}
