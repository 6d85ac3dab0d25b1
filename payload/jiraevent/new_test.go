package jiraevent_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/jiraevent"
)

const acct = "5b10a2844c20165700ede21g"

func TestNew_varsSubjectAndTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		c    jiraevent.Callback
		want map[string]string
	}{
		"issue": {updated(), map[string]string{"issue.id": "99291", "issue.key": "JRA-20002", "project.id": "10000", "project.key": "JRA",
			"comment.id": "252789", "user_id": "99:27935d01", "user_key": "99:27935d01"}},
		"merge": {jiraevent.Callback{Event: jiraevent.VersionDeleted, Version: &jiraevent.Version{ID: "11", ProjectID: 10000, ProjectKey: "JRA"}, MergedTo: &jiraevent.Version{ID: "12"}},
			map[string]string{"version.id": "11", "mergedVersion.id": "12", "project.id": "10000", "project.key": "JRA"}},
		"user": {jiraevent.Callback{Event: "user_updated", User: &jiraevent.User{AccountID: "a", Name: "admin", Key: "k"}},
			map[string]string{"modifiedUser.accountId": "a", "modifiedUser.key": "k", "modifiedUser.name": "admin", "user_id": "admin", "user_key": "k"}},
		"cascade": {jiraevent.Callback{Event: "comment_deleted", Comment: comment(), Secondary: true}, map[string]string{"comment.id": "252789", "flow": "Secondary"}},
		"sprint":  {sample("sprint_started"), map[string]string{"sprint.id": "37", "user_id": acct, "user_key": acct}},
		"board":   {sample("board_created"), map[string]string{"board.id": "5", "user_id": acct, "user_key": acct}},
		"project": {sample("project_created"), map[string]string{"project.id": "10000", "project.key": "EX", "user_id": acct, "user_key": acct}},
		"worklog": {sample("worklog_created"), map[string]string{"worklog.id": "100028", "issue.id": "10002", "user_id": acct, "user_key": acct}},
		"file":    {jiraevent.Callback{Event: "attachment_created", Attachment: &jiraevent.Attachment{ID: "4"}}, map[string]string{"attachment.id": "4"}},
		"link":    {sample("issuelink_created"), map[string]string{"issueLink.sourceIssueId": "10002", "issueLink.destinationIssueId": "10003", "user_id": acct, "user_key": acct}},
		"typed project": {jiraevent.Callback{Event: "jira:issue_created", User: &jiraevent.User{}, Issue: &jiraevent.Issue{Fields: map[string]any{"project": jiraevent.Project{ID: 3, Key: "P"}}}},
			map[string]string{"project.id": "3", "project.key": "P"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := jiraevent.New("acme", tc.c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, ev.Vars); diff != "" {
				t.Errorf("Vars (-want +got):\n%s", diff)
			}
			if got, _ := ev.Subject().(*jiraevent.Issue); got != tc.c.Issue {
				t.Errorf("Subject = %v, want the issue", ev.Subject())
			}
			back, err := jiraevent.Decode(ev.Body)
			if err != nil || !back.Timestamp.Equal(ev.Time.Truncate(time.Millisecond)) {
				t.Errorf("the body's time %v is not the event's %v (%v)", back.Timestamp, ev.Time, err)
			}
		})
	}
}
