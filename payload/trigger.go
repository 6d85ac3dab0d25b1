package payload

import "slices"

const (
	triggerTaskSuccess  = "taskSuccess"
	triggerTaskFailure  = "taskFailure"
	triggerOrgKeyExpiry = "orgKeyExpiry"
)

// Triggers lists the triggers of this package: taskSuccess, taskFailure,
// orgKeyExpiry. The caller owns the slice.
func Triggers() []string {
	return []string{triggerTaskSuccess, triggerTaskFailure, triggerOrgKeyExpiry}
}

// known reports whether this package defines the trigger.
func known(typ string) bool { return slices.Contains(Triggers(), typ) }
