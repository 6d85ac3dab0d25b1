package report_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	processID = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
	deepLink  = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/automatedTasks?taskId=task-1&processId=" + processID
	settings  = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/notifications"
	ada       = "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"
	bob       = "5b10ac8d82e05b22cc7d4ef5"
	eve       = "70121:11111111-2222-4333-8444-555555555555"
	group     = "276f955c-63d7-42c8-9520-92d01dca0625"
)

func success() payload.TaskSuccess {
	return payload.TaskSuccess{ProcessID: processID, Name: "Deactivate Inactive User", ActionTypes: []string{"addToGroups", "removeAppAccess"}, DeepLink: deepLink}
}

func failure() payload.TaskFailure {
	return payload.TaskFailure{ProcessID: processID, Name: "License Clean-up", ActionTypes: []string{"removeAppAccess"}, DeepLink: deepLink}
}

// directory knows Ada, Bob and one group, and finds users by e-mail.
func directory() report.Names {
	find := "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/users?search="
	return report.NameFuncs{
		User: func(_ context.Context, id string) (string, bool) {
			name, ok := map[string]string{ada: "Ada Lovelace", bob: "Bob Moran"}[id]
			return name, ok
		},
		Group: func(_ context.Context, id string) (string, bool) { return "deactivated_users", id == group },
		Link: func(_ context.Context, id string) string {
			return map[string]string{ada: find + "ada%40example.com", bob: "https://your-site.atlassian.net/people/" + bob, eve: find + eve}[id]
		},
	}
}

func results() report.Results {
	return report.Results{UserChanges: []report.UserChange{
		{UserID: ada, Email: "ada@example.com", GroupsAdded: []string{group}, AppAccessRemoved: []string{"confluence", "cmdb"}, Suspended: true, Outcome: "done"},
		{UserID: bob, Email: "bob_m@example.com", GroupsRemoved: []string{group, "no-such-group"}, Failed: true, Action: "removeFromGroups", Outcome: "the group is managed elsewhere"},
		{UserID: eve, AppAccessRemoved: []string{"jira-servicedesk"}, Restored: true},
		{},
	}}
}

func build(t testing.TB, event payload.Data, res report.Results, names report.Names) report.Report {
	t.Helper()
	r, err := report.Build(context.Background(), report.SourceFunc(func(context.Context, string) (report.Results, error) {
		return res, nil
	}), names, event)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hostile are names with markup.
func hostile() (payload.TaskFailure, report.Results, report.Names) {
	evil := "<!channel> | x | `y` [z](https://evil.example) *b* _i_ ~s~ @here <@U1> <https://evil.example|ok>\n# Heading\n| a | b |\\"
	task := payload.TaskFailure{ProcessID: "p | q`\n# r", Name: evil, ActionTypes: []string{evil, "|", "\u202e"}, DeepLink: `https://evil.example/a|b)<c>"d e?x=&copy;`}
	res := report.Results{UserChanges: []report.UserChange{{
		UserID: "1", Email: "a|b@c", GroupsAdded: []string{evil, "g\\"}, GroupsRemoved: []string{"www.evil.example"}, AppAccessRemoved: []string{":x:"},
		Failed: true, Action: evil, Outcome: "<script>alert(1)</script>",
	}}}
	names := report.NameFuncs{
		User: func(context.Context, string) (string, bool) { return evil, true },
		Link: func(context.Context, string) string { return "javascript:alert(1)" },
	}
	return task, res, names
}

// item is a work item as text.
func item(w report.WorkItem) string {
	due := ""
	if !w.Due.IsZero() {
		due = w.Due.Format(time.DateOnly)
	}
	return "Summary: " + w.Summary + "\nPriority: " + w.Priority + "\nDue: " + due + "\n\n" + w.Description
}

func TestGolden(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 27, 11, 30, 0, 0, time.FixedZone("", 2*60*60))
	many := report.Results{}
	for _, name := range strings.Fields("Ann Ben Cid Dan Eli Fay Gus Hal Ian Jan Kim Lea") {
		many.UserChanges = append(many.UserChanges, report.UserChange{Name: name, Suspended: true})
	}
	evilTask, evilResults, evilNames := hostile()
	good := build(t, success(), results(), directory())
	bad := build(t, failure(), results(), directory())
	evil := build(t, evilTask, evilResults, evilNames)
	noUsers := build(t, success(), report.Results{}, nil)
	key, _ := payload.Sample("orgKeyExpiry")
	reminder := report.KeyReminder(key.(payload.OrgKeyExpiry))
	evilReminder := report.KeyReminder(payload.OrgKeyExpiry{APIKeyID: "k`\n# x", Name: evilTask.Name, ExpiresAt: at, SettingsURL: "http://evil.example"})
	page := func(r report.Report) string {
		p := report.AuditPage(r, at)
		return "Title: " + p.Title + "\n\n" + p.Markdown
	}
	for name, got := range map[string]string{
		"audit.md":             page(good),
		"audit_nobody.md":      page(noUsers),
		"audit_hostile.md":     page(evil),
		"slack_warning.txt":    report.SlackMessage(good),
		"slack_failure.txt":    report.SlackMessage(bad),
		"slack_many.txt":       report.SlackMessage(build(t, success(), many, nil)),
		"slack_nobody.txt":     report.SlackMessage(noUsers),
		"slack_hostile.txt":    report.SlackMessage(evil),
		"incident.md":          item(report.Incident(bad)),
		"incident_hostile.md":  item(report.Incident(evil)),
		"reminder_email.txt":   "Subject: " + reminder.Email.Subject + "\n\n" + reminder.Email.Body,
		"reminder_item.md":     item(reminder.WorkItem),
		"reminder_hostile.txt": "Subject: " + evilReminder.Email.Subject + "\n\n" + evilReminder.Email.Body + "\n" + item(evilReminder.WorkItem),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("go test -update writes the golden files anew (-want +got):\n%s", diff)
			}
		})
	}
}
