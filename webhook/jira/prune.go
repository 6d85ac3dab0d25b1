package jira

import (
	"context"
	"errors"
	"time"
)

// Prune removes registrations that expired more than [RegistrationGrace] before now, and failures
// older than [FailureLife], neither of which is shown any more. Either store may be nil. Call it
// about once a day.
func Prune(ctx context.Context, rs Registrations, fs Failures, now time.Time) error {
	var ofRegistrations, ofFailures error
	if rs != nil {
		_, ofRegistrations = rs.Prune(ctx, now.Add(-RegistrationGrace))
	}
	if fs != nil {
		_, ofFailures = fs.PruneFailures(ctx, now.Add(-FailureLife))
	}
	return errors.Join(ofRegistrations, ofFailures)
}
