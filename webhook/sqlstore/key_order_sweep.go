package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// keysPostgres walks from key to key along their index: $1 and $2 name the key before, $3 bounds
// the number.
const keysPostgres = `WITH RECURSIVE l AS (
 (SELECT 1 AS n, d.hook, d.key, d.due, d.scope, d.webhook FROM {p}delivery d
  WHERE d.state = 0 AND d.key <> '' AND (d.hook, d.key) > ($1, $2) ORDER BY d.hook, d.key, d.seq LIMIT 1)
 UNION ALL
 SELECT l.n + 1, x.* FROM l CROSS JOIN LATERAL (SELECT d.hook, d.key, d.due, d.scope, d.webhook FROM {p}delivery d
  WHERE d.state = 0 AND d.key <> '' AND (d.hook, d.key) > (l.hook, l.key) ORDER BY d.hook, d.key, d.seq LIMIT 1) x
 WHERE l.n < $3)
SELECT hook, key, due, scope, webhook FROM l`

const keysSQLite = `WITH RECURSIVE p(n, seq) AS (
 SELECT 1, (SELECT d.seq FROM {p}delivery d WHERE d.state = 0 AND d.key <> '' AND (d.hook, d.key) > ($1, $2) ORDER BY d.hook, d.key, d.seq LIMIT 1)
 UNION ALL
 SELECT p.n + 1, (SELECT d.seq FROM {p}delivery d WHERE d.state = 0 AND d.key <> '' AND (d.hook, d.key) > (c.hook, c.key) ORDER BY d.hook, d.key, d.seq LIMIT 1)
 FROM p JOIN {p}delivery c ON c.seq = p.seq WHERE p.n < $3)
SELECT d.hook, d.key, d.due, d.scope, d.webhook FROM p JOIN {p}delivery d ON d.seq = p.seq`

// sweepKeys bounds the keys that one call of Sweep reads.
const sweepKeys = 20_000

func compareKeys(a, b keyName) int {
	return cmp.Or(cmp.Compare(a.hook, b.hook), strings.Compare(a.key, b.key))
}

// unparkHeads unparks heads of keys that are still parked because a process died after the end of
// the head before, and all rows of webhooks that keep no order any more. It continues after the
// last key of the call before, and restarts after the last of all keys.
func (p *sweepRun) unparkHeads(ctx context.Context) error {
	s := p.s
	var heads []keyName
	hooks := make(map[int64]webhook.Lane)
	n := 0
	last := s.sweep.key
	err := s.each(ctx, s.reader(), s.pick(keysSQLite, keysPostgres), []any{last.hook, last.key, int64(sweepKeys)}, func(r Rows) error {
		var k keyName
		var due int64
		var l webhook.Lane
		if err := r.Scan(&k.hook, &k.key, &due, &l.Scope, &l.WebhookID); err != nil {
			return err
		}
		n++
		last, hooks[k.hook] = k, l
		if due == parked {
			heads = append(heads, k)
		}
		return nil
	})
	for hook, l := range hooks {
		if err == nil {
			err = p.unparkUnordered(ctx, hook, l)
		}
	}
	if err == nil && len(heads) > 0 {
		err = s.unpark(ctx, heads, p.now)
	}
	if err != nil {
		return err
	}
	if s.sweep.key = last; n < sweepKeys {
		s.sweep.key = keyName{}
	} else {
		p.more = true
	}
	return nil
}

// unparkUnordered unparks all rows of a webhook that keeps no order any more.
func (p *sweepRun) unparkUnordered(ctx context.Context, hook int64, l webhook.Lane) error {
	var data string
	err := p.s.row(ctx, p.s.reader(), `SELECT data FROM {p}webhook WHERE id = $1 AND scope = $2`, []any{l.WebhookID, l.Scope}, &data)
	if notFound(err) {
		return nil // endOrphans ends the rows
	}
	var r webhookData
	if err != nil || json.Unmarshal([]byte(data), &r) != nil || r.Order != "" || r.Coalesce {
		return err
	}
	n, err := p.s.unparkBatch(ctx, hook)
	p.more = p.more || n == sweepRead
	return err
}
