package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// Bounds of one INSERT on PostgreSQL, in which a body takes twice its size, and of the calls that share
// a transaction.
const (
	maxChunkRows  = 1000
	maxChunkBytes = 8 << 20
)

// Enqueue implements [webhook.Enqueuer]. A delivery keeps an ID that is not that of
// [webhook.DeliveryID]; a repetition is still found by scope, event and webhook. Calls
// that arrive while another is written share the next transaction; a single call starts
// its own at once.
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	rows, err := newRows(ds)
	if err != nil {
		return nil, err
	}
	if len(ds) == 0 {
		return []bool{}, ctx.Err()
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if len(firstChunk(rows)) < len(rows) {
		return s.flush(ctx, s.write, func() []newRow { return rows })
	}
	return s.group.enqueue(ctx, rows)
}

// flush writes the rows of one or more Enqueue calls in one transaction, which begin starts. It
// calls take once, with a connection.
func (s *Store) flush(ctx context.Context, begin func(context.Context, func(Conn) error) error, take func() []newRow) (added []bool, err error) {
	var rows []newRow
	var behind []string
	take = sync.OnceValue(take)
	err = begin(ctx, func(c Conn) (err error) {
		if rows = take(); len(rows) > 0 {
			added, behind, err = s.insert(ctx, c, rows)
		}
		return err
	})
	if err != nil {
		id := ""
		if len(rows) > 0 {
			id = rows[0].id
		}
		return nil, s.failWrite("enqueue", id, err)
	}
	for i := range rows {
		if rows[i].Held {
			s.removeOldLeases(ctx, rows[i].queued())
		} else {
			s.watermarks.dropAbove(micros(rows[i].Due))
		}
	}
	s.recheckParked(ctx, behind)
	return added, nil
}

// newRow is a delivery to store.
type newRow struct {
	*webhook.Delivery
	id    string
	extra string
}

func newRows(ds []webhook.Delivery) ([]newRow, error) {
	rows := make([]newRow, len(ds))
	for i := range ds {
		d := &ds[i]
		x, err := encodeExtra(d)
		if err == nil && !storable(d.ID, d.Scope, d.EventID, d.WebhookID, d.Class, d.Type, d.Key) {
			err = ErrText
		}
		if err != nil {
			return nil, fmt.Errorf("sqlstore: enqueue %q: %w", d.ID, err)
		}
		rows[i] = newRow{d, webhook.DeliveryID(d.Scope, d.EventID, d.WebhookID), x}
	}
	return rows, nil
}

// values returns the columns in the order of the statements. A hand-off is stored like a
// claimed row: its former due time is the time of its creation.
func (r *newRow) values() []any {
	name, due, was, until, lease, body := "", micros(r.Due), int64(0), int64(0), int64(0), r.Body
	if r.ID != r.id {
		name = r.ID
	}
	if r.Held {
		until, lease = due, r.Lease
		was = micros(r.CreatedAt)
		due = min(was, until)
	}
	if body == nil {
		body = []byte{} // nil would be NULL
	}
	return []any{r.id, name, hookOf(r.Scope, r.WebhookID), r.Scope, r.EventID, r.WebhookID, r.Class, r.Type, r.extra,
		body, due, was, micros(r.CreatedAt), r.queued(), lease, r.Held, r.Key, micros(r.ExpiresAt), until}
}

func (r *newRow) queued() int64 { return cmp.Or(micros(r.QueuedAt), micros(r.CreatedAt)) }

