package sqlstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// latestPostgres and latestSQLite read one row of the log of each webhook: $2 lists the hooks, $3 the IDs. In PostgreSQL it is the
// row at or before the end of the webhook's log, so that the planner reads no more of it, whatever
// the statistics. In SQLite, as in listing, an expression prevents a scan of the scope's log.
const (
	latestPostgres = `SELECT ` + columns + ` FROM unnest($2::text::int8[], $3::text::text[]) AS u(k, w) CROSS JOIN LATERAL (
 SELECT * FROM {p}delivery d WHERE ((-d.hook), d.created, d.seq) <= (u.k, 9223372036854775807, 9223372036854775807)
  ORDER BY (-d.hook) DESC, d.created DESC, d.seq DESC LIMIT 1) x WHERE (-x.hook) = u.k AND x.webhook = u.w AND x.scope = $1`
	latestSQLite = `SELECT ` + columns + ` FROM {p}delivery WHERE seq IN (
 SELECT (SELECT d.seq FROM {p}delivery d WHERE (-d.hook) = u.value + 0 AND d.webhook = json_extract($3, '$[' || u.key || ']') AND (d.scope || '') = $1
  ORDER BY d.created DESC, d.seq DESC LIMIT 1) FROM json_each($2) u)`
)

// Latest implements [webhook.Overview].
func (s *Store) Latest(ctx context.Context, scope string, webhookIDs []string) ([]webhook.Delivery, error) {
	if err := s.readyToRead(ctx); err != nil || len(webhookIDs) == 0 {
		return nil, err
	}
	hooks := make([]string, len(webhookIDs))
	for i, id := range webhookIDs {
		hooks[i] = strconv.FormatInt(-hookOf(scope, id), 10)
	}
	ds, err := readAll(ctx, s, s.reader(), s.pick(latestSQLite, latestPostgres), []any{scope, s.textList(hooks), s.textList(webhookIDs)}, scanHistory)
	return ds, s.fail("latest deliveries of", scope, err)
}

// attemptsTail exceeds the length, in characters, of any line of the column attempts: a snippet of
// 4 KiB and 10 fields of 200 bytes are up to six times as long in JSON.
const attemptsTail = "40960"

// LatestAttempts implements [webhook.Overview].
func (s *Store) LatestAttempts(ctx context.Context, scope string, deliveryIDs []string) (map[string]webhook.Attempt, error) {
	if err := s.readyToRead(ctx); err != nil {
		return nil, err
	}
	out := make(map[string]webhook.Attempt, len(deliveryIDs))
	tail := s.pick(`substr(attempts, -`+attemptsTail+`)`, `right(attempts, `+attemptsTail+`)`)
	query := `SELECT id, ` + tail + ` FROM {p}delivery WHERE (scope || '') = $1 AND id ` + s.in("$2") + `
UNION ALL
SELECT name, ` + tail + ` FROM {p}delivery WHERE scope = $1 AND name ` + s.in("$2") + ` AND name <> ''`
	err := s.each(ctx, s.reader(), query, []any{scope, s.textList(deliveryIDs)}, func(r Rows) error {
		var id, lines string
		if err := r.Scan(&id, &lines); err != nil {
			return err
		}
		lines = strings.TrimSuffix(lines, "\n")
		if as := decodeAttempts(lines[strings.LastIndexByte(lines, '\n')+1:]); len(as) == 1 {
			out[id] = as[0]
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("latest attempts of", scope, err)
	}
	return out, nil
}
