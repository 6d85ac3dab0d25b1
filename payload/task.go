package payload

// TaskSuccess reports that an automated task ended without a top-level error. It may have failed
// for some of its items: 12 failures among 1,000 users are still a success.
//
// The body has the keys trigger, processId, name, actionTypes, deepLink, in
// this order.
type TaskSuccess struct {
	// ProcessID identifies the run, so that a receiver can request its details: a UUID, unless
	// [WithAnyProcessID] is given. Required.
	ProcessID string `json:"processId"`
	// Name is the task's name as configured. Required; any text.
	Name string `json:"name"`
	// ActionTypes are the kinds of actions, such as "addToGroups", in the host's order. The set is
	// open. An empty list is written as an empty array.
	ActionTypes []string `json:"actionTypes"`
	// DeepLink opens the result of the run: an absolute https URL, such as the result of
	// [DeepLink]. Required.
	DeepLink string `json:"deepLink"`
}

// TaskFailure reports that an automated task ended with a top-level error. The fields are those of
// [TaskSuccess].
type TaskFailure struct {
	ProcessID   string   `json:"processId"`
	Name        string   `json:"name"`
	ActionTypes []string `json:"actionTypes"`
	DeepLink    string   `json:"deepLink"`
}

// EventType returns "taskSuccess".
func (TaskSuccess) EventType() string { return triggerTaskSuccess }

// EventType returns "taskFailure".
func (TaskFailure) EventType() string { return triggerTaskFailure }

// Validate returns ErrInvalid with the first field that [New] would refuse.
func (t TaskSuccess) Validate() error { return t.validate(false) }

// Validate returns ErrInvalid with the first field that [New] would refuse.
func (t TaskFailure) Validate() error { return t.validate(false) }

func (t TaskSuccess) validate(anyProcessID bool) error {
	c := check{typ: triggerTaskSuccess}
	t.task().check(&c, anyProcessID)
	return c.err
}

func (t TaskFailure) validate(anyProcessID bool) error {
	c := check{typ: triggerTaskFailure}
	t.task().check(&c, anyProcessID)
	return c.err
}

func (t TaskSuccess) body(ExpiryFormat) any { return t.task().body(triggerTaskSuccess) }
func (t TaskFailure) body(ExpiryFormat) any { return t.task().body(triggerTaskFailure) }

func (t TaskSuccess) task() task { return task(t) }
func (t TaskFailure) task() task { return task(t) }

// task is the common part of the bodies about a run.
type task struct {
	ProcessID   string   `json:"processId"`
	Name        string   `json:"name"`
	ActionTypes []string `json:"actionTypes"`
	DeepLink    string   `json:"deepLink"`
}

func (t task) check(c *check, anyProcessID bool) {
	c.processID(t.ProcessID, anyProcessID)
	c.text("name", t.Name)
	c.texts("actionTypes", t.ActionTypes)
	c.https("deepLink", t.DeepLink)
}

func (t task) body(trigger string) any {
	if t.ActionTypes == nil {
		t.ActionTypes = []string{} // an array, never null
	}
	return struct {
		Trigger string `json:"trigger"`
		task
	}{trigger, t}
}