// insert stores rows. Rows that are due at the same time keep their order. behind lists the
// IDs of parked rows, which recheckParked checks after the commit.
func (s *Store) insert(ctx context.Context, c Conn, rows []newRow) (added []bool, behind []string, err error) {
	added = make([]bool, len(rows))
	if s.dialect == SQLite {
		return added, nil, s.insertSQLite(ctx, c, rows, added)
	}
	stored := make(map[string]bool, len(rows))
	for rest := rows; len(rest) > 0; {
		part := firstChunk(rest)
		rest = rest[len(part):]
		if err := s.insertPostgres(ctx, c, part, stored, &behind); err != nil {
			return nil, nil, err
		}
	}
	for i := range rows {
		if stored[rows[i].id] {
			added[i] = true
			delete(stored, rows[i].id) // a second row of this call with the ID is a repetition
		}
	}
	return added, behind, nil
}

// firstChunk returns the first rows, as many as fit one statement and at least one.
func firstChunk(rows []newRow) []newRow {
	size := 0
	for i := range rows {
		size += len(rows[i].Body)
		if i > 0 && (i == maxChunkRows || size > maxChunkBytes) {
			return rows[:i]
		}
	}
	return rows
}

func (s *Store) insertPostgres(ctx context.Context, c Conn, rows []newRow, stored map[string]bool, behind *[]string) error {
	a, seen := make(arrays, 20), make(arrays, 2)
	keys := make(map[keyName]bool) // of the rows before, which the statement does not see
	for i := range rows {
		r, repeats := &rows[i], false
		if r.Key != "" {
			key := keyName{hookOf(r.Scope, r.WebhookID), r.Key}
			repeats, keys[key] = keys[key], true
		}
		a.add(append(r.values(), repeats)...)
	}
	for at := range scopesSeen(rows) {
		seen.add(at.scope, at.seen)
	}
	stale := false
	err := s.each(ctx, c, enqueuePostgres, a.args(seen.args()...), func(r Rows) error {
		var id string
		var isParked bool
		err := r.Scan(&id, &isParked)
		stale = stale || id == ""
		stored[id] = true
		if isParked {
			*behind = append(*behind, id)
		}
		return err
	})
	if err == nil && stale {
		err = s.dropStale(rows)
	}
	return err
}

func (s *Store) insertSQLite(ctx context.Context, c Conn, rows []newRow, added []bool) error {
	for at := range scopesSeen(rows) {
		var seen int64
		if err := s.row(ctx, c, `SELECT coalesce(max(seen), 0) FROM {p}scope WHERE scope = $1`, []any{at.scope}, &seen); err != nil {
			return err
		}
		if seen != at.seen {
			return s.dropStale(rows)
		}
	}
	for i := range rows {
		query := enqueueSQLite
		if rows[i].Key != "" {
			query = enqueueKeyedSQLite
		}
		n, err := s.changed(ctx, c, query, rows[i].values()...)
		if err != nil {
			return err
		}
		added[i] = n > 0
	}
	return s.insertLeases(ctx, c, rows)
}

// insertLeases adds the leases of hand-offs to the table of leases.
func (s *Store) insertLeases(ctx context.Context, c Conn, rows []newRow) error {
	type lease struct {
		lane  webhook.Lane
		until int64
	}
	added := make(map[lease]bool)
	for i := range rows {
		l := lease{rows[i].Lane(), micros(rows[i].Due)}
		if !rows[i].Held || added[l] {
			continue
		}
		added[l] = true
		if err := s.addLease(ctx, c, l.until, l.lane); err != nil {
			return err
		}
	}
	return nil
}

// scopeSeen is a scope's count of changes when its webhooks were matched.
type scopeSeen struct {
	scope string
	seen  int64
}

func scopesSeen(rows []newRow) map[scopeSeen]bool {
	all := make(map[scopeSeen]bool)
	for i := range rows {
		if rows[i].Seen != 0 {
			all[scopeSeen{rows[i].Scope, rows[i].Seen}] = true
		}
	}
	return all
}

// dropStale drops the cached webhooks of the rows' scopes and returns [webhook.ErrStale].
func (s *Store) dropStale(rows []newRow) error {
	for at := range scopesSeen(rows) {
		s.scopes.drop(at.scope)
	}
	return undone{webhook.ErrStale}
}
