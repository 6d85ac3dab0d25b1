package sqlstore

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// The pending rows of a key are parked, except its head, so that claims do not read them, however
// many they are. Parking is a hint: a claim checks itself whether a row is the head. When a row
// ends, the next row of its key is unparked after the commit of the end. A parked insert is
// checked again after its own commit. So of an end and an insert that do not see each other, the
// later one finds the other. A sweep unparks heads that a crash in between left parked.

// keyName is a key of a webhook.
type keyName struct {
	hook int64
	key  string
}

// keysOf returns the keys of deliveries.
func keysOf(ds []webhook.Delivery) (keys []keyName) {
	for i := range ds {
		if d := &ds[i]; d.Key != "" {
			keys = append(keys, keyName{hookOf(d.Scope, d.WebhookID), d.Key})
		}
	}
	return keys
}

// Statements that unpark the heads of keys: $1 and $2 name the keys, $3 is the time.
const (
	unparkPostgres = `UPDATE {p}delivery SET due = greatest(was, $3) WHERE ctid = ANY(ARRAY(SELECT d.ctid FROM {p}delivery d WHERE d.ctid = ANY(ARRAY(
 SELECT x.ctid FROM unnest($1::text::int8[], $2::text::text[]) AS k(hook, key) CROSS JOIN LATERAL (SELECT o.ctid, o.due FROM {p}delivery o
  WHERE o.hook = k.hook AND o.key = k.key AND o.key <> '' AND o.state = 0 ORDER BY o.hook, o.key, o.seq LIMIT 1) x WHERE x.due = ` + parkedSQL + `))
 AND ` + rowIsParked + ` FOR UPDATE SKIP LOCKED)) AND ` + rowIsParked

	// rowIsParked keeps PostgreSQL from the indexes of due times, which hold many parked rows.
	rowIsParked = `CASE WHEN state = 0 AND NOT held THEN due ELSE 0 END = ` + parkedSQL

	// unparkNextSQLite unparks the head of the key of row $1, at $2.
	unparkNextSQLite = `UPDATE {p}delivery SET due = max(was, $2) WHERE seq = (SELECT o.seq FROM {p}delivery o
 WHERE o.hook = (SELECT hook FROM {p}delivery WHERE id = $1) AND o.key = (SELECT key FROM {p}delivery WHERE id = $1) AND o.key <> '' AND o.state = 0
 ORDER BY o.seq LIMIT 1) AND due = ` + parkedSQL

	unparkSQLite = `UPDATE {p}delivery SET due = max(was, $3) WHERE seq = (SELECT o.seq FROM {p}delivery o
 WHERE o.hook = $1 AND o.key = $2 AND o.key <> '' AND o.state = 0 ORDER BY o.seq LIMIT 1) AND due = ` + parkedSQL

	// keysOfCommittedPostgres selects the keys of parked rows that are committed.
	keysOfCommittedPostgres = `SELECT id, hook, key FROM {p}delivery WHERE id = ANY($1::text::text[])`
)

// unparkNext unparks the heads of keys of which a row has ended. The end is committed, so after
// an error the next claim of keys unparks them, or the next sweep.
func (s *Store) unparkNext(ctx context.Context, keys []keyName, at int64) {
	if len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unparkTimeout)
	defer cancel()
	if err := s.unpark(ctx, keys, at); err != nil {
		s.o.Logger.WarnContext(ctx, "sqlstore: the next deliveries of keys could not be made due, the next claim or sweep does it", "error", err)
		if s.dialect == PostgreSQL {
			s.parkedInserts.addKeys(keys)
		}
	}
}

const unparkTimeout = 5 * time.Second

func (s *Store) unpark(ctx context.Context, keys []keyName, at int64) error {
	if s.dialect == SQLite {
		return s.write(ctx, func(c Conn) error {
			for _, k := range keys {
				if err := s.exec(ctx, c, unparkSQLite, k.hook, k.key, at); err != nil {
					return err
				}
			}
			return nil
		})
	}
	a := make(arrays, 2)
	for _, k := range keys {
		a.add(k.hook, k.key)
	}
	_, err := s.run(ctx, unparkPostgres, a.args(at)...)
	s.watermarks.dropAbove(at)
	return err
}

// recheckParked unparks inserted rows if the head of their key ended before their commit.
func (s *Store) recheckParked(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	s.parkedInserts.add(ids)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unparkTimeout)
	defer cancel()
	if err := s.unparkCommitted(ctx, 0); err != nil {
		s.o.Logger.WarnContext(ctx, "sqlstore: what waits behind others of its key could not be looked at again, the next claim does it", "error", err)
	}
}

