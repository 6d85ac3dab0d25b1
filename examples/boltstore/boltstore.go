// Package boltstore is a [webhook.Store] in one file on disk, over go.etcd.io/bbolt. It is for a
// host of one process that must keep accepted deliveries and has no database. It implements the
// four methods of a Store and [webhook.Registry]; the tests beside this file prove both.
//
// bbolt writes one transaction at a time and waits for the disk at each commit, so a Store
// makes as many commits in a second as the disk does.
package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The buckets.
var (
	hooksBucket = []byte("webhooks") // by ID
	rowsBucket  = []byte("deliveries")
	onceBucket  = []byte("once")    // scope, event and webhook, to the delivery's ID
	lanesBucket = []byte("pending") // a bucket for each lane: due time and number of a row, to its lease number and ID
)

// Store is safe for concurrent use.
type Store struct{ db *bolt.DB }

var _ webhook.Store = (*Store)(nil)

// New creates missing buckets and returns a Store over the file.
func New(db *bolt.DB) (*Store, error) {
	err := db.Update(func(tx *bolt.Tx) error {
		var errs []error
		for _, name := range [][]byte{hooksBucket, rowsBucket, onceBucket, lanesBucket} {
			_, err := tx.CreateBucketIfNotExists(name)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return &Store{db: db}, err
}

// row is a stored delivery.
type row struct {
	webhook.Delivery
	Number   uint64  // of insertion
	Reported []int64 // leases whose attempt is stored
}

// name makes a key of words; different words make different keys.
func name(words ...string) []byte {
	key, _ := json.Marshal(words) // strings always encode
	return key
}

func laneName(l webhook.Lane) []byte { return name(l.Scope, l.WebhookID, l.Class) }

// stamp encodes a time as a key: microseconds, in the order of their bytes.
func stamp(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())^1<<63)
}

func timeOf(key []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(key) ^ 1<<63)).UTC()
}

// holder returns the number of the lease that holds a row, 0 for a free row.
func (r *row) holder() uint64 {
	if r.Held {
		return uint64(r.Lease)
	}
	return 0
}

// put writes a row and its entry in its lane, which is found by the due time; former is the previous due time.
func put(tx *bolt.Tx, r *row, former time.Time) error {
	lane, err := tx.Bucket(lanesBucket).CreateBucketIfNotExists(laneName(r.Lane()))
	if err != nil {
		return err
	}
	number := binary.BigEndian.AppendUint64(nil, r.Number)
	err = lane.Delete(append(stamp(former), number...))
	if r.State == webhook.StatePending {
		err = errors.Join(err, lane.Put(append(stamp(r.Due), number...), append(binary.BigEndian.AppendUint64(nil, r.holder()), r.ID...)))
	} else if first, _ := lane.Cursor().First(); first == nil {
		err = errors.Join(err, tx.Bucket(lanesBucket).DeleteBucket(laneName(r.Lane())))
	}
	return errors.Join(err, save(tx.Bucket(rowsBucket), r.ID, r))
}

func save(in *bolt.Bucket, id string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return in.Put([]byte(id), text)
}

// load returns a row, or nil for an unknown ID.
func load(tx *bolt.Tx, id string) (r *row, err error) {
	if text := tx.Bucket(rowsBucket).Get([]byte(id)); text != nil {
		r = new(row)
		err = json.Unmarshal(text, r)
	}
	return r, err
}

// update runs a transaction. Only a failed commit leaves unknown whether the changes are stored.
func (s *Store) update(ctx context.Context, do func(*bolt.Tx) error) error {
	var failed error
	err := s.db.Update(func(tx *bolt.Tx) error {
		if failed = ctx.Err(); failed == nil {
			failed = do(tx)
		}
		return failed
	})
	switch {
	case err == nil || failed != nil:
		return failed
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return fmt.Errorf("boltstore: %w", webhook.ErrClosed)
	}
	return fmt.Errorf("boltstore: commit: %w: %w", webhook.ErrUnknown, err)
}

// view runs a transaction that only reads.
func (s *Store) view(ctx context.Context, do func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(do)
}

