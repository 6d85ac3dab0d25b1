package jiraevent_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/jiraevent"
)

// The lists are repeated here, so that a mistake in the catalogue shows.
var published = map[string]struct {
	edition jiraevent.Generation
	names   string
}{
	"Connect 2015": {jiraevent.Connect2015, `connect_addon_disabled connect_addon_enabled
		jira:issue_created jira:issue_deleted jira:issue_updated jira:worklog_updated
		jira:version_created jira:version_deleted jira:version_merged jira:version_updated jira:version_moved jira:version_released jira:version_unreleased
		project_created project_updated project_deleted user_created user_deleted user_updated
		option_voting_changed option_watching_changed option_unassigned_issues_changed option_subtasks_changed
		option_attachments_changed option_issuelinks_changed option_timetracking_changed`},
	"Cloud 2019": {jiraevent.Cloud2019, `jira:issue_created jira:issue_updated jira:issue_deleted
		worklog_created worklog_updated worklog_deleted comment_created comment_updated comment_deleted
		attachment_created attachment_deleted issuelink_created issuelink_deleted
		project_created project_updated project_deleted
		jira:version_released jira:version_unreleased jira:version_created jira:version_moved jira:version_updated jira:version_deleted
		user_created user_updated user_deleted
		option_voting_changed option_watching_changed option_unassigned_issues_changed option_subtasks_changed
		option_attachments_changed option_issuelinks_changed option_timetracking_changed
		sprint_created sprint_deleted sprint_updated sprint_started sprint_closed
		board_created board_updated board_deleted board_configuration_changed jira_expression_evaluation_failed`},
	"current": {jiraevent.Current, `jira:issue_created jira:issue_updated jira:issue_deleted issue_property_set issue_property_deleted
		worklog_created worklog_updated worklog_deleted comment_created comment_updated comment_deleted
		attachment_created attachment_deleted issuelink_created issuelink_deleted
		issuetype_created issuetype_updated issuetype_deleted
		project_created project_updated project_deleted project_soft_deleted project_restored_deleted project_archived project_restored_archived
		jira:version_released jira:version_unreleased jira:version_created jira:version_moved jira:version_updated jira:version_deleted
		user_created user_updated user_deleted
		option_voting_changed option_watching_changed option_unassigned_issues_changed option_subtasks_changed
		option_issuelinks_changed option_timetracking_changed option_timetracking_provider_changed
		sprint_created sprint_deleted sprint_updated sprint_started sprint_closed
		board_created board_updated board_deleted board_configuration_changed
		filter_created filter_updated filter_deleted jira_expression_evaluation_failed
		app_access_to_objects_blocked app_access_to_objects_in_container_blocked`},
	"legacy": {jiraevent.Legacy, `connect_addon_disabled connect_addon_enabled jira-webhook-post-function
		jira:issue_created jira:issue_deleted jira:issue_updated jira:worklog_updated plugin_enabled plugins_upgraded
		remote_issue_link_aggregate_cleared_event remote_plugin_disabled remote_plugin_enabled remote_plugin_installed
		remote_workflow_post_function server_upgraded`},
}

func TestEventsOf_publishedLists(t *testing.T) {
	t.Parallel()
	sizes := map[string]int{"Connect 2015": 26, "Cloud 2019": 42, "current": 56, "legacy": 15}
	for edition, list := range published {
		t.Run(edition, func(t *testing.T) {
			t.Parallel()
			want, got := strings.Fields(list.names), jiraevent.EventsOf(list.edition)
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(got) != sizes[edition] {
				t.Errorf("%d names, want %d", len(got), sizes[edition])
			}
		})
	}
}

