package payload_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// plannedData pairs every announced feature with Data that uses it.
func plannedData() map[string]payload.Data {
	counted := success()
	counted.Counts = &payload.Counts{Total: 3, Succeeded: 1, Failed: 1}
	all := map[string]payload.Data{"counts": counted}
	for _, name := range payload.Planned() {
		if data, ok := payload.Sample(name); ok {
			all[name] = data
		}
	}
	return all
}

func TestPlanned_refusedUnlessListed(t *testing.T) {
	t.Parallel()
	names := payload.Planned()
	want := []string{"bulkOperationCompleted", "syncCompleted", "syncFailed", "licenseThreshold", "preDeactivationNotice", "counts"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatalf("Planned (-want +got):\n%s", diff)
	}
	all := plannedData()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := all[name]
			others := []string{}
			for _, other := range names {
				if other != name {
					others = append(others, other)
				}
			}
			for _, opts := range [][]payload.Option{nil, {payload.WithPlanned()}, {payload.WithPlanned(others...)}} {
				_, err := payload.New("acme", data, opts...)
				var planned *payload.PlannedError
				if !errors.Is(err, payload.ErrPlanned) || !errors.As(err, &planned) || planned.Name != name || !strings.HasPrefix(err.Error(), "payload: "+name+" ") {
					t.Errorf("New = %v, want a PlannedError for %s", err, name)
				}
			}
			ev := mustNew(t, data, payload.WithPlanned(name))
			if diff := cmp.Diff([]string{name}, ev.Planned()); diff != "" {
				t.Errorf("Event.Planned (-want +got):\n%s", diff)
			}
			got, err := payload.Decode(ev.Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(data, got); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
		})
	}
	if err := refused(t, success(), payload.WithPlanned("taskSuccess")); err.Field != "Planned" {
		t.Errorf("refused %s, want Planned", err.Field)
	}
}

func TestPlanned_foreignTypeCannotTakeTheName(t *testing.T) {
	t.Parallel()
	for name := range plannedData() {
		if name == "counts" {
			continue // no trigger
		}
		if _, err := payload.New("acme", plain{Type: name}); !errors.Is(err, payload.ErrPlanned) {
			t.Errorf("%s: New = %v, want ErrPlanned", name, err)
		}
	}
}

func TestEvent_Planned(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		ev   payload.Event
		want []string
	}{
		{"settled trigger", mustNew(t, success()), nil},
		{"zero event", payload.Event{}, nil},
		{"by hand, announced trigger", payload.Event{Type: "syncFailed"}, []string{"syncFailed"}},
		{"by hand, counts is no trigger", payload.Event{Type: "counts"}, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.ev.Planned()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	ev := mustNew(t, plannedData()["counts"], allPlanned())
	ev.Planned()[0] = "changed"
	payload.Planned()[0] = "changed"
	if ev.Planned()[0] != "counts" || payload.Planned()[0] != "bulkOperationCompleted" {
		t.Error("a caller can change what Planned returns")
	}
}

func TestNew_refusesPlannedFields(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 27, 0, 0, 0, 0, time.UTC)
	counts := func(total, succeeded, failed int) payload.Data {
		s := success()
		s.Counts = &payload.Counts{Total: total, Succeeded: succeeded, Failed: failed}
		return s
	}
	const most = int(^uint(0) >> 1)
	cases := []struct {
		name  string
		data  payload.Data
		field string
	}{
		{"negative total", counts(-1, 0, 0), "counts.total"},
		{"negative succeeded", counts(1, -1, 0), "counts.succeeded"},
		{"negative failed", counts(1, 0, -1), "counts.failed"},
		{"more than the total", counts(3, 2, 2), "counts.total"},
		{"a sum that overflows", counts(most, most, most), "counts.total"},
		{"bulk without link", payload.BulkOperationCompleted{ProcessID: runID, Name: "n"}, "deepLink"},
		{"sync without id", payload.SyncCompleted{FinishedAt: at, DeepLink: link}, "syncId"},
		{"sync without time", payload.SyncFailed{SyncID: "s", DeepLink: link}, "finishedAt"},
		{"license without product", payload.LicenseThreshold{Limit: 1, Threshold: 1, SettingsURL: settings}, "product"},
		{"license without limit", payload.LicenseThreshold{Product: "jira", Threshold: 1, SettingsURL: settings}, "limit"},
		{"license without threshold", payload.LicenseThreshold{Product: "jira", Limit: 1, SettingsURL: settings}, "threshold"},
		{"license with negative use", payload.LicenseThreshold{Product: "jira", Used: -1, Limit: 1, Threshold: 1, SettingsURL: settings}, "used"},
		{"notice with negative users", payload.PreDeactivationNotice{ProcessID: runID, Name: "n", DeactivatesAt: at, Users: -1, DeepLink: link}, "users"},
		{"notice with another id", payload.PreDeactivationNotice{ProcessID: "x", Name: "n", DeactivatesAt: at, DeepLink: link}, "processId"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := refused(t, tc.data, allPlanned()); err.Field != tc.field {
				t.Errorf("refused %s, want %s", err.Field, tc.field)
			}
		})
	}
}
