package retry_test

import (
	"math"
	"testing"
	"time"

	"github.com/postrider/postrider/retry"
)

// TestRetryAfter: Retry-After is a minimum that jitter never undercuts, bounded by the policy.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	quiet := retry.Automation()
	quiet.MaxAfter = 0
	for _, tc := range []struct {
		name     string
		p        retry.Policy
		made     int
		age      time.Duration // from the first failure to Now
		after    time.Duration
		from, to time.Duration // from Now
	}{
		{"none: normal slot", retry.Automation(), 0, 0, 0, 5 * s, 10 * s},
		{"negative: normal slot", retry.Automation(), 0, 0, -h, 5 * s, 10 * s},
		{"below the slot: normal slot", retry.Automation(), 1, 10 * s, 7 * s, 30 * s, 60 * s},
		{"inside the slot: not before it", retry.Automation(), 1, 10 * s, 50 * s, 50 * s, 60 * s},
		{"above the slot: exactly then", retry.Automation(), 0, 0, 2 * m, 2 * m, 2 * m},
		{"automation: at most 15 minutes", retry.Automation(), 2, h, 24 * h, 15 * m, 15 * m},
		{"automation: no overflow", retry.Automation(), 0, 0, math.MaxInt64, 15 * m, 15 * m},
		{"not listened to", quiet, 0, 0, h, 5 * s, 10 * s},
		{"cap of one's own", retry.Policy{Slots: quiet.Slots, MaxAfter: m}, 0, 0, h, m, m},
		{"standard: at most a day", retry.Standard(), 0, 0, math.MaxInt64, 24 * h, 24 * h},
		{"jira: honoured inside the window", retry.Jira(), 0, 0, 5 * m, 5 * m, 5 * m},
		{"jira: 50 s before the end with 5 left", retry.Jira(), 0, 0, h, 29*m + 10*s, 29*m + 10*s},
		{"jira: 40 s with 4 left", retry.Jira(), 1, 5 * m, h, 24*m + 20*s, 24*m + 20*s},
		{"jira: 30 s with 3 left", retry.Jira(), 2, 5 * m, h, 24*m + 30*s, 24*m + 30*s},
		{"jira: 20 s with 2 left", retry.Jira(), 3, 5 * m, h, 24*m + 40*s, 24*m + 40*s},
		{"jira: 10 s with 1 left", retry.Jira(), 4, 5 * m, math.MaxInt64, 24*m + 50*s, 24*m + 50*s},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1000) {
				now := epoch.Add(tc.age)
				at, ok := tc.p.Next(retry.Failure{Made: tc.made, First: epoch, Now: now, After: tc.after, Seed: seed})
				if got := at.Sub(now); !ok || got < tc.from || got > tc.to {
					t.Fatalf("seed %d: next after %v, %t; want from %v to %v", seed, got, ok, tc.from, tc.to)
				}
			}
		})
	}
}

// TestJiraRetryAfterForEver: a receiver that always sends a long Retry-After gets all
// its retries inside the window nevertheless, if it answers at once.
func TestJiraRetryAfterForEver(t *testing.T) {
	t.Parallel()
	now := epoch
	for made := range 5 {
		at, ok := retry.Jira().Next(retry.Failure{Made: made, First: epoch, Now: now, After: math.MaxInt64})
		if !ok || at.Sub(now) < 10*time.Second {
			t.Fatalf("retry %d: next after %v, %t; want at least 10s", made+1, at.Sub(now), ok)
		}
		now = at
	}
	if last := now.Sub(epoch); last < 15*time.Minute || last > 30*time.Minute {
		t.Errorf("last retry after %v, want 15m to 30m", last)
	}
}

