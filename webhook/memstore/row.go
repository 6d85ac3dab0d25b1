package memstore

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// instant is a time in nanoseconds since 1970, a third of the size of a
// time.Time. Times before 1678 and after 2262 become the ends of its range.
type instant int64

const (
	never   instant = math.MinInt64 // the zero time
	forever instant = math.MaxInt64
	// parked is the due time of a row that waits behind another one of its key.
	parked = forever - 1
)

var (
	firstTime = time.Unix(0, int64(never+1))
	lastTime  = time.Unix(0, int64(parked-1))
)

func at(t time.Time) instant {
	switch {
	case t.IsZero():
		return never
	case t.Before(firstTime):
		return never + 1
	case t.After(lastTime):
		return parked - 1
	}
	return instant(t.UnixNano())
}

// time returns the zero time for never, parked and forever.
func (i instant) time() time.Time {
	if i == never || i >= parked {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}

// orForever returns the end of something that has none if its time is zero.
func (i instant) orForever() instant {
	if i == never {
		return forever
	}
	return i
}

// attempt is a record of the history and the lease under which it was made.
type attempt struct {
	webhook.Attempt
	lease  int64
	before *attempt // the attempt of the row that was stored before, nil for none
}

// add adds the latest attempt. It returns the one that is dropped for it, nil for none.
func (r *row) add(a *attempt) (dropped *attempt) {
	a.before, r.latest = r.latest, a
	for range attemptsKept - 1 {
		if a = a.before; a == nil {
			return nil
		}
	}
	dropped, a.before = a.before, nil
	return dropped
}

// clone returns a copy of the record, which a caller may change.
func (a *attempt) clone() webhook.Attempt {
	out := a.Attempt
	out.Header = slices.Clone(a.Header)
	return out
}

// row is a stored delivery. Its strings, body and maps never change, so that values which
// were read under the lock may be copied after the unlock.
type row struct {
	id, typ, webhook, class string
	event                   *event
	nextOfEvent             *row
	lane                    *lane // where it is pending
	body                    []byte
	latest                  *attempt
	code                    webhook.Code
	*rare

	seq                                          int64 // order of insertion
	due, firstFailure, created, queued, finished instant
	lease                                        int64
	bytes                                        int64 // counted towards Options.MaxBytes
	pos                                          int32 // in the heap that holds it
	tries                                        int32
	interrupted                                  uint16 // one for each lease that ends, so it does not overflow
	state                                        webhook.State
	held, exhausted                              bool
	removed                                      bool // no longer in the Store, though its scope's log may still list it
}

// newRow copies a delivery. The row is pending; state and tries of d are ignored.
func newRow(d *webhook.Delivery) *row {
	r := &row{
		id: d.ID, typ: d.Type, webhook: d.WebhookID, class: d.Class, body: bytes.Clone(d.Body),
		due: at(d.Due), firstFailure: never, created: at(d.CreatedAt), queued: at(d.QueuedAt), finished: never,
		held: d.Held, lease: d.Lease, rare: plain,
	}
	if d.Key != "" || !d.ExpiresAt.IsZero() || len(d.Vars) > 0 || len(d.Carry) > 0 {
		r.rare = &rare{vars: maps.Clone(d.Vars), carry: maps.Clone(d.Carry), key: d.Key, expires: at(d.ExpiresAt).orForever()}
	}
	if r.queued == never {
		r.queued = r.created
	}
	r.bytes = int64(len(r.body) + len(r.key))
	for _, m := range [...]map[string]string{r.vars, r.carry} {
		for k, v := range m {
			r.bytes += int64(len(k) + len(v))
		}
	}
	return r
}

// delivery returns the row as a Delivery that shares vars and carry with the row; see unshare.
func (r *row) delivery() webhook.Delivery {
	return webhook.Delivery{
		ID: r.id, EventID: r.event.id, WebhookID: r.webhook, Scope: r.event.scope.name, Type: r.typ, Class: r.class,
		Body: r.body[:len(r.body):len(r.body)], Vars: r.vars, Carry: r.carry,
		State: r.state, Tries: int(r.tries), Attempts: int(r.earlier + r.tries), Interrupted: int(r.interrupted), Lease: r.lease, Held: r.held,
		Key: r.key, Sequence: r.seq, ExpiresAt: r.expires.time(), Due: r.dueUnparked().time(), FirstFailure: r.firstFailure.time(), CreatedAt: r.created.time(),
		QueuedAt: r.queued.time(), FinishedAt: r.finished.time(), LastCode: r.code, Exhausted: r.exhausted,
	}
}

// bodiless returns the row as a Delivery without a body.
func (r *row) bodiless() webhook.Delivery {
	d := r.delivery()
	unshare(&d)
	d.Body = nil
	return d
}

// unshare gives a delivery maps of its own. Its body stays shared and is read-only.
func unshare(d *webhook.Delivery) { d.Vars, d.Carry = maps.Clone(d.Vars), maps.Clone(d.Carry) }

// byDue is the order within a lane: oldest due first, then in order of insertion.
type byDue struct{}

func (byDue) less(a, b *row) bool    { return a.due < b.due || a.due == b.due && a.seq < b.seq }
func (byDue) place(r *row, at int32) { r.pos = at }
