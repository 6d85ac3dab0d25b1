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
SELECT d.hook, d.key, d.due, d.scope, d.webhook FROM p CROSS JOIN {p}delivery d ON d.seq = p.seq`

const (
	// sweepKeys bounds the keys that one call of Sweep reads.
	sweepKeys = 20_000
	// sweepKeysPage bounds the keys that one statement reads.
	sweepKeysPage = 1000
)

func compareKeys(a, b keyName) int {
	return cmp.Or(cmp.Compare(a.hook, b.hook), strings.Compare(a.key, b.key))
}

// unparkHeads unparks heads of keys that are still parked because a process died after the end of
// the head before, and all rows of webhooks that keep no order any more. It continues after the
// last key of the call before, and restarts after the last of all keys.
func (p *sweepRun) unparkHeads(ctx context.Context) error {
	for range sweepKeys / sweepKeysPage {
		if last, err := p.unparkHeadsPage(ctx); last || err != nil {
			return err
		}
	}
	p.more = true
	return nil
}

// unparkHeadsPage unparks heads of the keys behind the last page. last reports that no more follow.
// The next page begins behind this one even if a later page fails, so that sweeps which are cut off
// reach all keys in the end.
func (p *sweepRun) unparkHeadsPage(ctx context.Context) (last bool, err error) {
	s := p.s
	var heads []keyName
	var hooks []lane
	n := 0
	at := s.sweep.key
	err = s.each(ctx, s.reader(), s.pick(keysSQLite, keysPostgres), []any{at.hook, at.key, int64(sweepKeysPage)}, func(r Rows) error {
		var k keyName
		var due int64
		var l lane
		if err := r.Scan(&k.hook, &k.key, &due, &l.Scope, &l.WebhookID); err != nil {
			return err
		}
		if n++; k.hook != at.hook { // the page before has checked the webhook of its last key
			l.hook = k.hook
			hooks = append(hooks, l)
		}
		if at = k; due == parked {
			heads = append(heads, k)
		}
		return nil
	})
	if err == nil {
		err = p.unparkUnordered(ctx, hooks)
	}
	if err == nil && len(heads) > 0 {
		err = s.unpark(ctx, heads, p.now)
	}
	if err != nil {
		return false, err
	}
	if last = n < sweepKeysPage; last {
		at = keyName{}
	}
	s.sweep.key = at
	return last, nil
}

// unparkUnordered unparks all rows of the webhooks that keep no order any more. One statement reads
// all the webhooks, because a sweep must end within its time however many they are.
func (p *sweepRun) unparkUnordered(ctx context.Context, hooks []lane) error {
	if len(hooks) == 0 {
		return nil
	}
	ids := make([]string, len(hooks))
	for i, l := range hooks {
		ids[i] = l.WebhookID
	}
	unordered := make(map[webhook.Lane]bool)
	query := `SELECT id, scope, data FROM {p}webhook WHERE id ` + p.s.in("$1")
	err := p.s.each(ctx, p.s.reader(), query, []any{p.s.textList(ids)}, func(r Rows) error {
		var l webhook.Lane
		var data string
		var w webhookData
		err := r.Scan(&l.WebhookID, &l.Scope, &data)
		unordered[l] = json.Unmarshal([]byte(data), &w) == nil && w.Order == "" && !w.Coalesce
		return err
	})
	for _, l := range hooks {
		if err == nil && unordered[l.Lane] { // endOrphans ends the rows of a webhook that is gone
			var n int64
			n, err = p.s.unparkBatch(ctx, l.hook)
			p.more = p.more || n == sweepRows
		}
	}
	return err
}
