package payload

import (
	"slices"
	"strconv"
)

const (
	plannedBulkOperation   = "bulkOperationCompleted"
	plannedSyncCompleted   = "syncCompleted"
	plannedSyncFailed      = "syncFailed"
	plannedLicense         = "licenseThreshold"
	plannedPreDeactivation = "preDeactivationNotice"
	plannedCounts          = "counts"
)

// The triggers come first; "counts" is a part of taskSuccess.
var plannedNames = [...]string{
	plannedBulkOperation, plannedSyncCompleted, plannedSyncFailed,
	plannedLicense, plannedPreDeactivation, plannedCounts,
}

// Planned lists the features that are announced but not settled: the names of
// five triggers, and "counts" for the numbers in [TaskSuccess]. Their fields are
// provisional, outside the promise that fields are only added. [New] refuses
// them unless [WithPlanned] lists them, and a sender refuses the event again
// unless its own configuration does: see [Event.Planned].
func Planned() []string { return slices.Clone(plannedNames[:]) }

func plannedTrigger(typ string) bool {
	return typ != plannedCounts && slices.Contains(plannedNames[:], typ)
}

// Triggers lists the triggers of this package that are in use, without the
// announced ones: taskSuccess, taskFailure, orgKeyExpiry.
func Triggers() []string {
	return []string{triggerTaskSuccess, triggerTaskFailure, triggerOrgKeyExpiry}
}

// known reports whether this package defines the trigger.
func known(typ string) bool {
	return slices.Contains(Triggers(), typ) || plannedTrigger(typ)
}

// Counts tells how many items a run treated. Provisional: see [Planned].
type Counts struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"` // Succeeded and Failed may add up to less than Total: items can be skipped
}

const countsSize = len(`,"counts":{"total":,"succeeded":,"failed":}`) + 3*len("1000000")

func (n Counts) check(c *check) {
	c.atLeast("counts.total", n.Total, 0)
	c.atLeast("counts.succeeded", n.Succeeded, 0)
	c.atLeast("counts.failed", n.Failed, 0)
	if n.Failed > n.Total || n.Succeeded > n.Total-n.Failed {
		c.fail("counts.total", "must be at least succeeded plus failed")
	}
}

func (n Counts) append(b []byte) []byte {
	b = append(b, `,"counts":{"total":`...)
	b = strconv.AppendInt(b, int64(n.Total), 10)
	b = appendInt(b, "succeeded", n.Succeeded)
	b = appendInt(b, "failed", n.Failed)
	return append(b, '}')
}
