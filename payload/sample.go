package payload

// Sample returns a value of the trigger's type with every field set to an
// invented example, to try a receiver's mapping, and false for a trigger that
// this package does not define.
func Sample(trigger string) (Data, bool) {
	const (
		process  = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
		link     = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/automatedTasks?taskId=task-1&processId=" + process
		settings = "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/notifications"
	)
	run := task{process, "Deactivate Inactive User", []string{"addToGroups", "removeAppAccess"}, link}
	switch trigger {
	case triggerTaskSuccess:
		return TaskSuccess(run), true
	case triggerTaskFailure:
		return TaskFailure(run), true
	case triggerOrgKeyExpiry:
		return OrgKeyExpiry{APIKeyID: "key-1", Name: "Provisioning", ExpiresAt: sampleTime, SettingsURL: settings}, true
	}
	return nil, false
}