func TestEvents_families(t *testing.T) {
	t.Parallel()
	all := jiraevent.Events()
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
		info, err := jiraevent.Lookup(name)
		if err != nil || info.Name != name || info.Family == "" || info.Generations == 0 {
			t.Errorf("Lookup(%s) = %+v, %v", name, info, err)
		}
		if !slices.Contains(jiraevent.Events(info.Family), name) {
			t.Errorf("Events(%s) lacks %s", info.Family, name)
		}
	}
	want := []string{"sprint_created", "sprint_deleted", "sprint_updated", "sprint_started", "sprint_closed", "filter_created", "filter_updated", "filter_deleted"}
	if diff := cmp.Diff(want, jiraevent.Events(jiraevent.FamilySprint, jiraevent.FamilyFilter)); diff != "" {
		t.Errorf("two families (-want +got):\n%s", diff)
	}
	if got := jiraevent.Events("none"); got != nil {
		t.Errorf("an unknown family has %v", got)
	}
}

func TestLookup_unknownNamesRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "issue_created", "JIRA:ISSUE_CREATED", "jira:issue_created ", "option_watching_changed*", "version_x", "*"} {
		_, err := jiraevent.Lookup(name)
		var unknown *jiraevent.UnknownEventError
		if !errors.Is(err, jiraevent.ErrUnknownEvent) || !errors.As(err, &unknown) || unknown.Name != name {
			t.Errorf("Lookup(%q) = %v, want an UnknownEventError", name, err)
		}
	}
}

func TestLookup_versionsWithoutPrefix(t *testing.T) {
	t.Parallel()
	info, err := jiraevent.Lookup("version_released")
	if err != nil || info.Name != "jira:version_released" {
		t.Errorf("Lookup(version_released) = %s, %v", info.Name, err)
	}
}

func TestLookup_jqlSupport(t *testing.T) {
	t.Parallel()
	in2019 := map[string]bool{"jira:issue_created": true, "jira:issue_updated": true, "jira:issue_deleted": true,
		"comment_created": true, "comment_updated": true, "comment_deleted": true}
	now := map[jiraevent.Family]bool{jiraevent.FamilyIssue: true, jiraevent.FamilyIssueProperty: true, jiraevent.FamilyWorklog: true,
		jiraevent.FamilyComment: true, jiraevent.FamilyAttachment: true}
	for _, name := range jiraevent.Events() {
		info, _ := jiraevent.Lookup(name)
		if got := info.JQL.Has(jiraevent.Cloud2019); got != in2019[name] {
			t.Errorf("%s: JQL in 2019 = %v", name, got)
		}
		if got, want := info.JQL.Has(jiraevent.Current), now[info.Family] && info.Generations.Has(jiraevent.Current); got != want {
			t.Errorf("%s: JQL today = %v, want %v", name, got, want)
		}
	}
}

func TestLookup_variables(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"jira:issue_created":         "issue.id issue.key project.id project.key",
		"comment_created":            "issue.id issue.key project.id project.key comment.id",
		"worklog_updated":            "issue.id issue.key project.id project.key worklog.id",
		"attachment_deleted":         "issue.id issue.key project.id project.key attachment.id",
		"issue_property_set":         "issue.id issue.key project.id project.key property.key",
		"project_updated":            "project.id project.key",
		"jira:version_released":      "project.id project.key version.id",
		"jira:version_deleted":       "project.id project.key version.id mergedVersion.id",
		"jira:version_merged":        "project.id project.key version.id mergedVersion.id",
		"user_updated":               "modifiedUser.accountId modifiedUser.key modifiedUser.name",
		"sprint_started":             "sprint.id",
		"board_deleted":              "board.id",
		"issuelink_created":          "issueLink.sourceIssueId issueLink.destinationIssueId",
		"option_voting_changed":      "",
		"jira-webhook-post-function": "issue.id issue.key project.id project.key",
	} {
		info, err := jiraevent.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Fields(want), append([]string{}, info.Variables...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	a, _ := jiraevent.Lookup("sprint_started")
	a.Variables[0] = "changed"
	if b, _ := jiraevent.Lookup("sprint_closed"); b.Variables[0] != "sprint.id" {
		t.Error("an Info shares its variables with the catalogue")
	}
}
