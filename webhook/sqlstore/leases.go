package sqlstore

import (
	"context"
	"sync"
	"time"
)

// The table of leases says which lanes to look at when a lease ends whose host has died. Each claim
// and hand-off adds a line for a lane, in the same transaction, and a settlement leaves it. So an
// end that is settled in time costs a delivery no entry in an index.

const (
	// leaseNoteLife is how long a line stays after the end of its lease. A question with an
	// older Since goes through all lanes instead.
	leaseRowLife = 2 * time.Minute
	// leaseNotePause lies between two removals of what is older.
	leaseCleanupPause = 10 * time.Second
)

// leaseNotes remembers when lines were last removed, by the time of claims.
type leaseCleanup struct {
	mu   sync.Mutex
	last int64
}

// due reports whether lines are to be removed, and counts that as done.
func (n *leaseCleanup) due(now int64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if pause := leaseCleanupPause.Microseconds(); now-n.last < pause && n.last-now < pause {
		return false
	}
	n.last = now
	return true
}

// Statements about lines: one for a lease of a lane, and the removal of old ones.
const (
	insertLease  = `INSERT INTO {p}lease (until, hook, class, scope, webhook) VALUES ($1, $2, $3, $4, $5)`
	removeLeases = `DELETE FROM {p}lease WHERE until < $1`
)

// dropLeases removes the lines of leases that ended long ago, in the transaction of a claim.
func (s *Store) removeOldLeases(ctx context.Context, c Conn, now int64) error {
	if !s.leaseCleanup.due(now) {
		return nil
	}
	return s.exec(ctx, c, removeLeases, now-leaseRowLife.Microseconds())
}

// dropLeasesPostgres does so behind a claim that is committed, whose answer an error must not spoil.
func (s *Store) removeOldLeasesPostgres(ctx context.Context, now int64) {
	if !s.leaseCleanup.due(now) {
		return
	}
	err := s.single(ctx, func(c Conn) error { return s.exec(ctx, c, removeLeases, now-leaseRowLife.Microseconds()) })
	if err != nil {
		s.o.Logger.WarnContext(ctx, "sqlstore: the lines of old leases could not be removed, a later claim does it", "error", err)
	}
}
