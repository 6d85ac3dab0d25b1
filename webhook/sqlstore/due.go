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
	// sinceRows bounds the rows that became due for a query with Since. With more rows
	// Due answers the query as one without Since.
	sinceRows = 2000
	// nextRowsRead bounds the rows read to find one whose webhook receives. With none among
	// so many rows, the time of the last becomes DuePage.Next.
	nextRowsRead = "64"
)

// Kinds of rows of the statements about lanes.
const (
	kindLeased  = 0 // a lane whose first claimable row is held under a lease that has ended
	kindWaiting = 1 // a lane with a row that is due
	kindLast    = 2 // the last lane of the walk
	kindNext    = 3 // a time for DuePage.Next
	kindRows    = 4 // the number of rows that were read
)

// webhookReceives is the condition that a webhook receives or is deleted. It is a subquery for
// each lane, because PostgreSQL may read all webhooks for a join.
const webhookReceives = `coalesce((SELECT w.active AND (w.expires = 0 OR w.expires > $1) FROM {p}webhook w WHERE w.id = x.webhook AND w.scope = x.scope), true)`

// laneKind is the kind of a lane x, NULL where all due rows are held. Held rows precede the
// others and are few.
const laneKind = `(SELECT CASE WHEN d.held THEN 0 ELSE 1 END FROM {p}delivery d WHERE d.state = 0 AND d.hook = x.hook AND d.class = x.class
  AND d.due <= $1 AND (NOT d.held OR d.until <= $1) ORDER BY d.due, d.seq LIMIT 1)`

// nextDue is the first time after $1 at which a row becomes due whose webhook receives.
const nextDue = `
UNION ALL
SELECT 3, 0, '', '', '', coalesce(min(x.due) FILTER (WHERE ` + webhookReceives + `), CASE WHEN count(*) = ` + nextRowsRead + ` THEN max(x.due) ELSE 0 END)
FROM (SELECT d.due, d.scope, d.webhook FROM {p}delivery d WHERE d.state = 0 AND (d.due + 0) > $1 ORDER BY (d.due + 0) LIMIT ` + nextRowsRead + `) x`

// nextLeaseEnd is the first end after $1 of the leases that meet a condition. A lease may have been
// settled long ago, which the first rows of its lane show; if the lane has more rows, the lease
// counts as held. Each lane is read once, however many leases it has. If the leases exceed
// leaseRowsRead, the first of the others bounds the result.
func nextLeaseEnd(of string) string {
	lines := `FROM {p}lease n WHERE n.until > $1` + of + ` ORDER BY n.until LIMIT `
	return `
UNION ALL
SELECT 3, 0, '', '', '', CASE WHEN y.held IS NULL OR y.rest > 0 AND y.rest < y.held THEN y.rest ELSE y.held END
FROM (SELECT min(x.held) FILTER (WHERE ` + webhookReceives + `) AS held, CASE WHEN count(*) = ` + nextRowsRead + ` THEN max(x.until) ELSE coalesce((SELECT n.until ` + lines + `1 OFFSET ` + leaseRowsRead + `), 0) END AS rest
 FROM (SELECT z.*, (SELECT CASE WHEN count(*) = ` + headRowsRead + ` THEN z.until ELSE min(o.until) FILTER (WHERE o.held AND o.until > $1) END
   FROM (SELECT d.held, d.until FROM {p}delivery d WHERE d.state = 0 AND d.hook = z.hook AND d.class = z.class AND d.due <= $1 ORDER BY d.due, d.seq LIMIT ` + headRowsRead + `) o) AS held
  FROM (SELECT n.hook, n.class, n.scope, n.webhook, min(n.until) AS until FROM (SELECT * ` + lines + leaseRowsRead + `) n
   GROUP BY n.hook, n.class, n.scope, n.webhook ORDER BY min(n.until) LIMIT ` + nextRowsRead + `) z) x) y`
}

const (
	// headRowsRead is how many rows at the head of a lane are read to find a held one.
	headRowsRead = "16"
	// leaseRowsRead bounds the rows read of the table of leases.
	leaseRowsRead = "1000"
)

