package retry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/retry"
)

// refused checks that err is ErrInvalid and names the field.
func refused(t *testing.T, name string, err error, field string) {
	t.Helper()
	switch {
	case !errors.Is(err, retry.ErrInvalid):
		t.Errorf("%s: error %v, want ErrInvalid", name, err)
	case !strings.HasPrefix(err.Error(), "retry: ") || !strings.Contains(err.Error(), field):
		t.Errorf("%s: error %q does not name the package and %q", name, err, field)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	const s = time.Second
	one := []retry.Slot{{s, 2 * s}}
	for _, tc := range []struct {
		name  string
		p     retry.Policy
		field string // "": valid
	}{
		{"zero value", retry.Policy{}, ""},
		{"one fixed wait", retry.Policy{Slots: []retry.Slot{{s, s}}}, ""},
		{"milliseconds", retry.Policy{Slots: []retry.Slot{{time.Millisecond, 5 * time.Millisecond}}}, ""},
		{"largest", retry.Policy{Slots: []retry.Slot{{1, retry.MaxWait}}, MaxAfter: retry.MaxWait, Last: retry.Slot{1, retry.MaxWait}}, ""},
		{"as many as allowed", retry.Policy{Slots: make100()}, ""},
		{"too many", retry.Policy{Slots: append(make100(), one...)}, "Slots has 101"},
		{"no pause", retry.Policy{Slots: []retry.Slot{{s, s}, {0, s}}}, "Slots[1].Min"},
		{"negative", retry.Policy{Slots: []retry.Slot{{-s, s}}}, "Slots[0].Min"},
		{"upside down", retry.Policy{Slots: []retry.Slot{{2 * s, s}}}, "Slots[0].Max"},
		{"too long", retry.Policy{Slots: []retry.Slot{{s, retry.MaxWait + 1}}}, "Slots[0].Max"},
		{"negative cap", retry.Policy{Slots: one, MaxAfter: -1}, "MaxAfter"},
		{"long cap", retry.Policy{Slots: one, MaxAfter: retry.MaxWait + 1}, "MaxAfter"},
		{"window", retry.Policy{Slots: one, Last: retry.Slot{s, s}}, ""},
		{"window without slots", retry.Policy{Last: retry.Slot{s, s}}, "Last"},
		{"window upside down", retry.Policy{Slots: one, Last: retry.Slot{3 * s, 2 * s}}, "Last.Max"},
		{"negative window", retry.Policy{Slots: one, Last: retry.Slot{-s, 2 * s}}, "Last.Min"},
		{"window over too soon", retry.Policy{Slots: []retry.Slot{{s, s}, {s, s}}, Last: retry.Slot{0, 2*s - 1}}, "Last.Max"},
		{"window without room for the rest", retry.Policy{Slots: []retry.Slot{{2 * s, 2 * s}, {1, s}}, Last: retry.Slot{0, 3 * s}}, "Last.Max"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := tc.p.Validate()
			if tc.field != "" {
				refused(t, "Validate", err, tc.field)
			} else if err != nil {
				t.Errorf("Validate: %v, want nil", err)
			}
		})
	}
}

func make100() []retry.Slot {
	slots := make([]retry.Slot, retry.MaxRetries)
	for i := range slots {
		slots[i] = retry.Slot{Min: retry.MaxWait, Max: retry.MaxWait}
	}
	return slots
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, tc := range []struct {
		name             string
		p                retry.Policy
		horizon, maxStep time.Duration
		preview          []retry.Step // Earliest and Latest to the second
	}{
		{"none", retry.None(), 0, 0, []retry.Step{}},
		{"automation", retry.Automation(), 6*m + 10*s, 15 * m, []retry.Step{
			{1, 5 * s, 10 * s}, {2, 35 * s, 70 * s}, {3, 155 * s, 370 * s},
		}},
		{"jira", retry.Jira(), 29*m + 50*s, 30 * m, []retry.Step{
			{1, 10 * s, 20 * s}, {2, 38 * s, 75 * s}, {3, 114 * s, 228 * s}, {4, 324 * s, 648 * s}, {5, 904 * s, 29*m + 50*s},
		}},
		{"standard", retry.Standard(), 90*h + 42*m + 6*s, 28*h + 48*m, []retry.Step{
			{1, 5 * s, 6 * s},
			{2, 5*m + 5*s, 6*m + 6*s},
			{3, 35*m + 5*s, 42*m + 6*s},
			{4, 2*h + 35*m + 5*s, 3*h + 6*m + 6*s},
			{5, 7*h + 35*m + 5*s, 9*h + 6*m + 6*s},
			{6, 17*h + 35*m + 5*s, 21*h + 6*m + 6*s},
			{7, 31*h + 35*m + 5*s, 37*h + 54*m + 6*s},
			{8, 51*h + 35*m + 5*s, 61*h + 54*m + 6*s},
			{9, 75*h + 35*m + 5*s, 90*h + 42*m + 6*s},
		}},
		{"late window", retry.Policy{Slots: []retry.Slot{{s, s}, {s, s}}, Last: retry.Slot{m, h}}, m, m, []retry.Step{
			{1, s, s}, {2, m, m},
		}},
		{"largest", retry.Policy{Slots: make100()}, 100 * retry.MaxWait, retry.MaxWait, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.p.Horizon(); got != tc.horizon {
				t.Errorf("Horizon() = %v, want %v", got, tc.horizon)
			}
			if got := tc.p.MaxStep(); got != tc.maxStep {
				t.Errorf("MaxStep() = %v, want %v", got, tc.maxStep)
			}
			if tc.preview == nil {
				return
			}
			got := tc.p.Preview()
			for i := range got {
				got[i].Earliest = got[i].Earliest.Round(s)
				got[i].Latest = got[i].Latest.Round(s)
			}
			if diff := cmp.Diff(tc.preview, got); diff != "" {
				t.Errorf("Preview (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPreviewHolds: every delivery keeps the schedule of Preview.
func TestPreviewHolds(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]retry.Policy{"automation": retry.Automation(), "jira": retry.Jira(), "standard": retry.Standard()} {
		steps := p.Preview()
		for seed := range uint64(seeds) {
			for i, got := range deliver(p, seed, instantly) {
				if got.since < steps[i].Earliest || got.since > steps[i].Latest {
					t.Fatalf("%s, seed %d: retry %d came after %v, shown as %v to %v", name, seed, i+1, got.since, steps[i].Earliest, steps[i].Latest)
				}
			}
		}
	}
}
