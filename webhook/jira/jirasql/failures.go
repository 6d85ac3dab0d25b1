package jirasql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/jira"
)

// AddFailure implements [jira.Failures].
func (s *Store) AddFailure(ctx context.Context, o jira.Owner, f jira.Failure) error {
	url, sealed, err := s.sealed(nameOf(o), f.URL)
	if err == nil {
		_, err = s.exec(ctx, s.db, `INSERT INTO {p}jira_failure (tenant, app, id, url, sealed, body, failed) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (tenant, app, id) DO UPDATE SET url = excluded.url, sealed = excluded.sealed, body = excluded.body, failed = excluded.failed`,
			o.Tenant, o.App, f.ID, url, sealed, f.Body, f.At.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("jirasql: add failure %s: %w", f.ID, err)
	}
	return nil
}

// Failures implements [jira.Failures].
func (s *Store) Failures(ctx context.Context, o jira.Owner, after time.Time, limit int) (out []jira.Failure, err error) {
	const since = ` FROM {p}jira_failure WHERE tenant = $1 AND app = $2 AND failed > $3`
	args := []any{o.Tenant, o.App, after.UnixMilli()}
	// The page ends after the millisecond of its last failure, or with the newest one.
	var end sql.NullInt64
	err = s.each(ctx, s.db, `SELECT max(failed) FROM (SELECT failed`+since+` ORDER BY failed LIMIT $4) page`,
		append(args, limit), func(rows *sql.Rows) error { return rows.Scan(&end) })
	if err == nil && end.Valid {
		err = s.each(ctx, s.db, `SELECT id, url, sealed, body, failed`+since+` AND failed <= $4`,
			append(args, end.Int64), func(rows *sql.Rows) error {
				var f jira.Failure
				var url []byte
				var sealed, failed int64
				if err := rows.Scan(&f.ID, &url, &sealed, &f.Body, &failed); err != nil {
					return err
				}
				if len(f.Body) == 0 {
					f.Body = nil
				}
				f.At = time.UnixMilli(failed).UTC()
				if f.URL, err = s.opened(nameOf(o), url, sealed); err != nil {
					return fmt.Errorf("failure %s: %w", f.ID, err)
				}
				out = append(out, f)
				return nil
			})
		// The order of texts differs between databases.
		slices.SortFunc(out, func(a, b jira.Failure) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	}
	if err != nil {
		return nil, fmt.Errorf("jirasql: read failures: %w", err)
	}
	return out, nil
}

// PruneFailures implements [jira.Failures].
func (s *Store) PruneFailures(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, `DELETE FROM {p}jira_failure WHERE failed < $1`, before.UnixMilli())
}
