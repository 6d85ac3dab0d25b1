package sqlstore

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// latestPostgres and latestSQLite read one row of the log of each webhook. In PostgreSQL it is the
// row at or before the end of the webhook's log, so that the planner reads no more of it, whatever
// the statistics. In SQLite, as in listing, an expression prevents a scan of the scope's log.
const (
	latestPostgres = `SELECT ` + columns + ` FROM unnest($2::text::int8[], $3::text::text[]) AS u(k, w) CROSS JOIN LATERAL (
 SELECT * FROM {p}delivery d WHERE ((-d.hook), d.created, d.seq) <= (u.k, 9223372036854775807, 9223372036854775807)
  ORDER BY (-d.hook) DESC, d.created DESC, d.seq DESC LIMIT 1) x WHERE (-x.hook) = u.k AND x.webhook = u.w AND x.scope = $1`
	latestSQLite = `SELECT ` + columns + ` FROM {p}delivery WHERE seq IN (
 SELECT (SELECT d.seq FROM {p}delivery d WHERE (-d.hook) = json_extract(u.value, '$[0]') AND d.webhook = json_extract(u.value, '$[1]') AND (d.scope || '') = $1
  ORDER BY d.created DESC, d.seq DESC LIMIT 1) FROM json_each($2) u)`
)

// Latest implements [webhook.Overview].
func (s *Store) Latest(ctx context.Context, scope string, webhookIDs []string) (ds []webhook.Delivery, err error) {
	if err := s.readyToRead(ctx); err != nil || len(webhookIDs) == 0 {
		return nil, err
	}
	args := []any{scope}
	if s.dialect == PostgreSQL {
		a := make(arrays, 2)
		for _, id := range webhookIDs {
			a.add(-hookOf(scope, id), id)
		}
		args = append(args, a.args()...)
	} else {
		pairs := make([][2]any, len(webhookIDs))
		for i, id := range webhookIDs {
			pairs[i] = [2]any{-hookOf(scope, id), id}
		}
		list, err := json.Marshal(pairs)
		if err != nil {
			return nil, err
		}
		args = append(args, string(list))
	}
	err = s.each(ctx, s.reader(), s.pick(latestSQLite, latestPostgres), args, func(r Rows) error {
		d, err := scanDelivery(r)
		ds = append(ds, d.forHistory())
		return err
	})
	if err != nil {
		return nil, s.fail("latest deliveries of", scope, err)
	}
	return ds, nil
}

// attemptsTail exceeds the length, in characters, of any line of the column attempts: a snippet of
// 4 KiB and 10 fields of 200 bytes are up to six times as long in JSON.
const attemptsTail = "40960"

// LatestAttempts implements [webhook.Overview].
func (s *Store) LatestAttempts(ctx context.Context, scope string, deliveryIDs []string) (map[string]webhook.Attempt, error) {
	if err := s.readyToRead(ctx); err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(deliveryIDs))
	out := make(map[string]webhook.Attempt, len(deliveryIDs))
	read := func(scopeIs, column string, ids []string) error {
		if len(ids) == 0 {
			return nil
		}
		list, err := s.textList(ids)
		if err != nil {
			return err
		}
		return s.each(ctx, s.reader(), s.pick(
			`SELECT `+column+`, substr(attempts, -`+attemptsTail+`) FROM {p}delivery WHERE `+scopeIs+` = $1 AND `+column+` IN (SELECT value FROM json_each($2)) AND `+column+` <> ''`,
			`SELECT `+column+`, right(attempts, `+attemptsTail+`) FROM {p}delivery WHERE `+scopeIs+` = $1 AND `+column+` = ANY($2::text::text[]) AND `+column+` <> ''`),
			[]any{scope, list}, func(r Rows) error {
				var id, lines string
				if err := r.Scan(&id, &lines); err != nil {
					return err
				}
				found[id] = true
				lines = strings.TrimSuffix(lines, "\n")
				if as := decodeAttempts(lines[strings.LastIndexByte(lines, '\n')+1:]); len(as) == 1 {
					out[id] = as[0]
				}
				return nil
			})
	}
	err := read("(scope || '')", "id", deliveryIDs)
	var named []string
	for _, id := range deliveryIDs {
		if !found[id] {
			named = append(named, id)
		}
	}
	if err == nil {
		err = read("scope", "name", named) // deliveries with an ID of their own are rare
	}
	if err != nil {
		return nil, s.fail("latest attempts of", scope, err)
	}
	return out, nil
}
