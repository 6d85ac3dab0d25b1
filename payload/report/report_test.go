package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

// Rule: a message starts with the outcome of the run: a check mark, a warning for failures inside a
// success, a cross for a failure.
func TestSlackMessage_emoji(t *testing.T) {
	t.Parallel()
	one := []report.UserChange{{Name: "Ada"}}
	cases := []struct {
		name  string
		event payload.Data
		res   report.Results
		want  string
	}{
		{"success", success(), report.Results{UserChanges: one}, ":white_check_mark: *Deactivate Inactive User* - `taskSuccess`\n"},
		{"success with failures", success(), report.Results{UserChanges: one, Totals: report.Totals{FailedCount: 1, TotalUserChanges: 1}}, ":warning: *Deactivate Inactive User* - `taskSuccess`\n"},
		{"success, a row failed", success(), report.Results{UserChanges: []report.UserChange{{Failed: true}}, Totals: report.Totals{UsersUpdated: 1}}, ":warning: *Deactivate Inactive User* - `taskSuccess`\n"},
		{"failure", failure(), report.Results{UserChanges: one}, ":x: *License Clean-up* - `taskFailure`\n"},
		{"failure with failures", failure(), report.Results{Totals: report.Totals{FailedCount: 3}}, ":x: *License Clean-up* - `taskFailure`\n"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := report.SlackMessage(build(t, tc.event, tc.res, nil)); !strings.HasPrefix(got, tc.want) {
				t.Errorf("message begins %.80q, want %q", got, tc.want)
			}
		})
	}
}

// Rule: at most ten users are listed, the rest is counted, and one line reports a run without
// changed users.
func TestSlackMessage_users(t *testing.T) {
	t.Parallel()
	rows := func(n int) []report.UserChange {
		return slices.Repeat([]report.UserChange{{Name: "Ada"}}, n)
	}
	cases := []struct {
		rows, total, bullets int
		want                 string // the end of the message
	}{
		{0, 0, 0, "\n\n_No per-user changes._\n"},
		{1, 0, 1, "*Affected users* (1)\n- Ada - _-_\n"},
		{10, 10, 10, "- Ada - _-_\n"},
		{11, 11, 10, "- Ada - _-_\n...and 1 more.\n"},
		{5, 1000, 5, "- Ada - _-_\n...and 995 more.\n"},
		{0, 7, 0, "*Affected users* (7)\n...and 7 more.\n"},
		{3, 1, 3, "*Affected users* (3)\n- Ada - _-_\n- Ada - _-_\n- Ada - _-_\n"},
	}
	for _, tc := range cases {
		got := report.SlackMessage(build(t, success(), report.Results{UserChanges: rows(tc.rows), Totals: report.Totals{TotalUserChanges: tc.total}}, nil))
		if n := strings.Count(got, "\n- Ada"); n != tc.bullets || !strings.HasSuffix(got, tc.want) {
			t.Errorf("%d rows of %d: %d bullets, want %d and the end %q:\n%s", tc.rows, tc.total, n, tc.bullets, tc.want, got)
		}
		if strings.Contains(got, "Affected users") == strings.Contains(got, "No per-user changes") {
			t.Errorf("%d rows of %d: the list and the line that replaces it exclude each other:\n%s", tc.rows, tc.total, got)
		}
	}
}

// Rule: a bullet lists all changes of the user, with names, within the limit of a message.
func TestSlackMessage_bullet(t *testing.T) {
	t.Parallel()
	row := report.UserChange{UserID: ada, Email: "ada@example.com", GroupsAdded: []string{group}, GroupsRemoved: []string{"admins"},
		AppAccessRemoved: []string{"confluence", "cmdb"}, Suspended: true, Restored: true, Failed: true}
	names := directory().(report.NameFuncs)
	names.Group = func(_ context.Context, id string) (string, bool) {
		return map[string]string{group: "deactivated_users", "admins": "admins"}[id], true
	}
	got := report.SlackMessage(build(t, success(), report.Results{UserChanges: []report.UserChange{row}}, names))
	want := "- <https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/users?search=ada%40example.com|Ada Lovelace> (ada@example.com) - " +
		"_+deactivated_users, -admins, -Confluence access, -Assets access, suspended, restored, failed_\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("message:\n%s\nmust end with\n%s", got, want)
	}
	for i := range 500 {
		row.GroupsAdded = append(row.GroupsAdded, fmt.Sprint("g", i))
	}
	got = report.SlackMessage(build(t, success(), report.Results{UserChanges: []report.UserChange{row}}, nil))
	if !strings.HasSuffix(got, ", and 486 more, failed_\n") {
		t.Errorf("a user with 501 groups ends %q", got[max(0, len(got)-80):])
	}
}

