package memstore

import (
	"encoding/base64"
	"encoding/binary"
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

// rows yields the log from one end, or from behind a position. The Store is locked.
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

// cursorBytes is the length of a decoded cursor: a position, and a checksum over it
// and over all of the query but its Limit.
const cursorBytes = 24

func encodeCursor(q webhook.Query, p position) string {
	b := make([]byte, 0, cursorBytes)
	b = binary.BigEndian.AppendUint64(b, uint64(p.created))
	b = binary.BigEndian.AppendUint64(b, uint64(p.seq))
	b = binary.BigEndian.AppendUint64(b, checksum(q, b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the position of Query.Cursor, nil when there is none.
func decodeCursor(q webhook.Query) (*position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) != cursorBytes || binary.BigEndian.Uint64(b[16:]) != checksum(q, b[:16]) {
		return nil, fmt.Errorf("memstore: deliveries: Query.Cursor is damaged or of another query: %w", webhook.ErrInvalid)
	}
	return &position{instant(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// checksum tells cursors of different queries apart. It protects from mistakes, not
// from forgery: a forged cursor shows no more than its query does.
func checksum(q webhook.Query, b []byte) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %q %q %q %q %v %d %d %t", b, q.Scope, q.WebhookID, q.EventID, q.Type, q.States,
		at(q.Since), at(q.Until), q.OldestFirst)
	return h.Sum64()
}
