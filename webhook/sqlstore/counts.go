package sqlstore

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Counts implements [webhook.Counters]. Without [Options.Counters] it returns
// [webhook.ErrUnsupported].
func (s *Store) Counts(ctx context.Context, scope string, webhookIDs []string, since time.Time) ([]webhook.HourCount, error) {
	if !s.o.Counters {
		return nil, webhook.ErrUnsupported
	}
	if err := s.readyToRead(ctx); err != nil || len(webhookIDs) == 0 {
		return nil, err
	}
	query := `SELECT webhook, hour, CAST(sum(accepted) AS bigint), CAST(sum(failed) AS bigint), CAST(sum(took) AS bigint), max(slowest) FROM {p}count
 WHERE scope = $1 AND webhook ` + s.in("$2") + ` AND hour >= $3 GROUP BY webhook, hour ORDER BY webhook, hour`
	out, err := readAll(ctx, s, s.reader(), query, []any{scope, s.textList(webhookIDs), micros(since)}, func(r Rows) (c webhook.HourCount, err error) {
		var hour, took, slowest int64
		err = r.Scan(&c.WebhookID, &hour, &c.Accepted, &c.Failed, &took, &slowest)
		c.Hour, c.Took, c.Slowest = fromMicros(hour), time.Duration(took)*time.Microsecond, time.Duration(slowest)*time.Microsecond
		return c, err
	})
	return out, s.fail("counts of", scope, err)
}

// addCount adds to the counts of a row. PostgreSQL has several rows for an hour, so that
// connections that settle for one webhook at once do not wait for each other.
const addCount = ` ON CONFLICT (scope, webhook, hour, slot) DO UPDATE SET accepted = c.accepted + excluded.accepted,
 failed = c.failed + excluded.failed, took = c.took + excluded.took, slowest = <greatest>(c.slowest, excluded.slowest)`

// settleHeldCountedPostgres is settleHeldPostgres with counts of the attempts. $12 holds the hours
// of the attempts, 0 for none, $13 their durations. All hosts add rows in the same order, so they
// cannot deadlock.
var settleHeldCountedPostgres = strings.NewReplacer(
	"RETURNING d.id, d.hook, d.key, d.state)", `RETURNING d.id, d.hook, d.key, d.state, d.scope, d.webhook, v.failed, v.hour, v.took),
k AS (
 INSERT INTO {p}count AS c (scope, webhook, hour, slot, accepted, failed, took, slowest)
 SELECT scope, webhook, hour, pg_backend_pid() % 8, count(*) FILTER (WHERE failed = 0), count(*) FILTER (WHERE failed > 0), sum(took), max(took)
 FROM u WHERE hour > 0 GROUP BY scope, webhook, hour ORDER BY scope, webhook, hour`+strings.ReplaceAll(addCount, "<greatest>", "greatest")+`)`,
	"$10::text::text[])", "$10::text::text[], $12::text::int8[], $13::text::int8[])",
	"failed, attempt)", "failed, attempt, hour, took)",
).Replace(settleHeldPostgres)

// countSQLite counts attempts of deliveries that were just settled. $1 lists ID, hour, failure
// (0 or 1) and duration of each.
var countSQLite = `INSERT INTO {p}count AS c (scope, webhook, hour, slot, accepted, failed, took, slowest)
SELECT d.scope, d.webhook, u.value ->> 1, 0, sum(1 - (u.value ->> 2)), sum(u.value ->> 2), sum(u.value ->> 3), max(u.value ->> 3)
FROM json_each($1) u JOIN {p}delivery d ON d.id = u.value ->> 0 WHERE true GROUP BY d.scope, d.webhook, u.value ->> 1` +
	strings.ReplaceAll(addCount, "<greatest>", "max")

// settleHeldQuery returns the statement for outcomes of held leases and its arguments.
func (s *Store) settleHeldQuery(list []outcome) (query string, args []any) {
	args = outcomeArrays(list).args(int64(len(list)))
	if !s.o.Counters {
		return settleHeldPostgres, args
	}
	times := make(arrays, 2)
	for i := range list {
		times.add(list[i].hour, list[i].took)
	}
	return settleHeldCountedPostgres, append(args, times.args()...)
}

// countAll counts the attempts of outcomes that were written.
func (s *Store) countAll(ctx context.Context, c Conn, written []*outcome) error {
	var list [][4]any
	for _, o := range written {
		if o.hour > 0 {
			list = append(list, [4]any{o.id, o.hour, min(o.failed, 1), o.took})
		}
	}
	if !s.o.Counters || len(list) == 0 {
		return nil
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return s.exec(ctx, c, countSQLite, string(b))
}

// removeOldCounts removes counts older than [webhook.CountsKept], once an hour. After an error the
// next hour removes them.
func (s *Store) removeOldCounts(ctx context.Context, list []outcome) {
	var latest int64
	for i := range list {
		latest = max(latest, list[i].hour)
	}
	if before := s.countsRemoved.Load(); s.o.Counters && latest > before && s.countsRemoved.CompareAndSwap(before, latest) {
		_ = s.removeInBatches(ctx, "count", "hour < $1 ORDER BY hour", latest-webhook.CountsKept.Microseconds())
	}
}