// Rule: links are Slack's, bold has one star, no table and no code fence.
func TestSlackMessage_dialect(t *testing.T) {
	t.Parallel()
	evilTask, evilResults, evilNames := hostile()
	linked := evilNames.(report.NameFuncs)
	linked.Link = func(context.Context, string) string { return "https://your-site.atlassian.net/users?a=1&b=<x|y>" }
	for _, r := range []report.Report{build(t, success(), results(), directory()), build(t, evilTask, evilResults, evilNames), build(t, evilTask, evilResults, linked)} {
		got := report.SlackMessage(r)
		for _, bad := range []string{"](", "**", "```", "| ---", "<!", "<@"} {
			if bad == "](" && r.Name == evilTask.Name {
				continue // means nothing in mrkdwn
			}
			if strings.Contains(got, bad) {
				t.Errorf("the message holds %q:\n%s", bad, got)
			}
		}
		for _, link := range regexp.MustCompile(`<[^>]*>`).FindAllString(got, -1) {
			if !regexp.MustCompile(`^<https://[^|<>\s]+\|[^|<>\n]+>$`).MatchString(link) {
				t.Errorf("link %q", link)
			}
		}
	}
}

// Rule: empty cells of a table hold a dash, and those of users, groups and apps hold neither a UUID
// nor a profile link. The rows of the run itself keep theirs.
func TestTables(t *testing.T) {
	t.Parallel()
	leaky := report.NameFuncs{ // a directory that returns hidden identifiers
		User:  func(_ context.Context, id string) (string, bool) { return id, true },
		Group: func(_ context.Context, id string) (string, bool) { return "group " + id, true },
		App:   func(_ context.Context, id string) (string, bool) { return id, id != "jira" },
		Link:  func(_ context.Context, id string) string { return "https://your-site.atlassian.net/people/" + id },
	}
	rows := []report.UserChange{
		{UserID: ada, GroupsAdded: []string{group}, GroupsRemoved: []string{group}, AppAccessRemoved: []string{group, "jira"}, Action: "add " + group},
		{Name: ada, UserID: eve, Email: "eve@example.com", Suspended: true},
		{},
	}
	r := build(t, failure(), report.Results{UserChanges: rows}, leaky)
	want := map[string][]string{
		report.AuditPage(r, time.Now()).Markdown: {
			"| unknown user | - | unknown group | unknown group | unknown app, unknown app | - |",
			"| unknown user | eve@example.com | - | - | - | yes |",
			"| unknown user | - | - | - | - | - |",
		},
		report.Incident(r).Description: {
			"| unknown user | - | +unknown group, -unknown group, -unknown app access, -unknown app access | - |",
			"| unknown user | eve@example.com | suspended | - |",
			"| unknown user | - | - | - |",
		},
	}
	for text, rows := range want {
		_, table, _ := strings.Cut(text, "| User | Email |")
		_, table, _ = strings.Cut(table, "\n")
		_, table, _ = strings.Cut(table, "\n") // the line of dashes
		table, _, _ = strings.Cut(table+"\n\n", "\n\n")
		if diff := cmp.Diff(strings.Join(rows, "\n"), strings.TrimSpace(table)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if !strings.Contains(text, processID) || !strings.Contains(text, "]("+deepLink+")") {
			t.Errorf("processId or link of the run are missing:\n%s", text)
		}
	}
}

// Rule: the line about the users that are not listed is its own paragraph, after an empty line:
// right under the last row it would be one more row. Without rows it stands under the head, and
// where all are listed there is none.
func TestTables_moreUnderRows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rows, total int
		audit       string // the end of the page, and of the incident's section
	}{
		{0, 4, "| --- |\n\n...and 4 more.\n"},
		{1, 2, "|\n\n...and 1 more.\n"},
		{3, 1000, "|\n\n...and 997 more.\n"},
		{3, 3, " |\n"},
		{3, 1, " |\n"},
	} {
		var rows []report.UserChange
		for i := range tc.rows {
			rows = append(rows, report.UserChange{Name: fmt.Sprint("Ada ", i)})
		}
		r := build(t, failure(), report.Results{UserChanges: rows, Totals: report.Totals{TotalUserChanges: tc.total}}, nil)
		section, _, _ := strings.Cut(report.Incident(r).Description, "\n## Recommended next steps")
		for name, text := range map[string]string{"audit page": report.AuditPage(r, time.Now()).Markdown, "incident": section} {
			if !strings.HasSuffix(text, tc.audit) || strings.Count(text, " more.") != strings.Count(tc.audit, " more.") {
				t.Errorf("%s, %d rows of %d: must end with %q:\n%s", name, tc.rows, tc.total, tc.audit, text)
			}
			if n := strings.Count(text, "| Ada "); n != tc.rows {
				t.Errorf("%s: %d rows, want %d", name, n, tc.rows)
			}
		}
	}
}

