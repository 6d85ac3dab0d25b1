package report_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

// A receiver turns the webhook into texts, with the host's own lookups.
func Example() {
	event, err := payload.Decode([]byte(`{"trigger":"taskSuccess","processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205","name":"Deactivate Inactive User",` +
		`"actionTypes":["addToGroups"],"deepLink":"https://your-site.atlassian.net/run"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	source := report.SourceFunc(func(_ context.Context, processID string) (report.Results, error) {
		return report.Results{UserChanges: []report.UserChange{{UserID: "u1", Email: "ada@example.com", GroupsAdded: []string{"g1"}}}}, nil
	})
	names := report.NameFuncs{
		User:  func(_ context.Context, id string) (string, bool) { return "Ada | Lovelace", id == "u1" },
		Group: func(_ context.Context, id string) (string, bool) { return "", false },
	}
	r, err := report.Build(context.Background(), source, names, event)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report.SlackMessage(r))
	_, table, _ := strings.Cut(report.AuditPage(r, time.Now()).Markdown, "# Per-user changes\n\n")
	fmt.Print(table)
	// Output:
	// :white_check_mark: *Deactivate Inactive User* - `taskSuccess`
	// Actions: `addToGroups`
	// <https://your-site.atlassian.net/run|Open in User Manager>
	//
	// *Run summary*
	// - Users updated: `1` (`0` failed)
	// - Group ops: +`1` / -`0`
	// - App access removed: `0`
	// - Suspended: `0` - Restored: `0`
	//
	// *Affected users* (1)
	// - Ada | Lovelace (ada@example.com) - _+unknown group_
	// | User | Email | Groups added | Groups removed | App access removed | Suspended |
	// | --- | --- | --- | --- | --- | --- |
	// | Ada \| Lovelace | ada@example.com | unknown group | - | - | - |
}

func ExampleKeyReminder() {
	r := report.KeyReminder(payload.OrgKeyExpiry{APIKeyID: "key-1", Name: "Provisioning",
		ExpiresAt: time.Date(2026, 5, 27, 0, 0, 0, 0, time.UTC), SettingsURL: "https://your-site.atlassian.net/settings"})
	fmt.Println(r.Email.Subject)
	fmt.Println(r.WorkItem.Summary, r.WorkItem.Priority, r.WorkItem.Due.Format(time.DateOnly))
	// Output:
	// UCM API key 'Provisioning' expires 2026-05-27
	// Rotate UCM API key: Provisioning P2 2026-05-25
}
