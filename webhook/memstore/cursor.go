package memstore

import (
	"fmt"
	"hash/fnv"
	"iter"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// position is a place in a scope's log.
type position struct {
	created instant
	seq     int64
}

// rows yields the log from one end, or the rows behind a position. The caller holds s.mu.
func (sc *scope) rows(oldestFirst bool, from *position) iter.Seq[*row] {
	return func(yield func(*row) bool) {
		log := sc.log
		if from != nil {
			i, found := slices.BinarySearchFunc(log, &row{created: from.created, seq: from.seq}, older)
			if !oldestFirst {
				log = log[:i]
			} else if found {
				log = log[i+1:]
			} else {
				log = log[i:]
			}
		}
		for i := range log {
			if !oldestFirst {
				i = len(log) - 1 - i
			}
			if !log[i].removed && !yield(log[i]) {
				return
			}
		}
	}
}

// encodeCursor makes a cursor of a position and of a checksum over the position and the query
// without its Limit. The checksum detects mistakes, not forgery: a forged cursor shows no more
// than its query does.
func encodeCursor(q webhook.Query, p position) string {
	q.Cursor, q.Limit = "", 0
	h := fnv.New64a()
	fmt.Fprintf(h, "%+q %d %d %d %d %q %v", []string{q.Scope, q.WebhookID, q.EventID, q.Type}, p, at(q.Since), at(q.Until), q.States, q.Codes, q.OldestFirst)
	return fmt.Sprintf("%x.%x.%x", int64(p.created), p.seq, h.Sum64())
}

// decodeCursor returns the position of Query.Cursor, nil when there is none.
func decodeCursor(q webhook.Query) (*position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	var p position
	var sum uint64
	if _, err := fmt.Sscanf(q.Cursor, "%x.%x.%x", (*int64)(&p.created), &p.seq, &sum); err != nil || q.Cursor != encodeCursor(q, p) {
		return nil, fmt.Errorf("memstore: deliveries: Query.Cursor is damaged or of another query: %w", webhook.ErrInvalid)
	}
	return &p, nil
}
