package webhook

import (
	"context"
	"fmt"
	"time"
)

// Counters is a Store that counts the attempts of each webhook by the hour, so that a success rate
// and a latency need no reading of the log. It is a capability; a Store that has it only in some
// configurations answers [ErrUnsupported] otherwise.
//
// Settle writes the counts together with the outcomes. The attempt of a [Settlement] whose lease is
// still held counts once, in the hour of its end. A late or repeated settlement may be left out.
type Counters interface {
	// Counts returns the counts of these webhooks of a scope, at most 500, for the hours that
	// begin at since or later, by webhook and then by hour. Hours without attempts are left out.
	// Counts are kept for [CountsKept].
	Counts(ctx context.Context, scope string, webhookIDs []string, since time.Time) ([]HourCount, error)
}

// CountsKept is how long [Counters] keep an hour.
const CountsKept = 8 * 24 * time.Hour

// HourCount sums up the attempts of a webhook that ended within one hour.
type HourCount struct {
	WebhookID string `json:"webhook_id"`
	// Hour is the beginning of the hour, in UTC.
	Hour time.Time `json:"hour"`
	// Accepted and Failed count attempts, not deliveries.
	Accepted int64 `json:"accepted"`
	Failed   int64 `json:"failed"`
	// Took is the sum of their durations, Slowest the longest one.
	Took    time.Duration `json:"took_ns"`
	Slowest time.Duration `json:"slowest_ns"`
}

// Counts returns the counts of these webhooks of a scope since a time; see [Counters]. Unknown
// webhooks have none. Errors:
// [ErrUnsupported] when the Store does not count, [ErrInvalid] for more than 500 webhooks.
func (m *Manager) Counts(ctx context.Context, scope string, webhookIDs []string, since time.Time) ([]HourCount, error) {
	c, ok := m.d.store.(Counters)
	if !ok {
		return nil, fmt.Errorf("webhook: counts: %w: it does not count", ErrUnsupported)
	}
	if len(webhookIDs) > maxPage {
		return nil, fmt.Errorf("webhook: counts: %w: %d webhooks, at most %d", ErrInvalid, len(webhookIDs), maxPage)
	}
	counts, err := protectRead("Counts", func() ([]HourCount, error) { return c.Counts(ctx, scope, webhookIDs, since) })
	if err != nil {
		return nil, fmt.Errorf("webhook: counts: %w", err)
	}
	return counts, nil
}