// unparkCommitted unparks the heads of keys of parkedInserts that are committed: the earlier head
// may have ended before. Rows of the host's open transactions remain in parkedInserts.
func (s *Store) unparkCommitted(ctx context.Context, at int64) error {
	ids, missed := s.parkedInserts.all()
	if len(ids)+len(missed) == 0 {
		return nil
	}
	var committed []string
	keys := slices.Clone(missed)
	err := s.each(ctx, s.reader(), keysOfCommittedPostgres, []any{textArray(ids)}, func(r Rows) error {
		var id string
		var k keyName
		err := r.Scan(&id, &k.hook, &k.key)
		committed, keys = append(committed, id), append(keys, k)
		return err
	})
	if err == nil && len(keys) > 0 {
		slices.SortFunc(keys, compareKeys)
		err = s.unpark(ctx, slices.Compact(keys), at)
	}
	if err == nil {
		s.parkedInserts.drop(committed)
	} else {
		s.parkedInserts.addKeys(missed)
	}
	return err
}

// parkedInserts holds the IDs of rows that were parked when they were stored, until
// unparkCommitted has checked them after their commit.
type parkedInserts struct {
	mu  sync.Mutex
	ids map[string]time.Time // ID -> time of the insert
	// keys are those of which a row has ended without unparking the head.
	keys []keyName
}

const (
	maxParkedInserts = 4096
	parkedInsertLife = time.Minute // a sweep has checked the row by then
)

func (m *parkedInserts) add(ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if len(m.ids) < maxParkedInserts {
			m.ids[id] = time.Now()
		}
	}
}

func (m *parkedInserts) addKeys(keys []keyName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = append(m.keys, keys[:min(len(keys), maxParkedInserts-len(m.keys))]...)
}

// all returns the IDs, and the keys, which it removes.
func (m *parkedInserts) all() (ids []string, keys []keyName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys, m.keys = m.keys, nil
	for id, since := range m.ids {
		if time.Since(since) > parkedInsertLife {
			delete(m.ids, id)
			continue
		}
		ids = append(ids, id)
	}
	return ids, keys
}

func (m *parkedInserts) drop(ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.ids, id)
	}
}

// unparkAll unparks the rows of a webhook that keeps no order any more. The sweep unparks the rows
// that are left.
func (s *Store) unparkAll(ctx context.Context, hook int64) {
	if _, err := s.unparkBatch(ctx, hook); err != nil {
		s.o.Logger.WarnContext(ctx, "sqlstore: deliveries that no longer wait for their order could not be made due, the next sweep does it", "error", err)
	}
}

func (s *Store) unparkBatch(ctx context.Context, hook int64) (n int64, err error) {
	n, err = s.run(ctx, `UPDATE {p}delivery SET due = was WHERE `+s.among(`state = 0 AND NOT held AND hook = $1 AND due = `+parkedSQL+` LIMIT $2`), hook, int64(sweepRows))
	if n > 0 {
		s.watermarks.dropAbove(-1 << 63)
	}
	return n, err
}

// Ahead implements [webhook.KeyOrder].
func (s *Store) Ahead(ctx context.Context, scope, id string) (webhook.Delivery, error) {
	return s.queryKey(ctx, "ahead of", scope, id, func(d *row) []any { return []any{int64(d.State)} },
		`state = 0 AND $3 = 0 ORDER BY CASE WHEN held AND alone THEN 0 ELSE 1 END, seq LIMIT 1`)
}

// Newest implements [webhook.KeyOrder].
func (s *Store) Newest(ctx context.Context, scope, id string) (webhook.Delivery, error) {
	const newest = ` AND type = $3 AND seq > $4 ORDER BY seq DESC LIMIT 1`
	return s.queryKey(ctx, "newest of", scope, id, func(d *row) []any { return []any{d.Type, d.seq} },
		`(state <> 0 OR begun)`+newest, `state = 0`+newest)
}

// queryKey returns another delivery of a delivery's key, the latest that one of the conditions finds.
// Each uses an index of its own. args are their parameters from $3 on.
func (s *Store) queryKey(ctx context.Context, op, scope, id string, args func(*row) []any, conditions ...string) (found webhook.Delivery, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return found, err
	}
	d, err := s.findDelivery(ctx, s.reader(), scope, id, "", "")
	for _, where := range conditions {
		var others []webhook.Delivery
		if err == nil {
			others, err = readAll(ctx, s, s.reader(), `SELECT `+columns+` FROM {p}delivery WHERE hook = $1 AND key = $2 AND key <> '' AND `+where,
				append([]any{hookOf(scope, d.WebhookID), d.Key}, args(&d)...), scanHistory)
		}
		if len(others) > 0 && others[0].Sequence > found.Sequence {
			found = others[0]
		}
	}
	if err == nil && (found.ID == "" || found.Sequence == d.seq) {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return webhook.Delivery{}, s.fail(op, id, err)
	}
	return found, nil
}

// HeldBack implements [webhook.KeyOrder].
func (s *Store) HeldBack(ctx context.Context, scope, webhookID string, limit int) ([]webhook.Delivery, error) {
	if err := s.readyToRead(ctx); err != nil {
		return nil, err
	}
	ds, err := readAll(ctx, s, s.reader(), `SELECT `+columns+` FROM {p}delivery WHERE state = 0 AND exhausted AND hook = $1 AND scope = $2 AND webhook = $3 ORDER BY seq LIMIT $4 + 0`,
		[]any{hookOf(scope, webhookID), scope, webhookID, int64(limit)}, scanHistory)
	return ds, s.fail("list what is held back of webhook", webhookID, err)
}