// Rule: invisible characters that hold text are removed from every text: exactly the block of tags,
// U+E0000 to U+E007F.
func TestTexts_tagCharacters(t *testing.T) {
	t.Parallel()
	var tags strings.Builder
	for r := rune(0xE0000); r <= 0xE007F; r++ {
		tags.WriteRune(r)
	}
	name := "A" + tags.String() + "da\U000E0100\U000DFFFFx" // a variation selector and the character before the block
	task := failure()
	task.Name = name
	r := build(t, task, report.Results{UserChanges: []report.UserChange{{Name: name, GroupsAdded: []string{name}, Failed: true, Action: name, Outcome: name}}},
		report.NameFuncs{Group: func(context.Context, string) (string, bool) { return name, true }})
	reminder := report.KeyReminder(payload.OrgKeyExpiry{APIKeyID: name, Name: name, ExpiresAt: time.Now(), SettingsURL: settings})
	for what, text := range map[string]string{
		"audit page": report.AuditPage(r, time.Now()).Markdown, "incident": report.Incident(r).Description, "message": report.SlackMessage(r),
		"e-mail": reminder.Email.Subject + reminder.Email.Body, "work item": reminder.WorkItem.Summary + reminder.WorkItem.Description,
	} {
		for _, c := range text {
			if 0xE0000 <= c && c <= 0xE007F {
				t.Errorf("%s holds %U", what, c)
				break
			}
		}
		if !strings.Contains(text, "Ada\U000E0100\U000DFFFFx") {
			t.Errorf("%s has lost more than the tags:\n%s", what, text)
		}
	}
}

// Rule: rows that failed are marked, and two or three next steps follow.
func TestIncident(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		res   report.Results
		types []string
		first string
		steps int
	}{
		"nobody":       {report.Results{}, nil, "- The run ended before it changed anybody", 2},
		"some":         {results(), []string{"removeAppAccess"}, "- 1 of 4 users failed", 3},
		"all":          {report.Results{UserChanges: []report.UserChange{{Failed: true}}}, []string{"addToGroups", "suspendUsers"}, "- Every affected user failed (1)", 3},
		"none by name": {report.Results{UserChanges: []report.UserChange{{Name: "Ada"}}}, []string{"suspendUsers"}, "- No user failed by itself", 3},
	} {
		f := failure()
		f.ActionTypes = tc.types
		w := report.Incident(build(t, f, tc.res, nil))
		_, steps, _ := strings.Cut(w.Description, "## Recommended next steps\n\n")
		if n := strings.Count(steps, "- "); n != tc.steps || !strings.HasPrefix(steps, tc.first) {
			t.Errorf("%s: %d steps, want %d beginning %q:\n%s", name, n, tc.steps, tc.first, steps)
		}
		if w.Summary != "UCM Task Failed" || !strings.HasPrefix(w.Description, "# Incident: License Clean-up failed\n") {
			t.Errorf("%s: %q\n%s", name, w.Summary, w.Description)
		}
		failed := 0
		for _, c := range tc.res.UserChanges {
			if c.Failed {
				failed++
			}
		}
		if n := strings.Count(w.Description, "**FAILED**"); n != failed {
			t.Errorf("%s: %d rows are marked, want %d", name, n, failed)
		}
	}
}

