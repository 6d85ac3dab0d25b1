package sqlstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook"
)

const (
	// walkLanes is how many lanes a page goes through at least, whatever its Limit.
	walkLanes = 200
	// sinceRows is how many rows may have become due for a question with Since to be
	// answered from them; with more it is answered as one without.
	sinceRows = 2000
	// nextRows is how many rows are looked at for one of a webhook that receives, before
	// the time of the last of them is taken for DuePage.Next.
	nextRows = "64"
)

// Kinds of rows of the statements about lanes.
const (
	kindLeased  = 0 // a lane with a lease that has ended
	kindWaiting = 1 // a lane in which something is due
	kindWalked  = 2 // the last lane that was gone through
	kindNext    = 3 // a time for DuePage.Next
	kindRows    = 4 // how many rows were read
)

// open is the condition that a webhook receives, or is gone. It is asked for each lane: in
// a join PostgreSQL may read all webhooks.
const open = `coalesce((SELECT w.active AND (w.expires = 0 OR w.expires > $1) FROM {p}webhook w WHERE w.id = x.webhook AND w.scope = x.scope), true)`

// nextOf is the first time after $1 at which something becomes due, for a webhook that
// receives.
func nextOf(held string) string {
	return `
UNION ALL
SELECT 3, 0, '', '', '', coalesce(min(x.due) FILTER (WHERE ` + open + `), CASE WHEN count(*) = ` + nextRows + ` THEN max(x.due) ELSE 0 END)
FROM (SELECT d.due, d.scope, d.webhook FROM {p}delivery d WHERE d.state = 0 AND ` + held + ` AND (d.due + 0) > $1 ORDER BY (d.due + 0) LIMIT ` + nextRows + `) x`
}

// endedLeases are the lanes with leases that ended by $1, behind a lane.
const endedLeases = `SELECT DISTINCT x.hook, x.class, x.scope, x.webhook FROM (SELECT d.hook, d.class, d.scope, d.webhook FROM {p}delivery d
  WHERE d.state = 0 AND d.held AND (d.due + 0) <= $1 AND (d.hook + 0, d.class) > ($6, $7) AND (d.hook + 0) <= $5
  ORDER BY (d.due + 0) LIMIT 100000) x WHERE ` + open + `
 ORDER BY x.hook, x.class LIMIT $8`

// dueSQL answers a page: $1 now, $2 lanes to go through, $3 and $4 the lane of the cursor,
// $5 the last hook, $6 and $7 the lane of the cursor among leases, $8 the limit.
var dueSQLite, duePostgres = dueSQL(lanesSQLite), dueSQL(lanesPostgres)

func dueSQL(lanes string) string {
	return lanes + `, h AS (` + endedLeases + `)
SELECT 0 AS kind, hook, class, scope, webhook, 0 AS due FROM h
UNION ALL
SELECT 1, x.hook, x.class, x.scope, x.webhook, x.due FROM l x WHERE x.due <= $1 AND ` + open + `
UNION ALL
SELECT 2, hook, class, '', '', 0 FROM l WHERE n = $2` + nextOf("NOT d.held") + nextOf("d.held")
}

// ofWebhookSQL is the same for all lanes of one webhook, from which the page is cut, with the
// times of that webhook alone.
var ofWebhookSQLite, ofWebhookPostgres = ofWebhookSQL(lanesSQLite, laterSQLite), ofWebhookSQL(lanesPostgres, laterPostgres)

func ofWebhookSQL(lanes, later string) string {
	return lanes + `, h AS (` + endedLeases + `)
SELECT 0 AS kind, hook, class, scope, webhook, 0 AS due FROM h
UNION ALL
SELECT 1, x.hook, x.class, x.scope, x.webhook, x.due FROM l x WHERE x.due <= $1 AND ` + open + `
UNION ALL
SELECT 3, x.hook, '', x.scope, x.webhook, x.due FROM (SELECT l.hook, l.scope, l.webhook, ` + later + ` AS due FROM l) x WHERE x.due > $1 AND ` + open + `
UNION ALL
SELECT 3, x.hook, '', x.scope, x.webhook, x.due FROM (SELECT d.hook, d.scope, d.webhook, d.due FROM {p}delivery d
  WHERE d.state = 0 AND d.held AND (d.due + 0) > $1 AND (d.hook + 0, d.class) > ($6, $7) AND (d.hook + 0) <= $5 ORDER BY (d.due + 0) LIMIT 1) x WHERE ` + open
}

