package payload

import "time"

// Sample returns a value of the trigger's type with every field set to an
// invented example, to try a receiver's mapping, and false for a trigger that
// this package does not define. The optional counts of taskSuccess are left
// out, as they are announced only.
func Sample(trigger string) (Data, bool) {
	const (
		process  = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
		link     = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/automatedTasks?taskId=task-1&processId=" + process
		settings = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/notifications"
	)
	at := time.Date(2026, time.May, 27, 9, 30, 0, 0, time.UTC)
	run := task{process, "Deactivate Inactive User", []string{"addToGroups", "removeAppAccess"}, link}
	switch trigger {
	case triggerTaskSuccess:
		return TaskSuccess{ProcessID: run.ProcessID, Name: run.Name, ActionTypes: run.ActionTypes, DeepLink: run.DeepLink}, true
	case triggerTaskFailure:
		return TaskFailure(run), true
	case triggerOrgKeyExpiry:
		return OrgKeyExpiry{APIKeyID: "key-1", Name: "Provisioning", ExpiresAt: at, SettingsURL: settings}, true
	case plannedBulkOperation:
		return BulkOperationCompleted{run.ProcessID, run.Name, run.ActionTypes, run.DeepLink, Counts{Total: 1000, Succeeded: 988, Failed: 12}}, true
	case plannedSyncCompleted:
		return SyncCompleted{SyncID: "sync-1", FinishedAt: at, DeepLink: link}, true
	case plannedSyncFailed:
		return SyncFailed{SyncID: "sync-1", FinishedAt: at, DeepLink: link}, true
	case plannedLicense:
		return LicenseThreshold{Product: "jira", Used: 905, Limit: 1000, Threshold: 90, SettingsURL: settings}, true
	case plannedPreDeactivation:
		return PreDeactivationNotice{ProcessID: run.ProcessID, Name: run.Name, DeactivatesAt: at, Users: 12, DeepLink: link}, true
	}
	return nil, false
}