// Rule: the e-mail has the key's name and expiry in its subject and leads to the settings; the
// work item is due two days before, with priority P2, and names the key.
func TestKeyReminder(t *testing.T) {
	t.Parallel()
	k := payload.OrgKeyExpiry{APIKeyID: "key-1", Name: "Provisioning", ExpiresAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), SettingsURL: settings}
	r := report.KeyReminder(k)
	if want := "UCM API key 'Provisioning' expires 2026-03-01"; r.Email.Subject != want || !strings.Contains(r.Email.Body, settings) {
		t.Errorf("subject %q, want %q; body:\n%s", r.Email.Subject, want, r.Email.Body)
	}
	w := r.WorkItem
	if due := w.Due.Format(time.RFC3339); w.Summary != "Rotate UCM API key: Provisioning" || w.Priority != "P2" || due != "2026-02-27T00:00:00Z" {
		t.Errorf("work item %q, priority %q, due %s", w.Summary, w.Priority, due)
	}
	for _, want := range []string{"key-1", settings, "Provisioning"} {
		if !strings.Contains(w.Description, want) {
			t.Errorf("the description lacks %q:\n%s", want, w.Description)
		}
	}
	k.ExpiresAt = time.Date(2026, 3, 1, 1, 30, 0, 0, time.FixedZone("", 2*60*60)) // the day before, in UTC
	r = report.KeyReminder(k)
	if due := r.WorkItem.Due.Format(time.DateOnly); due != "2026-02-26" {
		t.Errorf("due %s", due)
	}
	k.Name = "a\r\nBcc: everybody@example.com" + strings.Repeat("x", 300)
	r = report.KeyReminder(k)
	for _, line := range []string{r.Email.Subject, r.WorkItem.Summary} {
		if strings.ContainsAny(line, "\r\n") || len([]rune(line)) > 255 {
			t.Errorf("title %q", line)
		}
	}
}

// Rule: a reminder has the expiry of the webhook, in either format, at any time of day.
func TestKeyReminder_expiryAsInTheWebhook(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 27, 15, 4, 5, 600e6, time.FixedZone("", 2*60*60))
	for _, at := range []time.Time{at, at.Truncate(time.Second), at.UTC().Truncate(24 * time.Hour)} {
		k := payload.OrgKeyExpiry{APIKeyID: "key-1", Name: "Provisioning", ExpiresAt: at, SettingsURL: settings}
		for _, f := range []payload.ExpiryFormat{payload.ExpiryDate, payload.ExpiryRFC3339} {
			ev, err := payload.New("acme", k, payload.WithExpiryFormat(f))
			if err != nil {
				t.Fatal(err)
			}
			var body struct{ ExpiresAt string }
			if err := json.Unmarshal(ev.Body, &body); err != nil {
				t.Fatal(err)
			}
			r := report.KeyReminderAs(k, f)
			for _, text := range []string{r.Email.Subject + "\n", r.Email.Body, r.WorkItem.Description} {
				if !strings.Contains(strings.ReplaceAll(text, ".\n", "\n"), "expires "+body.ExpiresAt+"\n") && !strings.Contains(text, "expires "+body.ExpiresAt+". ") {
					t.Errorf("the webhook says %s, the reminder\n%s", body.ExpiresAt, text)
				}
			}
			if f == payload.ExpiryDate && !reflect.DeepEqual(report.KeyReminder(k), r) {
				t.Error("by default the reminder is another one")
			}
		}
	}
}

// Rule: app types have the names that people use; unknown ones stay as they are.
func TestAppName(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"jira": "Jira", "confluence": "Confluence", "cmdb": "Assets", "customer-service": "Customer Service",
		"jira-servicedesk": "Jira Service Management", "trello": "trello", "": "",
	} {
		if got := report.AppName(id); got != want {
			t.Errorf("AppName(%q) = %q, want %q", id, got, want)
		}
	}
}