// sinceSQL answers a question with Since, $2, from what has become due after it; $3 bounds
// the rows.
var sinceSQL = `WITH x AS (
 SELECT * FROM (SELECT d.hook, d.class, d.scope, d.webhook FROM {p}delivery d
  WHERE d.state = 0 AND NOT d.held AND (d.due + 0) > $2 AND (d.due + 0) <= $1 ORDER BY (d.due + 0) LIMIT $3) waiting
 UNION ALL
 SELECT * FROM (SELECT d.hook, d.class, d.scope, d.webhook FROM {p}delivery d
  WHERE d.state = 0 AND d.held AND (d.due + 0) > $2 AND (d.due + 0) <= $1 ORDER BY (d.due + 0) LIMIT $3) leased)
SELECT DISTINCT 1 AS kind, x.hook, x.class, x.scope, x.webhook, 0 AS due FROM x WHERE ` + open + `
UNION ALL
SELECT 4, 0, '', '', '', count(*) FROM x` + nextOf("NOT d.held") + nextOf("d.held")

// Due implements [webhook.Store]. It goes from lane to lane, not from delivery to delivery.
func (s *Store) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	if q.Limit < 1 {
		return p, fmt.Errorf("sqlstore: due: Limit is %d, must be at least 1: %w", q.Limit, webhook.ErrInvalid)
	}
	from, err := parsePlace(q.Cursor)
	if err != nil {
		return p, err
	}
	if err := s.readable(ctx); err != nil {
		return p, err
	}
	s.warnIdle(ctx)
	switch {
	case q.WebhookID != "" || q.Scope != "":
		p, err = s.dueOfWebhook(ctx, q, from)
	default:
		whole := q.Cursor != "" || q.Since.IsZero()
		if !whole {
			p, whole, err = s.dueSince(ctx, q)
		}
		if whole && err == nil {
			p, err = s.duePage(ctx, q, from)
		}
	}
	if err != nil {
		return webhook.DuePage{}, s.fail("look for what is due", "", err)
	}
	return p, nil
}

// place is a lane in the order of the index: what a cursor of Due holds. Leases that have
// ended come first.
type place struct {
	leased bool
	hook   int64
	class  string
}

func (p place) String() string {
	b := binary.BigEndian.AppendUint64([]byte{1}, uint64(p.hook))
	if p.leased {
		b[0] = 0
	}
	return base64.RawURLEncoding.EncodeToString(append(b, p.class...))
}

