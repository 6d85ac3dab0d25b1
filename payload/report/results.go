package report

import "context"

// Results are the host's data about one task run. The JSON names are those of the action
// search-task-results of the vendor's agent as far as they are public; the fields of a row are not
// public, and are this package's own.
type Results struct {
	UserChanges []UserChange `json:"userChanges"`
	Totals
}

// Totals are the counts of a run. They may cover more than the rows that are listed.
type Totals struct {
	UsersUpdated     int `json:"usersUpdated"`     // users for whom the run did something
	FailedCount      int `json:"failedCount"`      // users or items that failed
	GroupsAdded      int `json:"groupsAdded"`      // memberships added
	GroupsRemoved    int `json:"groupsRemoved"`    // memberships removed
	AppAccessRemoved int `json:"appAccessRemoved"` // app accesses removed
	UsersSuspended   int `json:"usersSuspended"`
	UsersRestored    int `json:"usersRestored"`
	TotalUserChanges int `json:"totalUserChanges"` // users affected
}

// UserChange is the change, or the attempted change, of one user.
type UserChange struct {
	UserID           string   `json:"userId"`
	Name             string   `json:"name"` // empty: asked of Names
	Email            string   `json:"email"`
	GroupsAdded      []string `json:"groupsAdded"`      // group identifiers
	GroupsRemoved    []string `json:"groupsRemoved"`    // group identifiers
	AppAccessRemoved []string `json:"appAccessRemoved"` // app types, such as "confluence"
	Suspended        bool     `json:"suspended"`
	Restored         bool     `json:"restored"`
	Failed           bool     `json:"failed"`
	Action           string   `json:"action"`  // the attempt; empty: derived from the changes
	Outcome          string   `json:"outcome"` // how it ended, in words; may be empty
}

// Source looks up the results of a run.
type Source interface {
	// SearchTaskResults returns the results of the run with this processId. An unknown run is an
	// error.
	SearchTaskResults(ctx context.Context, processID string) (Results, error)
}

// SourceFunc is a function as a [Source].
type SourceFunc func(ctx context.Context, processID string) (Results, error)

// SearchTaskResults calls f.
func (f SourceFunc) SearchTaskResults(ctx context.Context, processID string) (Results, error) {
	return f(ctx, processID)
}

// completed corrects the totals by the rows: all counts where none is set, and never fewer failures
// or users than rows.
func (r Results) completed() Totals {
	var rows Totals
	for _, c := range r.UserChanges {
		rows.TotalUserChanges++
		if c.Failed {
			rows.FailedCount++
		} else {
			rows.UsersUpdated++
		}
		rows.GroupsAdded += len(c.GroupsAdded)
		rows.GroupsRemoved += len(c.GroupsRemoved)
		rows.AppAccessRemoved += len(c.AppAccessRemoved)
		if c.Suspended {
			rows.UsersSuspended++
		}
		if c.Restored {
			rows.UsersRestored++
		}
	}
	if r.Totals == (Totals{}) {
		return rows
	}
	t := r.Totals
	t.FailedCount = max(t.FailedCount, rows.FailedCount)
	t.TotalUserChanges = max(t.TotalUserChanges, rows.TotalUserChanges)
	return t
}
