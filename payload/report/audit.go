package report

import (
	"fmt"
	"strings"
	"time"
)

// openLabel is the text of the link to the run.
const openLabel = "Open in User Manager"

// Page is a page for publishing.
type Page struct {
	Title    string
	Markdown string
}

// AuditPage returns the page about a run for its stakeholders: the webhook's five fields, then a
// row for every user, "-" in empty cells. at dates the title, in UTC, as RFC 3339.
func AuditPage(r Report, at time.Time) Page {
	var b strings.Builder
	b.WriteString("# Webhook payload\n\n" + mdHead("Field", "Value"))
	b.WriteString(mdRow("trigger", mdText(r.Trigger)))
	b.WriteString(mdRow("processId", mdText(r.ProcessID)))
	b.WriteString(mdRow("name", mdText(r.Name)))
	b.WriteString(mdRow("actionTypes", mdTexts(r.ActionTypes)))
	deepLink := dash
	if safe := safeURL(r.DeepLink); safe != "" {
		deepLink = mdLink(openLabel, safe)
	}
	b.WriteString(mdRow("deepLink", deepLink))

	b.WriteString("\n# Per-user changes\n\n")
	if len(r.Users) == 0 && r.TotalUserChanges == 0 {
		b.WriteString("No per-user changes.\n")
	} else {
		b.WriteString(mdHead("User", "Email", "Groups added", "Groups removed", "App access removed", "Suspended"))
		for _, u := range r.Users {
			suspended := ""
			if u.Suspended {
				suspended = "yes"
			}
			b.WriteString(mdRow(mdUser(u), mdEmail(u.Email), mdTexts(u.GroupsAdded), mdTexts(u.GroupsRemoved), mdTexts(u.AppAccessRemoved), suspended))
		}
		b.WriteString(more(r, len(r.Users)))
	}
	return Page{Title: "User Changes " + at.UTC().Format(time.RFC3339), Markdown: b.String()}
}

// more is the line about users that are not shown, as its own paragraph.
func more(r Report, shown int) string {
	if n := max(r.TotalUserChanges, len(r.Users)) - shown; n > 0 {
		return fmt.Sprintf("\n...and %d more.\n", n)
	}
	return ""
}