func parsePlace(cursor string) (place, error) {
	if cursor == "" {
		return place{leased: true, hook: -1}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 9 || b[0] > 1 {
		return place{}, fmt.Errorf("%w: %w", ErrCursor, webhook.ErrInvalid)
	}
	return place{b[0] == 0, int64(binary.BigEndian.Uint64(b[1:9])), string(b[9:])}, nil
}

// lane is a row of a statement about lanes.
type lane struct {
	webhook.Lane
	hook int64
}

func (l lane) place(leased bool) string { return place{leased, l.hook, l.Class}.String() }

// seen collects what the statements about lanes tell.
type seen struct {
	leased, waiting []lane
	walked          *lane
	next            int64
	rows            int64
}

func (v *seen) scan(r Rows) error {
	var kind int
	var l lane
	var due int64
	if err := r.Scan(&kind, &l.hook, &l.Class, &l.Scope, &l.WebhookID, &due); err != nil {
		return err
	}
	switch kind {
	case kindLeased:
		v.leased = append(v.leased, l)
	case kindWaiting:
		v.waiting = append(v.waiting, l)
	case kindWalked:
		v.walked = &l
	case kindNext:
		if due > 0 && due < parked && (v.next == 0 || due < v.next) {
			v.next = due
		}
	case kindRows:
		v.rows = due
	}
	return nil
}

func byPlace(a, b lane) int {
	return cmp.Or(cmp.Compare(a.hook, b.hook), strings.Compare(a.Class, b.Class))
}

// duePage answers a page of the walk over all lanes.
func (s *Store) duePage(ctx context.Context, q webhook.DueQuery, from place) (p webhook.DuePage, err error) {
	var v seen
	leased, waiting := from, place{hook: -1}
	if !from.leased {
		leased, waiting = place{hook: math.MaxInt64}, from
	}
	args := []any{micros(q.Now), int64(max(q.Limit, walkLanes)), waiting.hook, waiting.class, int64(math.MaxInt64), leased.hook, leased.class, int64(q.Limit)}
	if err = s.each(ctx, s.reader(), s.pick(dueSQLite, duePostgres), args, v.scan); err != nil {
		return p, err
	}
	p.Next = fromMicros(v.next)
	if len(v.leased) > 0 {
		s.leases.forget()
	}
	slices.SortFunc(v.leased, byPlace)
	slices.SortFunc(v.waiting, byPlace)
	if len(v.leased) == q.Limit { // there may be more
		return pageOf(p, v.leased, v.leased[q.Limit-1].place(true)), nil
	}
	cursor := ""
	if v.walked != nil {
		cursor = v.walked.place(false)
	}
	if room := q.Limit - len(v.leased); room < len(v.waiting) {
		v.waiting = v.waiting[:room]
		cursor = v.waiting[room-1].place(false)
	}
	return pageOf(p, append(v.leased, v.waiting...), cursor), nil
}

func pageOf(p webhook.DuePage, lanes []lane, cursor string) webhook.DuePage {
	p.Cursor = cursor
	for _, l := range lanes {
		p.Lanes = append(p.Lanes, l.Lane)
	}
	return p
}

// dueSince answers from what has become due since, unless that is too much: whole then.
func (s *Store) dueSince(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, whole bool, err error) {
	var v seen
	err = s.each(ctx, s.reader(), sinceSQL, []any{micros(q.Now), micros(q.Since), int64(sinceRows)}, v.scan)
	if err != nil || v.rows >= sinceRows || len(v.waiting) > q.Limit {
		return p, true, err
	}
	p.Next = fromMicros(v.next)
	return pageOf(p, v.waiting, ""), false, nil
}

// dueOfWebhook answers for the lanes of one webhook, which are few.
func (s *Store) dueOfWebhook(ctx context.Context, q webhook.DueQuery, from place) (p webhook.DuePage, err error) {
	const most = 1000
	var v seen
	hook := hookOf(q.Scope, q.WebhookID)
	args := []any{micros(q.Now), int64(most), hook - 1, maxText, hook, hook - 1, maxText, int64(most)}
	if err = s.each(ctx, s.reader(), s.pick(ofWebhookSQLite, ofWebhookPostgres), args, v.scan); err != nil {
		return p, err
	}
	if len(v.leased) > 0 {
		s.leases.forget()
	}
	lanes := slices.DeleteFunc(append(v.leased, v.waiting...), func(l lane) bool { return l.Scope != q.Scope || l.WebhookID != q.WebhookID })
	slices.SortFunc(lanes, byPlace)
	lanes = slices.CompactFunc(lanes, func(a, b lane) bool { return a.Class == b.Class })
	if q.Cursor != "" {
		lanes = slices.DeleteFunc(lanes, func(l lane) bool { return l.Class <= from.class })
	}
	p.Next = fromMicros(v.next)
	if len(lanes) > q.Limit {
		lanes = lanes[:q.Limit]
		return pageOf(p, lanes, lanes[q.Limit-1].place(false)), nil
	}
	return pageOf(p, lanes, ""), nil
}

// maxText comes after the classes of any lane: no text of a host holds it.
const maxText = "\U0010FFFF"
