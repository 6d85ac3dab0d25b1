package sqlstore

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
)

// The table of leases names the lanes to read when a lease ends because its host has died. Each claim
// and hand-off adds a row for a lane, in the same transaction; a settlement does not remove it. So a
// lease adds no index entry to a delivery.

const (
	// leaseRowLife is how long a row stays after the end of its lease. Due with an older Since
	// reads all lanes instead.
	leaseRowLife = 2 * time.Minute
	// leaseCleanupPause is the time between two removals of older rows.
	leaseCleanupPause = 10 * time.Second
)

// leaseCleanup is the time of the claim or hand-off that last removed rows.
type leaseCleanup struct{ last atomic.Int64 }

// due reports whether old rows are to be removed, and records the removal as done.
func (n *leaseCleanup) due(now int64) bool {
	last, pause := n.last.Load(), leaseCleanupPause.Microseconds()
	return (now-last >= pause || last-now >= pause) && n.last.CompareAndSwap(last, now)
}

// addLease adds the row of a lease. In PostgreSQL the statements of Claim and Enqueue add it themselves.
func (s *Store) addLease(ctx context.Context, c Conn, until int64, l webhook.Lane) error {
	return s.exec(ctx, c, `INSERT INTO {p}lease (until, hook, class, scope, webhook) VALUES ($1, $2, $3, $4, $5)`,
		until, hookOf(l.Scope, l.WebhookID), l.Class, l.Scope, l.WebhookID)
}

// removeOldLeases removes the rows of leases that ended some time before now, after a claim or a hand-off
// is committed. An error must not fail those. now is the host's own time until the host has read the
// database's clock, and a host whose clock is ahead must not remove the rows of leases that last.
// PostgreSQL therefore also compares its own clock. The hosts of an SQLite database have one clock.
func (s *Store) removeOldLeases(ctx context.Context, now int64) {
	if !s.leaseCleanup.due(now) {
		return
	}
	old := s.pick(`until < $1 - $2`, `until < (SELECT least($1, `+clockPostgres+`) - $2::int8)`)
	if err := s.removeInBatches(ctx, "lease", old+` ORDER BY until`, now, leaseRowLife.Microseconds()); err != nil {
		s.o.Logger.WarnContext(ctx, "sqlstore: rows of old leases could not be removed, a later claim or hand-off does it", "error", err)
	}
}
