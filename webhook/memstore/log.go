package memstore

import (
	"cmp"
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

func (r *row) position() position { return position{r.created, r.seq} }

// compare is the order of a log.
func (r *row) compare(p position) int {
	return cmp.Or(cmp.Compare(r.created, p.created), cmp.Compare(r.seq, p.seq))
}

// append adds a row to the scope's log.
func (sc *scope) append(r *row) {
	if n := len(sc.log); n > 0 && sc.log[n-1].compare(r.position()) > 0 {
		at, _ := slices.BinarySearchFunc(sc.log, r.position(), (*row).compare)
		sc.log = slices.Insert(sc.log, at, r)
		return
	}
	sc.log = append(sc.log, r)
}

// compact drops removed rows from the log: at once those at its beginning, where most of them
// are, and those in its middle when they are half of the log.
func (sc *scope) compact() {
	for len(sc.log) > 0 && sc.log[0].removed {
		sc.log[0] = nil
		sc.log = sc.log[1:]
		sc.removed--
	}
	if sc.removed > 32 && sc.removed > len(sc.log)/2 {
		sc.log = slices.DeleteFunc(sc.log, func(r *row) bool { return r.removed })
		sc.removed = 0
	}
}

// rows yields the log from one end, or the rows behind a position. The caller holds s.mu.
func (sc *scope) rows(oldestFirst bool, from *position) iter.Seq[*row] {
	return func(yield func(*row) bool) {
		log := sc.log
		if from != nil {
			i, found := slices.BinarySearchFunc(log, *from, (*row).compare)
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
