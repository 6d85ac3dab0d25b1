package payload

import "time"

// BulkOperationCompleted tells that an interactive bulk operation ended.
// Provisional: see [Planned].
type BulkOperationCompleted struct {
	ProcessID   string   `json:"processId"` // as in TaskSuccess
	Name        string   `json:"name"`
	ActionTypes []string `json:"actionTypes"`
	DeepLink    string   `json:"deepLink"`
	Counts      Counts   `json:"counts"`
}

// SyncCompleted tells that a synchronization of users ended well. Provisional:
// see [Planned].
type SyncCompleted struct {
	SyncID     string    `json:"syncId"`     // required
	FinishedAt time.Time `json:"finishedAt"` // required, written as RFC 3339 in UTC
	DeepLink   string    `json:"deepLink"`   // required, an absolute https URL
}

// SyncFailed tells that a synchronization of users failed. The fields are those
// of [SyncCompleted]. Provisional: see [Planned].
type SyncFailed struct {
	SyncID     string    `json:"syncId"`
	FinishedAt time.Time `json:"finishedAt"`
	DeepLink   string    `json:"deepLink"`
}

// LicenseThreshold tells that the licenses in use have reached a share of those
// bought. Provisional: see [Planned].
type LicenseThreshold struct {
	Product     string `json:"product"`     // required, such as "jira"
	Used        int    `json:"used"`        // 0 or more; may exceed Limit
	Limit       int    `json:"limit"`       // 1 or more
	Threshold   int    `json:"threshold"`   // percent that was reached, 1 or more
	SettingsURL string `json:"settingsUrl"` // required, an absolute https URL
}

// PreDeactivationNotice tells that a task is about to deactivate users. It says
// how many, not whom. Provisional: see [Planned].
type PreDeactivationNotice struct {
	ProcessID     string    `json:"processId"` // as in TaskSuccess
	Name          string    `json:"name"`
	DeactivatesAt time.Time `json:"deactivatesAt"` // required, written as RFC 3339 in UTC
	Users         int       `json:"users"`         // 0 or more
	DeepLink      string    `json:"deepLink"`
}

// EventType returns "bulkOperationCompleted".
func (BulkOperationCompleted) EventType() string { return plannedBulkOperation }

// EventType returns "syncCompleted".
func (SyncCompleted) EventType() string { return plannedSyncCompleted }

// EventType returns "syncFailed".
func (SyncFailed) EventType() string { return plannedSyncFailed }

// EventType returns "licenseThreshold".
func (LicenseThreshold) EventType() string { return plannedLicense }

// EventType returns "preDeactivationNotice".
func (PreDeactivationNotice) EventType() string { return plannedPreDeactivation }

func (BulkOperationCompleted) features() []string { return []string{plannedBulkOperation} }
func (SyncCompleted) features() []string          { return []string{plannedSyncCompleted} }
func (SyncFailed) features() []string             { return []string{plannedSyncFailed} }
func (LicenseThreshold) features() []string       { return []string{plannedLicense} }
func (PreDeactivationNotice) features() []string  { return []string{plannedPreDeactivation} }

func (o BulkOperationCompleted) task() task {
	return task{o.ProcessID, o.Name, o.ActionTypes, o.DeepLink}
}

func (o BulkOperationCompleted) validate(anyProcessID bool) error {
	c := check{typ: plannedBulkOperation}
	o.task().check(&c, anyProcessID)
	o.Counts.check(&c)
	return c.err
}

func (o BulkOperationCompleted) size() int { return o.task().size() + countsSize }

func (o BulkOperationCompleted) appendTo(b []byte, _ ExpiryFormat) []byte {
	b = o.task().append(b, plannedBulkOperation)
	return append(o.Counts.append(b), '}')
}

func (s SyncCompleted) validate(bool) error { return s.check(plannedSyncCompleted) }
func (s SyncFailed) validate(bool) error    { return SyncCompleted(s).check(plannedSyncFailed) }

func (s SyncCompleted) size() int { return 128 + len(s.SyncID) + len(s.DeepLink) }
func (s SyncFailed) size() int    { return SyncCompleted(s).size() }

func (s SyncCompleted) appendTo(b []byte, _ ExpiryFormat) []byte {
	return s.append(b, plannedSyncCompleted)
}

func (s SyncFailed) appendTo(b []byte, _ ExpiryFormat) []byte {
	return SyncCompleted(s).append(b, plannedSyncFailed)
}

func (s SyncCompleted) check(trigger string) error {
	c := check{typ: trigger}
	c.text("syncId", s.SyncID)
	c.time("finishedAt", s.FinishedAt)
	c.https("deepLink", s.DeepLink)
	return c.err
}

func (s SyncCompleted) append(b []byte, trigger string) []byte {
	b = appendTrigger(b, trigger)
	b = appendText(b, "syncId", s.SyncID)
	b = appendTime(b, "finishedAt", s.FinishedAt)
	b = appendText(b, "deepLink", s.DeepLink)
	return append(b, '}')
}

func (l LicenseThreshold) validate(bool) error {
	c := check{typ: plannedLicense}
	c.text("product", l.Product)
	c.atLeast("used", l.Used, 0)
	c.atLeast("limit", l.Limit, 1)
	c.atLeast("threshold", l.Threshold, 1)
	c.https("settingsUrl", l.SettingsURL)
	return c.err
}

func (l LicenseThreshold) size() int { return 160 + len(l.Product) + len(l.SettingsURL) }

func (l LicenseThreshold) appendTo(b []byte, _ ExpiryFormat) []byte {
	b = appendTrigger(b, plannedLicense)
	b = appendText(b, "product", l.Product)
	b = appendInt(b, "used", l.Used)
	b = appendInt(b, "limit", l.Limit)
	b = appendInt(b, "threshold", l.Threshold)
	b = appendText(b, "settingsUrl", l.SettingsURL)
	return append(b, '}')
}

func (p PreDeactivationNotice) validate(anyProcessID bool) error {
	c := check{typ: plannedPreDeactivation}
	c.processID(p.ProcessID, anyProcessID)
	c.text("name", p.Name)
	c.time("deactivatesAt", p.DeactivatesAt)
	c.atLeast("users", p.Users, 0)
	c.https("deepLink", p.DeepLink)
	return c.err
}

func (p PreDeactivationNotice) size() int {
	return 176 + len(p.ProcessID) + len(p.Name) + len(p.DeepLink)
}

func (p PreDeactivationNotice) appendTo(b []byte, _ ExpiryFormat) []byte {
	b = appendTrigger(b, plannedPreDeactivation)
	b = appendText(b, "processId", p.ProcessID)
	b = appendText(b, "name", p.Name)
	b = appendTime(b, "deactivatesAt", p.DeactivatesAt)
	b = appendInt(b, "users", p.Users)
	b = appendText(b, "deepLink", p.DeepLink)
	return append(b, '}')
}
