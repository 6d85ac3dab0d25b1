package report_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

// Rule: no text has a link, or a part of one, with a user name, a password or without TLS, from any
// source.
func TestCanaryOfLinks(t *testing.T) {
	t.Parallel()
	for _, link := range []string{
		"https://user:secretCanary@your-site.example/pathCanary",
		"https://secretCanary@your-site.example/",
		"http://your-site.example/pathCanary?token=secretCanary",
		"javascript:secretCanary",
		"https://your-site.example\x00/pathCanary",
		"https:///pathCanary",
	} {
		names := report.NameFuncs{
			User: func(context.Context, string) (string, bool) { return "Ada", true },
			Link: func(context.Context, string) string { return link },
		}
		r := build(t, payload.TaskFailure{ProcessID: failure().ProcessID, Name: "Clean-up", ActionTypes: []string{"x"}, DeepLink: link},
			report.Results{UserChanges: []report.UserChange{{UserID: ada, Failed: true}}}, names)
		reminder := report.KeyReminder(payload.OrgKeyExpiry{APIKeyID: "k", Name: "n", SettingsURL: link})
		for where, text := range map[string]string{
			"message": report.SlackMessage(r), "page": fmt.Sprint(report.AuditPage(r, time.Unix(0, 0))), "incident": fmt.Sprint(report.Incident(r)), "reminder": fmt.Sprint(reminder),
		} {
			if text == "" || strings.Contains(text, "Canary") {
				t.Errorf("%s of %q: %s", where, link, text)
			}
		}
	}
}

// Rule: identifiers without a name, and the text of a Source's error, are not shown.
func TestCanaryOfIdentifiers(t *testing.T) {
	t.Parallel()
	nameless := report.NameFuncs{
		User:  func(context.Context, string) (string, bool) { return "nameCanary", false },
		Group: func(context.Context, string) (string, bool) { return "nameCanary", false },
		App:   func(context.Context, string) (string, bool) { return "nameCanary", false },
	}
	r := build(t, success(), report.Results{UserChanges: []report.UserChange{{UserID: "idCanary", GroupsAdded: []string{"groupCanary"},
		GroupsRemoved: []string{"groupCanary"}, AppAccessRemoved: []string{"appCanary"}}}}, nameless)
	text := report.SlackMessage(r) + fmt.Sprint(report.AuditPage(r, time.Unix(0, 0))) + fmt.Sprint(report.Incident(r)) + fmt.Sprintf("%+v", r)
	if !strings.Contains(text, "unknown user") || strings.Contains(text, "Canary") {
		t.Errorf("an identifier is shown: %s", text)
	}

	away := errors.New("directory is away")
	got, err := report.Build(t.Context(), report.SourceFunc(func(context.Context, string) (report.Results, error) {
		return report.Results{UserChanges: []report.UserChange{{Email: "mailCanary@example.com"}}}, away
	}), nil, success())
	if !errors.Is(err, away) || strings.Contains(err.Error(), "Canary") {
		t.Errorf("error %v, want that of the Source alone", err)
	}
	if diff := cmp.Diff(report.Report{}, got); diff != "" {
		t.Errorf("a report beside an error (-want +got)\n%s", diff)
	}
}
