package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// WorkItem is a work item to create. The host chooses its type and its project, because an event
// without a work item gives no default for them.
type WorkItem struct {
	Summary     string
	Description string    // Markdown
	Priority    string    // empty: the project's default
	Due         time.Time // a date, 00:00 UTC; zero: none
}

// Incident returns the work item about a run that failed: the attempt and the outcome for each
// user, rows that failed marked, and two or three next steps.
func Incident(r Report) WorkItem {
	var b strings.Builder
	fmt.Fprintf(&b, "# Incident: %s failed\n\n", orDash(mdText(r.Name)))
	fmt.Fprintf(&b, "**processId**: %s\n\n", mdCode(r.ProcessID))
	if safe := safeURL(r.DeepLink); safe != "" {
		fmt.Fprintf(&b, "**%s**: %s\n\n", openLabel, mdLink("the run and its results", safe))
	}
	b.WriteString("## Affected users\n\n")
	if len(r.Users) == 0 && r.TotalUserChanges == 0 {
		b.WriteString("No per-user changes.\n")
	} else {
		b.WriteString(mdHead("User", "Email", "Action attempted", "Outcome"))
		for _, u := range r.Users {
			b.WriteString(mdRow(mdUser(u), mdEmail(u.Email), u.attempted(), u.outcome()))
		}
		b.WriteString(more(r, len(r.Users)))
	}
	b.WriteString("\n## Recommended next steps\n\n")
	for _, s := range r.nextSteps() {
		b.WriteString("- " + s + "\n")
	}
	return WorkItem{Summary: "UCM Task Failed", Description: b.String()}
}

// attempted is the row's Action, or the changes where it is empty.
func (u User) attempted() string {
	if showable(u.Action) {
		return mdText(u.Action)
	}
	return mdTexts(u.changes())
}

func (u User) outcome() string {
	text := mdText(u.Outcome)
	switch {
	case u.Failed && text == "":
		return "**FAILED**"
	case u.Failed:
		return "**FAILED**: " + text
	}
	return text
}

// nextSteps follow from the kinds of actions and from how many users failed.
func (r Report) nextSteps() []string {
	var out []string
	switch total := max(r.TotalUserChanges, len(r.Users)); {
	case total == 0:
		out = append(out, "The run ended before it changed anybody: check that the organization API key is valid and that the directory can be reached.")
	case r.FailedCount >= total:
		out = append(out, fmt.Sprintf("Every affected user failed (%d), which points at one common cause: check the organization API key and its permissions first.", total))
	case r.FailedCount > 0:
		out = append(out, fmt.Sprintf("%d of %d users failed: compare the marked rows with the others.", r.FailedCount, total))
	default:
		out = append(out, "No user failed by itself: the error lies in the run as a whole, open its results for the message.")
	}
	has := func(types ...string) bool {
		return slices.ContainsFunc(types, func(t string) bool { return slices.Contains(r.ActionTypes, t) })
	}
	switch {
	case has("addToGroups", "removeFromGroups"):
		out = append(out, "Check that the groups of this task still exist and are not managed by an identity provider.")
	case has("removeAppAccess"):
		out = append(out, "Check in the admin console which app access and licences were left in place.")
	case has("suspendUsers", "restoreUsers"):
		out = append(out, "Check in the admin console whether the accounts are in the state that was wanted.")
	}
	return append(out, "Once the cause is gone, run the task again and see that it succeeds.")
}
