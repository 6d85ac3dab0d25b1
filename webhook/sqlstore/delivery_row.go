package sqlstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// The key of a delivery's row is webhook.DeliveryID, made of scope, event and webhook. So
// one unique index finds repetitions, single deliveries and, by a common prefix, the
// deliveries of one event.

// eventPrefix returns the prefix of the IDs of all deliveries of an event, and a text that
// sorts after all of them.
func eventPrefix(scope, event string) (from, below string) {
	from = webhook.DeliveryID(scope, event, "")[:eventLength]
	return from, from + afterID
}

const (
	eventLength = 30  // length of the event's part of a DeliveryID
	afterID     = "W" // sorts after all characters of a DeliveryID
)

// hookOf names a webhook of a scope by 63 bits of a hash, so that the index entries of lanes
// and logs are short, whatever names the host gives. Statements compare the names too.
func hookOf(scope, id string) int64 {
	var buf [128]byte
	sum := sha256.Sum256(append(append(append(buf[:0], scope...), 0), id...))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// columns are the columns that scanDelivery reads.
const columns = claimColumns + `, ` + stateColumns + `, scope, webhook, class, state, finished`

// row is a delivery as it is stored.
type row struct {
	webhook.Delivery
	id    string // its key
	seq   int64
	at    int64 // the column due, which orders the rows of a lane
	was   int64 // the due time before the lease
	extra string
	alone bool // the row has its key's turn
}

// parked is the due time of a row that waits behind another row of its key. It is later than
// the times in any query, so such rows cost nothing until they become due.
const parked = 1 << 62

const parkedSQL = `4611686018427387904`

// scanDelivery reads columns, and those of more after them.
func scanDelivery(r Rows, more ...any) (d row, err error) {
	c := newClaimReader()
	var state int
	var finished int64
	c.dest = append(append(c.dest, &c.until, &c.d.Held, &c.d.alone, &c.lane.Scope, &c.lane.WebhookID, &c.lane.Class, &state, &finished), more...)
	d, err = c.read(r)
	d.State, d.FinishedAt = webhook.State(state), fromMicros(finished)
	return d, err
}

// due is Delivery.Due of a row whose lease, if it is held, ends at until.
func (d *row) due(until int64) time.Time {
	switch {
	case d.Held:
		return fromMicros(until)
	case d.at == parked:
		return fromMicros(d.was)
	}
	return fromMicros(d.at)
}

// claimColumns are the columns that a claim reads of a row in PostgreSQL, beside those that name its
// lane. A claim in SQLite, which sees rows as they were before, also reads stateColumns.
const (
	claimColumns = `seq, id, name, event, type, extra, due, was, lease, tries, earlier, interrupted, first_failure, created, queued, code, exhausted, key, expires`
	stateColumns = `until, held, alone`
)

// claimReader reads the rows of a claim. It is made once for many rows, because a claim of
// hundreds is on the way of each delivery.
type claimReader struct {
	lane                                   webhook.Lane // of all rows
	d                                      row
	name, code                             string
	first, created, queued, expires, until int64
	earlier                                int
	dest                                   []any
}

// newClaimReader returns a reader of rows with the columns of first and claimColumns.
func newClaimReader(first ...any) *claimReader {
	c := &claimReader{}
	d := &c.d
	c.dest = append(first, &d.seq, &d.id, &c.name, &d.EventID, &d.Type, &d.extra, &d.at, &d.was, &d.Lease, &d.Tries, &c.earlier, &d.Interrupted,
		&c.first, &c.created, &c.queued, &c.code, &d.Exhausted, &d.Key, &c.expires)
	return c
}

// newClaimReaderSQLite returns a reader of a lane's rows with claimColumns, stateColumns and the body.
func newClaimReaderSQLite(l webhook.Lane) *claimReader {
	c := newClaimReader()
	c.lane = l
	c.dest = append(c.dest, &c.until, &c.d.Held, &c.d.alone, &c.d.Body)
	return c
}

func (c *claimReader) read(r Rows) (d row, err error) {
	c.d.Body = nil
	if err := r.Scan(c.dest...); err != nil {
		return d, err
	}
	d = c.d
	d.setLane(c.lane)
	d.ID, d.LastCode, d.Sequence, d.ExpiresAt = cmp.Or(c.name, d.id), webhook.Code(c.code), d.seq, fromMicros(c.expires)
	d.Attempts = c.earlier + d.Tries
	d.Due, d.FirstFailure, d.CreatedAt, d.QueuedAt = d.due(c.until), fromMicros(c.first), fromMicros(c.created), fromMicros(c.queued)
	return d, nil
}

// forHistory returns the delivery of a row; an unreadable extra is left empty.
func (d *row) forHistory() webhook.Delivery {
	_ = d.decodeExtra()
	return d.Delivery
}

// scanHistory reads columns.
func scanHistory(r Rows) (webhook.Delivery, error) {
	d, err := scanDelivery(r)
	return d.forHistory(), err
}

func (d *row) setLane(l webhook.Lane) { d.Scope, d.WebhookID, d.Class = l.Scope, l.WebhookID, l.Class }

// extra holds fields of a delivery that no query filters by.
type extra struct {
	Vars  map[string]string `json:"vars,omitempty"`
	Carry map[string]string `json:"carry,omitempty"`
}

func encodeExtra(d *webhook.Delivery) (string, error) {
	if len(d.Vars) == 0 && len(d.Carry) == 0 {
		return "", nil
	}
	for _, m := range []map[string]string{d.Vars, d.Carry} {
		for k, v := range m {
			if !utf8.ValidString(k) || !utf8.ValidString(v) { // JSON has an escape for NUL
				return "", fmt.Errorf("vars or carry: %w", ErrText)
			}
		}
	}
	b, err := json.Marshal(extra{d.Vars, d.Carry})
	return string(b), err
}

func (d *row) decodeExtra() error {
	if d.extra == "" {
		return nil
	}
	var x extra
	if json.Unmarshal([]byte(d.extra), &x) != nil { // its error would quote the row
		return fmt.Errorf("sqlstore: delivery %s: its row cannot be decoded", d.ID)
	}
	d.Vars, d.Carry = x.Vars, x.Carry
	return nil
}

// micros returns the stored form of a time; 0 stands for the zero Time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
