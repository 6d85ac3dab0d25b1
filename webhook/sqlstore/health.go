package sqlstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// Health implements [webhook.HealthStore].
func (s *Store) Health(ctx context.Context, ids []string) (list []webhook.Health, err error) {
	if err := s.readable(ctx); err != nil {
		return nil, err
	}
	query, args := `SELECT webhook, scope, failing_since, failures, paused_until, open_until, opened FROM {p}health`, []any(nil)
	if ids != nil {
		in, err := s.list(ids)
		if err != nil {
			return nil, err
		}
		query, args = query+` WHERE webhook IN (SELECT `+s.unlist("$1")+`)`, []any{in}
	}
	err = s.each(ctx, s.reader(), query+` ORDER BY webhook`, args, func(r Rows) error {
		var h webhook.Health
		var since, paused, open int64
		err := r.Scan(&h.WebhookID, &h.Scope, &since, &h.Failures, &paused, &open, &h.Opened)
		h.FailingSince, h.PausedUntil, h.OpenUntil = fromMicros(since), fromMicros(paused), fromMicros(open)
		list = append(list, h)
		return err
	})
	if err != nil {
		return nil, s.fail("health", "", err)
	}
	return list, nil
}

// SetHealth implements [webhook.HealthStore].
func (s *Store) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	now := []any{id, scope, micros(new.FailingSince), int64(new.Failures), micros(new.PausedUntil), micros(new.OpenUntil), int64(new.Opened)}
	was := []any{micros(old.FailingSince), int64(old.Failures), micros(old.PausedUntil), micros(old.OpenUntil), int64(old.Opened)}
	const same = ` WHERE webhook = $1 AND scope = $2 AND failing_since = $3 AND failures = $4 AND paused_until = $5 AND open_until = $6 AND opened = $7 RETURNING webhook`
	err := s.write(ctx, func(c Conn) error {
		n, err := s.affected(ctx, c, s.pick(`SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2`,
			`SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2 FOR KEY SHARE`), id, scope)
		if err == nil && n == 0 {
			err = webhook.ErrNotFound
		}
		if err != nil {
			return err
		}
		switch {
		case old.OK() && new.OK():
			n, err = s.affected(ctx, c, `SELECT webhook FROM {p}health WHERE webhook = $1`, id)
			n = 1 - n // any record is another one
		case old.OK():
			n, err = s.affected(ctx, c, `INSERT INTO {p}health (webhook, scope, failing_since, failures, paused_until, open_until, opened)
 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING webhook`, now...)
		case new.OK():
			n, err = s.affected(ctx, c, `DELETE FROM {p}health`+same, append([]any{id, scope}, was...)...)
		default:
			n, err = s.affected(ctx, c, `UPDATE {p}health SET failing_since = $8, failures = $9, paused_until = $10, open_until = $11, opened = $12`+same,
				append(append([]any{id, scope}, was...), now[2:]...)...)
		}
		if err == nil && n == 0 {
			err = webhook.ErrConflict
		}
		return err
	})
	return s.fail("set health of", id, err)
}
