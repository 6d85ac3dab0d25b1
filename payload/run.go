package payload

// Run is one run of an automated task.
type Run struct {
	Scope       string // installation or tenant, for New
	ProcessID   string
	Name        string
	ActionTypes []string
	DeepLink    string
}

// TaskEnded returns the Data for a run that ended: [TaskSuccess] when err is nil, else
// [TaskFailure]. Only a top-level error counts, not the failures of single items. The text of err
// is not sent: a receiver requests details by the processId.
func TaskEnded(r Run, err error) Data {
	if err != nil {
		return TaskFailure{ProcessID: r.ProcessID, Name: r.Name, ActionTypes: r.ActionTypes, DeepLink: r.DeepLink}
	}
	return TaskSuccess{ProcessID: r.ProcessID, Name: r.Name, ActionTypes: r.ActionTypes, DeepLink: r.DeepLink}
}
