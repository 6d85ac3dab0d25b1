package sqlstore

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// Health implements [webhook.HealthStore].
func (s *Store) Health(ctx context.Context, scope, id string) ([]webhook.Health, error) {
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
	list, err := readAll(ctx, s, s.reader(), query+` ORDER BY webhook`, args, func(r Rows) (h webhook.Health, err error) {
		var since, paused, open int64
		err = r.Scan(&h.WebhookID, &h.Scope, &since, &h.Failures, &paused, &open, &h.Opened)
		h.FailingSince, h.PausedUntil, h.OpenUntil = fromMicros(since), fromMicros(paused), fromMicros(open)
		return h, err
	})
	return list, s.fail("health", "", err)
}

// SetHealth implements [webhook.HealthStore].
func (s *Store) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	key, was, now := []any{id, scope}, healthValues(old), healthValues(new)
	const same = ` WHERE webhook = $1 AND scope = $2 AND failing_since = $3 AND failures = $4 AND paused_until = $5 AND open_until = $6 AND opened = $7`
	err := s.write(ctx, func(c Conn) error {
		err := s.shareWebhook(ctx, c, scope, id)
		if err != nil {
			return err
		}
		var n int64 // the rows that were changed
		switch {
		case old.OK() && new.OK():
			var found string // any stored record conflicts
			if err = s.row(ctx, c, `SELECT webhook FROM {p}health WHERE webhook = $1`, []any{id}, &found); notFound(err) {
				return nil
			}
		case old.OK():
			n, err = s.changed(ctx, c, `INSERT INTO {p}health (webhook, scope, failing_since, failures, paused_until, open_until, opened)
 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, slices.Concat(key, now)...)
		case new.OK():
			n, err = s.changed(ctx, c, `DELETE FROM {p}health`+same, slices.Concat(key, was)...)
		default:
			n, err = s.changed(ctx, c, `UPDATE {p}health SET failing_since = $8, failures = $9, paused_until = $10, open_until = $11, opened = $12`+same,
				slices.Concat(key, was, now)...)
		}
		if err == nil && n == 0 {
			err = webhook.ErrConflict
		}
		return err
	})
	return s.fail("set health of", id, err)
}

func healthValues(h webhook.Health) []any {
	return []any{micros(h.FailingSince), int64(h.Failures), micros(h.PausedUntil), micros(h.OpenUntil), int64(h.Opened)}
}
