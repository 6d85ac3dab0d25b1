package sqlstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

const (
	// oldestRows is how many of the oldest rows Totals reads to find one whose webhook receives,
	// before it reads all lanes.
	oldestRows = 100
	// oldestLanes bounds the lanes that it reads then, some 20 us each.
	oldestLanes = 20_000
	// backlogLanes bounds the lanes that Backlog reads.
	backlogLanes = 200_000
	// findBatch is the number of webhooks in one statement of Find.
	findBatch = 1000
)

// Bounds of the rows that countHeld reads: heldRows of one lane, heldTotal of all lanes, but at
// least one of each, and heldLanes lanes.
const (
	heldRows  = "2000"
	heldTotal = "100000"
	heldLanes = "20000"
)

// Counts read an index of the rows that they count, and stop at the limit. The ORDER BY keeps the
// planner at that index: it might prefer the table, which begins with rows that ended long ago.
// Held rows are among the first rows of lanes with leases: the more lanes, the fewer rows of each
// are read.
var (
	countTo = " LIMIT " + strconv.Itoa(webhook.CountLimit+1) + ") x"

	countDeliveries = `SELECT (` + countPending + `), (` + countHeld + `), (` + countRetries + `)`
	countPending    = `SELECT count(*) FROM (SELECT 1 FROM {p}delivery WHERE state = 0 ORDER BY hook, class, due, seq` + countTo
	countHeld       = `WITH n AS MATERIALIZED (SELECT DISTINCT hook, class FROM {p}lease LIMIT ` + heldLanes + `)
SELECT coalesce(sum((SELECT count(*) FROM (SELECT d.held FROM (SELECT d.held FROM {p}delivery d WHERE d.state = 0 AND d.hook = n.hook AND d.class = n.class
 ORDER BY d.due, d.seq LIMIT ` + heldRows + `) d LIMIT (SELECT 1 + ` + heldTotal + ` / count(*) FROM n)) d WHERE d.held)), 0) FROM n`
	countRetries = `SELECT count(*) FROM (SELECT 1 FROM {p}delivery WHERE state = 0 AND NOT held AND tries > 0 ORDER BY tries` + countTo
)

const (
	countWebhooks = `SELECT count(*), coalesce(sum(CASE WHEN active AND (expires = 0 OR expires > $1) THEN 0 ELSE 1 END), 0) FROM {p}webhook`

	// oldestDueQuery selects the earliest due time among the oldest rows, and their number.
	oldestDueQuery = `SELECT coalesce(min(CASE WHEN ` + webhookReceives + ` THEN x.due END), 0), count(*) FROM (SELECT due, scope, webhook FROM {p}delivery
 WHERE state = 0 AND NOT held AND (due + 0) <= $1 ORDER BY (due + 0), seq LIMIT $2) x`

	// oldestDueOfLanes selects the earliest due time of all lanes.
	oldestDueOfLanes = ` SELECT coalesce(min(x.due), 0) FROM (SELECT l.scope, l.webhook, ` + waitingDue + ` AS due FROM l WHERE l.due <= $1) x WHERE x.due <= $1 AND ` + webhookReceives

	// waitingDue is the due time of the first row of a lane l that is not held, or NULL.
	waitingDue = `(SELECT d.due FROM {p}delivery d WHERE d.state = 0 AND NOT d.held AND d.hook = l.hook AND d.class = l.class ORDER BY d.due, d.seq LIMIT 1)`
)

// Totals implements [webhook.Stats]. Its figures come from several statements. If the hundred
// oldest deliveries all wait for webhooks that do not receive, OldestDue is that of the first
// 20,000 lanes.
func (s *Store) Totals(ctx context.Context, now time.Time) (t webhook.Totals, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return t, err
	}
	at := micros(now)
	var pending, held, retrying int
	var due, seen int64
	err = s.row(ctx, s.reader(), countDeliveries, nil, &pending, &held, &retrying)
	if err == nil {
		err = s.row(ctx, s.reader(), oldestDueQuery, []any{at, int64(oldestRows)}, &due, &seen)
	}
	if err == nil && due == 0 && seen == oldestRows {
		err = s.row(ctx, s.reader(), s.pick(lanesSQLite, lanesPostgres)+oldestDueOfLanes,
			[]any{at, int64(oldestLanes), int64(-1), "", int64(math.MaxInt64)}, &due)
	}
	if err == nil {
		err = s.row(ctx, s.reader(), countWebhooks, []any{at}, &t.Webhooks, &t.Inactive)
	}
	if err != nil {
		return webhook.Totals{}, s.fail("totals", "", err)
	}
	t.Pending, t.Held, t.Retrying, t.OldestDue = webhook.CountOf(pending), webhook.CountOf(held), webhook.CountOf(retrying), fromMicros(due)
	return t, nil
}