// TestDowntime: a late delivery is tried again soon, and never dropped.
func TestDowntime(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, tc := range []struct {
		name     string
		p        retry.Policy
		made     int
		age      time.Duration
		from, to time.Duration
	}{
		{"automation: the next slot from now on", retry.Automation(), 1, 10 * h, 30 * s, 60 * s},
		{"jira: early retry, late but inside", retry.Jira(), 1, 20 * m, 27 * s, 56 * s},
		{"jira: last retry moved up", retry.Jira(), 4, 25 * m, 4*m + 50*s, 4*m + 50*s},
		{"jira: last retry at the last moment", retry.Jira(), 4, 29*m + 35*s, 15 * s, 15 * s},
		{"jira: late but possible", retry.Jira(), 2, 29*m + 30*s, 10 * s, 10 * s},
		{"jira: just too late", retry.Jira(), 4, 29*m + 41*s, 10 * s, 20 * s},
		{"jira: hours too late", retry.Jira(), 1, 10 * h, 10 * s, 20 * s},
		{"jira: last retry never too soon", retry.Jira(), 4, s, 15*m - s, 20 * m},
		{"first failure in the future", retry.Jira(), 4, -h, 15 * m, 20 * m},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1000) {
				now := epoch.Add(tc.age)
				at, ok := tc.p.Next(retry.Failure{Made: tc.made, First: epoch, Now: now, Seed: seed})
				if got := at.Sub(now); !ok || got < tc.from || got > tc.to {
					t.Fatalf("seed %d: next after %v, %t; want from %v to %v", seed, got, ok, tc.from, tc.to)
				}
			}
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		p    retry.Policy
		made int
		ok   bool
	}{
		{"none", retry.None(), 0, false},
		{"automation: third of three", retry.Automation(), 2, true},
		{"automation: spent", retry.Automation(), 3, false},
		{"jira: fifth of five", retry.Jira(), 4, true},
		{"jira: spent", retry.Jira(), 5, false},
		{"standard: ninth of nine", retry.Standard(), 8, true},
		{"standard: spent", retry.Standard(), 9, false},
		{"far beyond", retry.Standard(), math.MaxInt, false},
		{"negative counts as none made", retry.Standard(), -1, true},
	} {
		at, ok := tc.p.Next(retry.Failure{Made: tc.made, First: epoch, Now: epoch})
		if ok != tc.ok || at.IsZero() == tc.ok {
			t.Errorf("%s: Next = %v, %t; want ok %t and a time only then", tc.name, at, ok, tc.ok)
		}
	}
}

// TestFirstFailure: a zero First means that this failure is the first.
func TestFirstFailure(t *testing.T) {
	t.Parallel()
	p := retry.Jira()
	want, _ := p.Next(retry.Failure{First: epoch, Now: epoch, After: time.Hour})
	if got, ok := p.Next(retry.Failure{Now: epoch, After: time.Hour}); !ok || !got.Equal(want) {
		t.Errorf("Next without First = %v, %t; want %v", got, ok, want)
	}
}

// TestMonotonic: the time has no monotonic reading, because callers store it.
func TestMonotonic(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at, _ := retry.Automation().Next(retry.Failure{First: now, Now: now})
	if at != at.Round(0) {
		t.Errorf("Next returned %v, which has a monotonic clock reading", at)
	}
}

// FuzzNext: for any argument, Next returns a time after Now, at most MaxStep later.
func FuzzNext(f *testing.F) {
	f.Add(0, int64(0), int64(0), uint64(0))
	f.Add(4, int64(20*time.Minute), int64(math.MaxInt64), uint64(1))
	f.Add(-1, int64(math.MinInt64), int64(math.MinInt64), uint64(math.MaxUint64))
	policies := []retry.Policy{retry.Automation(), retry.Jira(), retry.Standard()}
	f.Fuzz(func(t *testing.T, made int, age, after int64, seed uint64) {
		for _, p := range policies {
			failure := retry.Failure{Made: made, First: epoch, Now: epoch.Add(time.Duration(age)), After: time.Duration(after), Seed: seed}
			at, ok := p.Next(failure)
			if ok != (made < len(p.Slots)) {
				t.Fatalf("%+v: ok is %t", failure, ok)
			}
			if wait := at.Sub(failure.Now); ok && (wait <= 0 || wait > p.MaxStep()) {
				t.Fatalf("%+v: next after %v, want more than 0 and at most %v", failure, wait, p.MaxStep())
			}
		}
	})
}

func TestNextAllocates(t *testing.T) {
	p := retry.Jira()
	failure := retry.Failure{Made: 4, First: epoch, Now: epoch.Add(10 * time.Minute), Seed: 1}
	if n := testing.AllocsPerRun(100, func() { p.Next(failure) }); n != 0 {
		t.Errorf("Next allocates %v times, want never", n)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, bc := range []struct {
		name string
		p    retry.Policy
	}{{"automation", retry.Automation()}, {"jira", retry.Jira()}} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			failure := retry.Failure{Made: len(bc.p.Slots) - 1, First: epoch, Now: epoch.Add(10 * time.Minute), After: time.Minute}
			for b.Loop() {
				failure.Seed++
				bc.p.Next(failure)
			}
		})
	}
}
