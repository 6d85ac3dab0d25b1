package sqlstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// Health implements [webhook.HealthStore].
func (s *Store) Health(ctx context.Context, scope, id string) (list []webhook.Health, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return nil, err
	}
	query, args := `SELECT webhook, scope, failing_since, failures, paused_until, open_until, opened FROM {p}health`, []any(nil)
	switch {
	case id != "":
		query, args = query+` WHERE webhook = $1 AND scope = $2`, []any{id, scope}
	case scope != "":
		query, args = query+` WHERE scope = $1`, []any{scope}
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
	const same = ` WHERE webhook = $1 AND scope = $2 AND failing_since = $3 AND failures = $4 AND paused_until = $5 AND open_until = $6 AND opened = $7`
	err := s.write(ctx, func(c Conn) error {
		var found string
		err := s.row(ctx, c, s.pick(`SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2`,
			`SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2 FOR KEY SHARE`), []any{id, scope}, &found)
		if err != nil {
			return orNotFound(err)
		}
		var n int64 // the rows that were changed
		switch {
		case old.OK() && new.OK():
			if err = s.row(ctx, c, `SELECT webhook FROM {p}health WHERE webhook = $1`, []any{id}, &found); notFound(err) {
				return nil
			}
			n = 0 // any stored record conflicts
		case old.OK():
			n, err = s.changed(ctx, c, `INSERT INTO {p}health (webhook, scope, failing_since, failures, paused_until, open_until, opened)
 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, now...)
		case new.OK():
			n, err = s.changed(ctx, c, `DELETE FROM {p}health`+same, append([]any{id, scope}, was...)...)
		default:
			n, err = s.changed(ctx, c, `UPDATE {p}health SET failing_since = $8, failures = $9, paused_until = $10, open_until = $11, opened = $12`+same,
				append(append([]any{id, scope}, was...), now[2:]...)...)
		}
		if err == nil && n == 0 {
			err = webhook.ErrConflict
		}
		return err
	})
	return s.fail("set health of", id, err)
}