// Statements that list webhooks by the earliest due time of their waiting deliveries, or by their
// number, after a walk from lane to lane: $1 to $5 are for the walk, $6 to $8 the place of the cursor.
var (
	backlogOldest = backlogHooks + ` SELECT w.scope, w.webhook, w.due, ` + backlogCount + countTo + `) FROM w
WHERE w.due > $6 OR w.due = $6 AND (w.scope, w.webhook) > ($7, $8) ORDER BY w.due, w.scope, w.webhook LIMIT $9`
	backlogLargest = backlogHooks + `, c AS (SELECT w.scope, w.webhook, w.due, ` + backlogCount + countTo + `) AS n FROM w)
SELECT scope, webhook, due, n FROM c WHERE n < $6 OR n = $6 AND (scope, webhook) > ($7, $8) ORDER BY n DESC, scope, webhook LIMIT $9`
)

const (
	backlogHooks = `, w AS (SELECT hook, scope, webhook, min(due) AS due FROM (SELECT l.hook, l.scope, l.webhook, ` + waitingDue + ` AS due FROM l) l
 WHERE due >= CAST($1 AS bigint) GROUP BY hook, scope, webhook)`
	backlogCount = `(SELECT count(*) FROM (SELECT 1 FROM {p}delivery d WHERE d.state = 0 AND NOT d.held AND d.hook = w.hook
 ORDER BY d.hook, d.class, d.due, d.seq`
)

// backlogPlace is a webhook's place in a list of backlogs. A cursor of Backlog holds one.
type backlogPlace struct {
	Order          webhook.BacklogOrder
	By             int64 // the due time, or the number
	Scope, Webhook string
}

func (p backlogPlace) String() string {
	b, _ := json.Marshal(p) // it never fails for this type
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseBacklogPlace(q webhook.BacklogQuery) (p backlogPlace, err error) {
	if q.Cursor == "" {
		if p.By = math.MinInt64; q.Order == webhook.BacklogLargest {
			p.By = math.MaxInt64
		}
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &p) != nil || p.Order != q.Order || !storable(p.Scope, p.Webhook) {
		return p, ErrCursor
	}
	return p, nil
}

// Backlog implements [webhook.Stats]. It reads up to 200,000 lanes, and counts the waiting
// deliveries of each webhook if the order is by size.
func (s *Store) Backlog(ctx context.Context, q webhook.BacklogQuery) (bs []webhook.Backlog, next string, err error) {
	if !q.Valid() {
		return nil, "", fmt.Errorf("sqlstore: backlog: Limit or Order is out of range: %w", webhook.ErrInvalid)
	}
	from, err := parseBacklogPlace(q)
	if err != nil {
		return nil, "", err
	}
	if err := s.readyToRead(ctx); err != nil {
		return nil, "", err
	}
	query := backlogOldest
	if q.Order == webhook.BacklogLargest {
		query = backlogLargest
	}
	limit := q.PageSize()
	args := []any{int64(math.MinInt64), int64(backlogLanes), int64(-1), "", int64(math.MaxInt64), from.By, from.Scope, from.Webhook, int64(limit + 1)}
	var last backlogPlace
	err = s.each(ctx, s.reader(), s.pick(lanesSQLite, lanesPostgres)+query, args, func(r Rows) error {
		var b webhook.Backlog
		var due, n int64
		if err := r.Scan(&b.Scope, &b.WebhookID, &due, &n); err != nil {
			return err
		}
		if len(bs) == limit {
			next = last.String()
			return nil
		}
		if b.Pending = webhook.CountOf(int(n)); due != parked {
			b.OldestDue = fromMicros(due)
		}
		if last = (backlogPlace{q.Order, due, b.Scope, b.WebhookID}); q.Order == webhook.BacklogLargest {
			last.By = n
		}
		bs = append(bs, b)
		return nil
	})
	if err != nil {
		return nil, "", s.fail("backlog", "", err)
	}
	return bs, next, nil
}

// Find implements [webhook.Stats]. It looks up the IDs of the event's deliveries to all webhooks, so
// it needs no index by event. Deliveries to webhooks that were deleted are missing.
func (s *Store) Find(ctx context.Context, eventID string, limit int) (ds []webhook.Delivery, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return nil, err
	}
	ids, err := readAll(ctx, s, s.reader(), `SELECT scope, id FROM {p}webhook`, nil, func(r Rows) (string, error) {
		var scope, id string
		err := r.Scan(&scope, &id)
		return webhook.DeliveryID(scope, eventID, id), err
	})
	for batch := range slices.Chunk(ids, findBatch) {
		if err != nil {
			break
		}
		var found []webhook.Delivery
		found, err = readAll(ctx, s, s.reader(), `SELECT `+columns+` FROM {p}delivery WHERE id `+s.in("$1")+` AND event = $2`,
			[]any{s.textList(batch), eventID}, scanHistory)
		ds = append(ds, found...)
	}
	if err != nil {
		return nil, s.fail("find", "", err)
	}
	slices.SortFunc(ds, func(a, b webhook.Delivery) int {
		return cmp.Or(strings.Compare(a.Scope, b.Scope), strings.Compare(a.WebhookID, b.WebhookID))
	})
	return ds[:min(len(ds), max(limit, 0))], nil
}
