package report

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	slackUsers   = 10 // bullets
	slackChanges = 20 // changes shown of one user
)

// SlackMessage returns the message about a run in Slack's mrkdwn: the task and its outcome, the
// counts, and the first ten users. For a run that changed no user a line replaces the list.
func SlackMessage(r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s *%s* - %s\n", r.emoji(), orDash(slackText(r.Name)), slackCode(r.Trigger))
	fmt.Fprintf(&b, "Actions: %s\n", slackCode(strings.Join(r.ActionTypes, ", ")))
	if safe := safeURL(r.DeepLink); safe != "" {
		b.WriteString(slackLink(openLabel, safe) + "\n")
	}
	b.WriteString("\n*Run summary*\n")
	fmt.Fprintf(&b, "- Users updated: %s (%s failed)\n", count(r.UsersUpdated), count(r.FailedCount))
	fmt.Fprintf(&b, "- Group ops: +%s / -%s\n", count(r.GroupsAdded), count(r.GroupsRemoved))
	fmt.Fprintf(&b, "- App access removed: %s\n", count(r.AppAccessRemoved))
	fmt.Fprintf(&b, "- Suspended: %s - Restored: %s\n", count(r.UsersSuspended), count(r.UsersRestored))

	total := max(r.TotalUserChanges, len(r.Users))
	if total == 0 {
		return b.String() + "\n_No per-user changes._\n"
	}
	fmt.Fprintf(&b, "\n*Affected users* (%d)\n", total)
	shown := r.Users[:min(len(r.Users), slackUsers)]
	for _, u := range shown {
		b.WriteString(slackBullet(u))
	}
	if n := total - len(shown); n > 0 {
		fmt.Fprintf(&b, "...and %d more.\n", n)
	}
	return b.String()
}

// emoji distinguishes success, success with failures inside, and failure.
func (r Report) emoji() string {
	switch {
	case r.failed():
		return ":x:"
	case r.FailedCount > 0:
		return ":warning:"
	}
	return ":white_check_mark:"
}

func slackBullet(u User) string {
	var b strings.Builder
	b.WriteString("- " + slackLink(orDash(slackText(u.Name)), userURL(u.Link)))
	if e := slackEmail(u.Email); e != "" {
		b.WriteString(" (" + e + ")")
	}
	parts := u.changes()
	if n := len(parts) - slackChanges; n > 0 {
		parts = append(parts[:slackChanges], fmt.Sprintf("and %d more", n))
	}
	if u.Failed {
		parts = append(parts, "failed")
	}
	for i := range parts {
		parts[i] = slackText(parts[i])
	}
	return b.String() + " - _" + orDash(strings.Join(parts, ", ")) + "_\n"
}

func count(n int) string { return slackCode(strconv.Itoa(n)) }

func orDash(s string) string {
	if s == "" {
		return dash
	}
	return s
}