// hiddenFromPlanner hides times and numbers from PostgreSQL's planner; see statements_postgres.go.
var hiddenFromPlanner = strings.NewReplacer("$1", "(SELECT $1::int8)", "$2", "(SELECT $2::int8)", "$3", "(SELECT $3::int8)", "$5", "(SELECT $5::int8)")

// dueSQL selects a page: $1 is now, $2 the number of lanes, $3 and $4 are the lane of the
// cursor, $5 is the last hook.
var dueSQLite, duePostgres = dueSQL(lanesSQLite), hiddenFromPlanner.Replace(dueSQL(lanesPostgres))

func dueSQL(lanes string) string { return lanes + dueLanes + nextDue + nextLeaseEnd("") }

const dueLanes = `, f AS MATERIALIZED (SELECT ` + laneKind + ` AS kind, x.hook, x.class, x.scope, x.webhook FROM l x WHERE x.due <= $1)
SELECT x.kind, x.hook, x.class, x.scope, x.webhook, 0 AS due FROM f x WHERE x.kind IS NOT NULL AND ` + webhookReceives + `
UNION ALL
SELECT 2, hook, class, '', '', 0 FROM l WHERE n = $2`

// ofWebhookSQL selects all lanes of one webhook, of which lanesOfWebhook keeps some, with the
// times of that webhook alone.
var ofWebhookSQLite, ofWebhookPostgres = ofWebhookSQL(lanesSQLite, laneNextDueSQLite), hiddenFromPlanner.Replace(ofWebhookSQL(lanesPostgres, laneNextDuePostgres))

func ofWebhookSQL(lanes, later string) string {
	return lanes + dueLanes + `
UNION ALL
SELECT 3, x.hook, '', x.scope, x.webhook, x.due FROM (SELECT l.hook, l.scope, l.webhook, ` + later + ` AS due FROM l) x WHERE x.due > $1 AND ` + webhookReceives +
		nextLeaseEnd(" AND n.hook = $5")
}

var sincePostgres = hiddenFromPlanner.Replace(sinceSQL)

// sinceSQL selects the lanes of rows that became due after $2, and those of leases that ended
// after it; $3 bounds the rows, and the lanes with leases.
var sinceSQL = `WITH y AS MATERIALIZED (SELECT d.hook, d.class, d.scope, d.webhook FROM {p}delivery d
  WHERE d.state = 0 AND (NOT d.held OR d.until <= $1) AND (d.due + 0) > $2 AND (d.due + 0) <= $1 ORDER BY (d.due + 0) LIMIT $3),
z AS MATERIALIZED (SELECT DISTINCT n.hook, n.class, n.scope, n.webhook FROM {p}lease n WHERE n.until > $2 AND n.until <= $1 LIMIT $3),
f AS MATERIALIZED (SELECT ` + laneKind + ` AS kind, x.hook, x.class, x.scope, x.webhook FROM z x)
SELECT DISTINCT 1 AS kind, x.hook, x.class, x.scope, x.webhook, 0 AS due FROM y x WHERE ` + webhookReceives + `
UNION ALL
SELECT x.kind, x.hook, x.class, x.scope, x.webhook, 0 FROM f x WHERE x.kind IS NOT NULL AND ` + webhookReceives + `
UNION ALL
SELECT 4, 0, '', '', '', CASE WHEN (SELECT count(*) FROM y) > (SELECT count(*) FROM z) THEN (SELECT count(*) FROM y) ELSE (SELECT count(*) FROM z) END` +
	nextDue + nextLeaseEnd("")

// Due implements [webhook.Store]. It goes from lane to lane, not from delivery to delivery.
func (s *Store) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	if q.Limit < 1 {
		return p, fmt.Errorf("sqlstore: due: Limit is %d, must be at least 1: %w", q.Limit, webhook.ErrInvalid)
	}
	from, err := parseLanePosition(q.Cursor)
	if err != nil {
		return p, err
	}
	if err := s.readyToRead(ctx); err != nil {
		return p, err
	}
	s.warnIdle(ctx)
	var v lanesRead
	switch {
	case q.WebhookID != "" || q.Scope != "":
		v, err = s.lanesOfWebhook(ctx, q, from)
	case q.Cursor == "" && !q.Since.IsZero() && q.Now.Sub(q.Since) <= leaseRowLife/2:
		v, err = s.readLanes(ctx, s.pick(sinceSQL, sincePostgres), micros(q.Now), micros(q.Since), int64(sinceRows))
		if err != nil || v.rows < sinceRows && len(v.lanes) <= q.Limit {
			break
		}
		fallthrough // too many: all lanes instead
	default:
		v, err = s.readLanes(ctx, s.pick(dueSQLite, duePostgres), micros(q.Now), int64(max(q.Limit, walkLanes)), from.hook, from.class, int64(math.MaxInt64))
	}
	if err != nil {
		return p, s.fail("look for what is due", "", err)
	}
	return v.page(q.Limit), nil
}

