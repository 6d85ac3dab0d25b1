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

// leaseCleanup is the time of the claim that last removed rows.
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

// Statements that remove rows that ended some time before $1. The time of a claim is the host's own
// until the host has read the database's clock, and a host whose clock is ahead must not remove the
// rows of leases that last. PostgreSQL therefore also compares its own clock. The hosts of an SQLite
// database have one clock.
const (
	removeLeasesSQLite   = `DELETE FROM {p}lease WHERE until < $1 - $2`
	removeLeasesPostgres = `DELETE FROM {p}lease WHERE until < (SELECT least($1, ` + clockPostgres + `) - $2::int8)`
)

// removeOldLeases removes the rows of leases that ended long ago, in the transaction of a claim.
func (s *Store) removeOldLeases(ctx context.Context, c Conn, now int64) error {
	if !s.leaseCleanup.due(now) {
		return nil
	}
	return s.exec(ctx, c, removeLeasesSQLite, now, leaseRowLife.Microseconds())
}

// removeOldLeasesPostgres removes them after a claim is committed. An error must not fail the claim.
func (s *Store) removeOldLeasesPostgres(ctx context.Context, now int64) {
	if !s.leaseCleanup.due(now) {
		return
	}
	if _, err := s.run(ctx, removeLeasesPostgres, now, leaseRowLife.Microseconds()); err != nil {
		s.o.Logger.WarnContext(ctx, "sqlstore: rows of old leases could not be removed, a later claim does it", "error", err)
	}
}
