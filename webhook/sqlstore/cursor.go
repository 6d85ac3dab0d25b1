package sqlstore

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"github.com/postrider/postrider/webhook"
)

// A cursor is the position of a page's last row and a checksum over it and the query. The
// checksum detects damage and a cursor of another query. It need not prevent forgery,
// because the scope is not read from the cursor.

// position is the position of a row in a log.
type position struct{ created, seq int64 }

func cursorOf(q webhook.Query, last position) string {
	var b [24]byte
	binary.BigEndian.PutUint64(b[0:], uint64(last.created))
	binary.BigEndian.PutUint64(b[8:], uint64(last.seq))
	binary.BigEndian.PutUint64(b[16:], querySum(q, b[:16]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func parseCursor(q webhook.Query) (*position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) != 24 || binary.BigEndian.Uint64(b[16:]) != querySum(q, b[:16]) {
		return nil, ErrCursor
	}
	return &position{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// querySum is a checksum over the fields of a query that select and order rows. The page's
// size may change between pages.
func querySum(q webhook.Query, place []byte) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%x|%q|%q|%q|%q|%d|%q|%d|%d|%t", place, q.Scope, q.WebhookID, q.EventID, q.Type, q.States, q.Codes,
		micros(q.Since), micros(q.Until), q.OldestFirst)
	return h.Sum64()
}