// lanePosition is a lane's position in the order of the index. A cursor of Due holds one.
type lanePosition struct {
	hook  int64
	class string
}

func (p lanePosition) String() string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(p.hook)), p.class...))
}

func parseLanePosition(cursor string) (lanePosition, error) {
	if cursor == "" {
		return lanePosition{hook: -1}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 8 {
		return lanePosition{}, ErrCursor
	}
	return lanePosition{int64(binary.BigEndian.Uint64(b)), string(b[8:])}, nil
}

// lane is a row of a statement about lanes.
type lane struct {
	webhook.Lane
	hook int64
}

func (l lane) position() string { return lanePosition{l.hook, l.Class}.String() }

// lanesRead collects the rows of a statement about lanes.
type lanesRead struct {
	lanes      []lane
	leaseEnded []lane // the lanes with a lease that has ended
	cursor     string // of the last lane of the walk, if it is not the last lane of all
	next       int64
	rows       int64
}

func (v *lanesRead) scan(r Rows) error {
	var kind int
	var l lane
	var due int64
	if err := r.Scan(&kind, &l.hook, &l.Class, &l.Scope, &l.WebhookID, &due); err != nil {
		return err
	}
	switch kind {
	case kindLeased:
		v.leaseEnded = append(v.leaseEnded, l)
		v.lanes = append(v.lanes, l)
	case kindWaiting:
		v.lanes = append(v.lanes, l)
	case kindLast:
		v.cursor = l.position()
	case kindNext:
		if due > 0 && due < parked && (v.next == 0 || due < v.next) {
			v.next = due
		}
	case kindRows:
		v.rows = due
	}
	return nil
}

// readLanes runs a statement about lanes. It drops the watermarks of lanes with a lease that has
// ended, so that the next claim reads them from the head, where such rows are.
func (s *Store) readLanes(ctx context.Context, query string, args ...any) (v lanesRead, err error) {
	if err = s.each(ctx, s.reader(), query, args, v.scan); err != nil {
		return v, err
	}
	for _, l := range v.leaseEnded {
		s.watermarks.drop(l.Lane)
	}
	slices.SortFunc(v.lanes, byPosition)
	v.lanes = slices.Compact(v.lanes)
	return v, nil
}

func byPosition(a, b lane) int {
	return cmp.Or(cmp.Compare(a.hook, b.hook), strings.Compare(a.Class, b.Class))
}

// page returns up to limit lanes. The next page begins behind the last of them.
func (v *lanesRead) page(limit int) webhook.DuePage {
	p := webhook.DuePage{Cursor: v.cursor, Next: fromMicros(v.next)}
	if len(v.lanes) > limit {
		v.lanes = v.lanes[:limit]
		p.Cursor = v.lanes[limit-1].position()
	}
	for _, l := range v.lanes {
		p.Lanes = append(p.Lanes, l.Lane)
	}
	return p
}

// lanesOfWebhook returns the lanes of one webhook, which are few, behind that of the cursor.
func (s *Store) lanesOfWebhook(ctx context.Context, q webhook.DueQuery, from lanePosition) (lanesRead, error) {
	const most = 1000
	hook := hookOf(q.Scope, q.WebhookID)
	v, err := s.readLanes(ctx, s.pick(ofWebhookSQLite, ofWebhookPostgres), micros(q.Now), int64(most), hook-1, maxText, hook)
	v.lanes = slices.DeleteFunc(v.lanes, func(l lane) bool {
		return l.Scope != q.Scope || l.WebhookID != q.WebhookID || q.Cursor != "" && l.Class <= from.class
	})
	v.cursor = ""
	return v, err
}

// maxText sorts after the class of any lane.
const maxText = "\U0010FFFF"
