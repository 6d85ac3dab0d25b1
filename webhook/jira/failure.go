package jira

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

const (
	// FailureLife is how long failed callbacks are listed, as Jira Cloud documents.
	FailureLife = 72 * time.Hour
	// MaxFailureBody is the largest body in bytes that is kept with a failure, so that a page of a
	// hundred stays below 13 MB. Larger ones are left out.
	MaxFailureBody = 128 << 10
)

// Failure is a callback to an app that failed permanently.
type Failure struct {
	ID   string    // value of X-Atlassian-Webhook-Identifier in its requests
	URL  string    // as registered
	Body []byte    // nil where it was empty or larger than MaxFailureBody
	At   time.Time // of the last attempt, to the millisecond
}

// Failures keeps failed callbacks for the apps to look up. An accepted failure is as durable as the
// implementation's storage. All methods are safe for concurrent use, from several processes where
// the implementation is shared. Times are arguments; an implementation reads no clock, and keeps
// times to the millisecond. Package registrationtest proves an implementation.
type Failures interface {
	// AddFailure stores a failure. It replaces one of the same owner and ID.
	AddFailure(ctx context.Context, o Owner, f Failure) error
	// Failures returns an owner's failures after a time, oldest first, those of one millisecond by
	// ID. It returns limit of them, and beyond that all others of the same millisecond as the last
	// one, so that the next call, which starts there, misses none. limit is at least 1. An unknown
	// owner has none.
	Failures(ctx context.Context, o Owner, after time.Time, limit int) ([]Failure, error)
	// PruneFailures removes those before the given time and returns how many.
	PruneFailures(ctx context.Context, before time.Time) (int, error)
}

// RecordFailures returns a func for webhook.Observer.Settled that adds permanent failures of
// callbacks to apps to the failed list, but no cancelled and no superseded ones. The Observer is
// called after the outcome was stored; if a process dies in between, that failure is missing in the
// list, but not in the history of deliveries. failed receives errors of the two stores; it may be
// nil.
func RecordFailures(fs Failures, rs Registrations, failed func(context.Context, error)) func(context.Context, webhook.Delivery) {
	return func(ctx context.Context, d webhook.Delivery) {
		o := Owner{Tenant: d.Scope, App: d.Vars[varApp]}
		if d.State != webhook.StateFailed || o.App == "" || d.LastCode == webhook.CodeCancelled || d.LastCode == webhook.CodeSuperseded {
			return
		}
		// The outcome is final, so a host that is stopping still stores the failure.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		if err := recordFailure(ctx, fs, rs, o, &d); err != nil && failed != nil {
			failed(ctx, fmt.Errorf("jira: record the failure of delivery %s: %w", d.ID, err))
		}
	}
}

func recordFailure(ctx context.Context, fs Failures, rs Registrations, o Owner, d *webhook.Delivery) error {
	all, err := rs.Registrations(ctx, o)
	if err != nil {
		return err
	}
	matched := strings.Split(d.Vars[varMatched], ",")
	i := slices.IndexFunc(all, func(r Registration) bool { return slices.Contains(matched, strconv.FormatInt(r.ID, 10)) })
	if i < 0 {
		return nil // its registration is gone
	}
	f := Failure{ID: d.ID, URL: all[i].URL, At: d.FinishedAt.Truncate(time.Millisecond)}
	if len(d.Body) > 0 && len(d.Body) <= MaxFailureBody {
		f.Body = d.Body
	}
	return fs.AddFailure(ctx, o, f)
}