// Enqueue implements [webhook.Enqueuer].
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	err = s.update(ctx, func(tx *bolt.Tx) error {
		added = make([]bool, len(ds))
		for i, d := range ds {
			key := name(d.Scope, d.EventID, d.WebhookID)
			if tx.Bucket(onceBucket).Get(key) != nil {
				continue
			}
			added[i] = true
			d.State = webhook.StatePending
			number, err := tx.Bucket(rowsBucket).NextSequence()
			err = errors.Join(err, tx.Bucket(onceBucket).Put(key, []byte(d.ID)), put(tx, &row{Delivery: d, Number: number}, d.Due))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// Due implements [webhook.Store]. The cursor is the name of the last lane of a page. Since is
// ignored: the first key of a lane shows whether the lane is due.
func (s *Store) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		lanes := tx.Bucket(lanesBucket)
		c := lanes.Cursor()
		for key, _ := c.First(); key != nil; key, _ = c.Next() {
			var of [3]string
			if err := json.Unmarshal(key, &of); err != nil {
				return err
			}
			lane := webhook.Lane{Scope: of[0], WebhookID: of[1], Class: of[2]}
			if q.WebhookID != "" && (lane.WebhookID != q.WebhookID || lane.Scope != q.Scope) {
				continue
			}
			w, err := hook(tx, lane.Scope, lane.WebhookID)
			if err != nil {
				return err
			}
			if w != nil && !w.Live(q.Now) {
				continue
			}
			rows := lanes.Bucket(key).Cursor()
			if later, _ := rows.Seek(stamp(q.Now.Add(time.Microsecond))); later != nil && (p.Next.IsZero() || timeOf(later).Before(p.Next)) {
				p.Next = timeOf(later)
			}
			first, _ := rows.First()
			if timeOf(first).UnixMicro() > q.Now.UnixMicro() || string(key) <= q.Cursor || p.Cursor != "" {
				continue
			}
			if len(p.Lanes) == q.Limit {
				p.Cursor = string(laneName(p.Lanes[q.Limit-1]))
				continue
			}
			p.Lanes = append(p.Lanes, lane)
		}
		return nil
	})
	return p, err
}

// Claim implements [webhook.Store].
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	err = s.update(ctx, func(tx *bolt.Tx) error {
		b = webhook.Batch{}
		size := 0
		for _, l := range c.Lanes {
			w, err := hook(tx, l.Scope, l.WebhookID)
			if err != nil {
				return err
			}
			if w != nil && !w.Live(c.Now) {
				continue
			}
			for _, id := range free(tx, c, l) {
				r, err := load(tx, id)
				if err != nil {
					return err
				}
				if size += len(r.Body); c.MaxBytes > 0 && size > c.MaxBytes && len(b.Deliveries) > 0 {
					b.Short, size = append(b.Short, l.Lane), size-len(r.Body)
					break
				}
				former := r.Due
				if again := former.UnixMicro() > c.Now.UnixMicro(); !again {
					if r.Held {
						r.Interrupted++
					}
					r.Lease = max(r.Lease+1, c.Lease)
				}
				r.Held, r.Due = true, c.Until
				if err := put(tx, r, former); err != nil {
					return err
				}
				if r.Due = former; former.After(c.Now) {
					r.Due = c.Now
				}
				b.Deliveries = append(b.Deliveries, r.Delivery)
				if w != nil && !slices.ContainsFunc(b.Webhooks, func(o webhook.Webhook) bool { return o.ID == w.ID }) {
					b.Webhooks = append(b.Webhooks, *w)
				}
			}
		}
		return nil
	})
	return b, err
}

// free returns the IDs that a claim may take of a lane: first those that its number holds already,
// then those that are due.
func free(tx *bolt.Tx, c webhook.Claim, l webhook.LaneClaim) (ids []string) {
	lane := tx.Bucket(lanesBucket).Bucket(laneName(l.Lane))
	if lane == nil {
		return nil
	}
	later := stamp(c.Now.Add(time.Microsecond))
	rows := lane.Cursor()
	for key, value := rows.Seek(later); key != nil && len(ids) < l.Most; key, value = rows.Next() {
		if binary.BigEndian.Uint64(value) == uint64(c.Lease) {
			ids = append(ids, string(value[8:]))
		}
	}
	for key, value := rows.First(); key != nil && bytes.Compare(key, later) < 0 && len(ids) < l.Most; key, value = rows.Next() {
		ids = append(ids, string(value[8:]))
	}
	return ids
}
