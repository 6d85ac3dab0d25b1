package jiraevent

import "github.com/postrider/postrider/payload/internal/eventlist"

// Common parts of the catalogue's entries.
const (
	connect  = Connect2015
	cloud    = Cloud2019
	both     = Cloud2019 | Current
	allThree = Connect2015 | Cloud2019 | Current
	everyone = Connect2015 | Cloud2019 | Current | Legacy
)

var (
	noVars       []string
	issueVars    = []string{"issue.id", "issue.key", "project.id", "project.key"}
	projectVars  = []string{"project.id", "project.key"}
	versionVars  = []string{"project.id", "project.key", "version.id"}
	mergeVars    = []string{"project.id", "project.key", "version.id", "mergedVersion.id"}
	userVars     = []string{"modifiedUser.accountId", "modifiedUser.key", "modifiedUser.name"}
	sprintVars   = []string{"sprint.id"}
	boardVars    = []string{"board.id"}
	linkVars     = []string{"issueLink.sourceIssueId", "issueLink.destinationIssueId"}
	propertyVars = with(issueVars, "property.key")
	worklogVars  = with(issueVars, "worklog.id")
	commentVars  = with(issueVars, "comment.id")
	attachVars   = with(issueVars, "attachment.id")
)

func with(vars []string, more string) []string { return append(vars[:len(vars):len(vars)], more) }

// catalogue lists every event, by family. JQL on worklogs and attachments came after 2019, and the
// settings event about attachments was dropped since.
var catalogue = []Info{
	{"jira:issue_created", FamilyIssue, everyone, both, issueVars},
	{"jira:issue_updated", FamilyIssue, everyone, both, issueVars},
	{"jira:issue_deleted", FamilyIssue, everyone, both, issueVars},
	{"issue_property_set", FamilyIssueProperty, Current, Current, propertyVars},
	{"issue_property_deleted", FamilyIssueProperty, Current, Current, propertyVars},
	{"worklog_created", FamilyWorklog, both, Current, worklogVars},
	{"worklog_updated", FamilyWorklog, both, Current, worklogVars},
	{"worklog_deleted", FamilyWorklog, both, Current, worklogVars},
	{"jira:worklog_updated", FamilyWorklog, connect | Legacy, 0, worklogVars},
	{"comment_created", FamilyComment, both, both, commentVars},
	{"comment_updated", FamilyComment, both, both, commentVars},
	{"comment_deleted", FamilyComment, both, both, commentVars},
	{"attachment_created", FamilyAttachment, both, Current, attachVars},
	{"attachment_deleted", FamilyAttachment, both, Current, attachVars},
	{"issuelink_created", FamilyIssueLink, both, 0, linkVars},
	{"issuelink_deleted", FamilyIssueLink, both, 0, linkVars},
	{"issuetype_created", FamilyIssueType, Current, 0, noVars},
	{"issuetype_updated", FamilyIssueType, Current, 0, noVars},
	{"issuetype_deleted", FamilyIssueType, Current, 0, noVars},
	{"project_created", FamilyProject, allThree, 0, projectVars},
	{"project_updated", FamilyProject, allThree, 0, projectVars},
	{"project_deleted", FamilyProject, allThree, 0, projectVars},
	{"project_soft_deleted", FamilyProject, Current, 0, projectVars},
	{"project_restored_deleted", FamilyProject, Current, 0, projectVars},
	{"project_archived", FamilyProject, Current, 0, projectVars},
	{"project_restored_archived", FamilyProject, Current, 0, projectVars},
	{"jira:version_released", FamilyVersion, allThree, 0, versionVars},
	{"jira:version_unreleased", FamilyVersion, allThree, 0, versionVars},
	{"jira:version_created", FamilyVersion, allThree, 0, versionVars},
	{"jira:version_moved", FamilyVersion, allThree, 0, versionVars},
	{"jira:version_updated", FamilyVersion, allThree, 0, versionVars},
	{VersionDeleted, FamilyVersion, allThree, 0, mergeVars},
	{VersionMerged, FamilyVersion, connect, 0, mergeVars},
	{"user_created", FamilyUser, allThree, 0, userVars},
	{"user_updated", FamilyUser, allThree, 0, userVars},
	{"user_deleted", FamilyUser, allThree, 0, userVars},
	{"option_voting_changed", FamilyOption, allThree, 0, noVars},
	{"option_watching_changed", FamilyOption, allThree, 0, noVars},
	{"option_unassigned_issues_changed", FamilyOption, allThree, 0, noVars},
	{"option_subtasks_changed", FamilyOption, allThree, 0, noVars},
	{"option_attachments_changed", FamilyOption, connect | cloud, 0, noVars},
	{"option_issuelinks_changed", FamilyOption, allThree, 0, noVars},
	{"option_timetracking_changed", FamilyOption, allThree, 0, noVars},
	{"option_timetracking_provider_changed", FamilyOption, Current, 0, noVars},
	{"sprint_created", FamilySprint, both, 0, sprintVars},
	{"sprint_deleted", FamilySprint, both, 0, sprintVars},
	{"sprint_updated", FamilySprint, both, 0, sprintVars},
	{"sprint_started", FamilySprint, both, 0, sprintVars},
	{"sprint_closed", FamilySprint, both, 0, sprintVars},
	{"board_created", FamilyBoard, both, 0, boardVars},
	{"board_updated", FamilyBoard, both, 0, boardVars},
	{"board_deleted", FamilyBoard, both, 0, boardVars},
	{"board_configuration_changed", FamilyBoard, both, 0, boardVars},
	{"filter_created", FamilyFilter, Current, 0, noVars},
	{"filter_updated", FamilyFilter, Current, 0, noVars},
	{"filter_deleted", FamilyFilter, Current, 0, noVars},
	{"jira_expression_evaluation_failed", FamilyExpression, both, 0, noVars},
	{"app_access_to_objects_blocked", FamilyPlatform, Current, 0, noVars},
	{"app_access_to_objects_in_container_blocked", FamilyPlatform, Current, 0, noVars},
	{"connect_addon_enabled", FamilyAddon, connect | Legacy, 0, noVars},
	{"connect_addon_disabled", FamilyAddon, connect | Legacy, 0, noVars},
	{PostFunction, FamilyPostFunction, Legacy, 0, issueVars},
	{"remote_workflow_post_function", FamilyPostFunction, Legacy, 0, noVars},
	{"remote_issue_link_aggregate_cleared_event", FamilyIssueLink, Legacy, 0, noVars},
	{"plugin_enabled", FamilySystem, Legacy, 0, noVars},
	{"plugins_upgraded", FamilySystem, Legacy, 0, noVars},
	{"remote_plugin_disabled", FamilySystem, Legacy, 0, noVars},
	{"remote_plugin_enabled", FamilySystem, Legacy, 0, noVars},
	{"remote_plugin_installed", FamilySystem, Legacy, 0, noVars},
	{"server_upgraded", FamilySystem, Legacy, 0, noVars},
}

// byName indexes the catalogue. Nothing writes to it after initialisation.
var byName = eventlist.Index(catalogue, nameOf)
