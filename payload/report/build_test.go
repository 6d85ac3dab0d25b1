package report_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

// Rule: Build looks up the run by its processId, asks for each name once, and counts what the host
// did not count.
func TestBuild(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	names := report.NameFuncs{
		User:  func(_ context.Context, id string) (string, bool) { asked["user "+id]++; return "Ada", true },
		Group: func(_ context.Context, id string) (string, bool) { asked["group "+id]++; return "", false },
	}
	res := report.Results{UserChanges: []report.UserChange{
		{UserID: "1", GroupsAdded: []string{"1"}, GroupsRemoved: []string{"1", "2"}, AppAccessRemoved: []string{"cmdb"}},
		{UserID: "1", Suspended: true, Restored: true, Failed: true},
		{UserID: "2", Name: "Bob"},
	}}
	source := report.SourceFunc(func(_ context.Context, id string) (report.Results, error) {
		asked[id]++
		return res, nil
	})
	s := success()
	got, err := report.Build(t.Context(), source, names, &s)
	if err != nil {
		t.Fatal(err)
	}
	want := report.Report{Trigger: "taskSuccess", ProcessID: processID, Name: s.Name, ActionTypes: s.ActionTypes, DeepLink: deepLink,
		Users: []report.User{
			{Name: "Ada", GroupsAdded: []string{"unknown group"}, GroupsRemoved: []string{"unknown group", "unknown group"}, AppAccessRemoved: []string{"Assets"}},
			{Name: "Ada", Suspended: true, Restored: true, Failed: true},
			{Name: "Bob"},
		},
		Totals: report.Totals{UsersUpdated: 2, FailedCount: 1, GroupsAdded: 1, GroupsRemoved: 2, AppAccessRemoved: 1, UsersSuspended: 1, UsersRestored: 1, TotalUserChanges: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{processID: 1, "user 1": 1, "group 1": 1, "group 2": 1}, asked); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
	res.Totals = report.Totals{UsersUpdated: 900, TotalUserChanges: 1000}
	if got, err = report.Build(t.Context(), source, names, s); err != nil || got.Totals != (report.Totals{UsersUpdated: 900, FailedCount: 1, TotalUserChanges: 1000}) {
		t.Errorf("counts of the host: %+v, %v", got.Totals, err)
	}
}

func TestBuild_refuses(t *testing.T) {
	t.Parallel()
	down := errors.New("agent is down")
	source := report.SourceFunc(func(context.Context, string) (report.Results, error) { return report.Results{}, down })
	if _, err := report.Build(t.Context(), source, nil, failure()); !errors.Is(err, down) {
		t.Errorf("error %v, want the Source's", err)
	}
	if _, err := report.Build(t.Context(), nil, nil, failure()); err == nil {
		t.Error("a nil Source was accepted")
	}
	for _, event := range []payload.Data{nil, payload.OrgKeyExpiry{}, (*payload.TaskSuccess)(nil), (*payload.TaskFailure)(nil)} {
		if _, err := report.Build(t.Context(), source, nil, event); !errors.Is(err, report.ErrNotTask) {
			t.Errorf("%T: %v, want ErrNotTask", event, err)
		}
	}
}
