package jirasql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook/jira"
)

// Attach implements [jira.PostFunctions].
func (s *Store) Attach(ctx context.Context, tenant string, t jira.Transition, webhookID string) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if _, err := s.lock(ctx, tx, tenant); err != nil {
			return err
		}
		retired, err := s.count(ctx, tx, `SELECT count(*) FROM {p}jira_retired WHERE tenant = $1 AND webhook = $2`, tenant, webhookID)
		if err != nil {
			return err
		}
		if retired > 0 {
			return jira.ErrRetired
		}
		_, err = s.exec(ctx, tx, `INSERT INTO {p}jira_attachment (tenant, workflow, transition, webhook) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			tenant, t.Workflow, t.ID, webhookID)
		return err
	})
	if err != nil {
		return fmt.Errorf("jirasql: attach webhook %s: %w", webhookID, err)
	}
	return nil
}

func (s *Store) count(ctx context.Context, from runner, query string, args ...any) (n int64, err error) {
	err = s.each(ctx, from, query, args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// Retire implements [jira.PostFunctions]. It locks the tenant's row like Attach, so that reading
// and writing are one step.
func (s *Store) Retire(ctx context.Context, tenant, webhookID string) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if _, err := s.lock(ctx, tx, tenant); err != nil {
			return err
		}
		attached, err := s.count(ctx, tx, `SELECT count(*) FROM {p}jira_attachment WHERE tenant = $1 AND webhook = $2`, tenant, webhookID)
		if err != nil {
			return err
		}
		if attached > 0 {
			return jira.ErrAttached
		}
		_, err = s.exec(ctx, tx, `INSERT INTO {p}jira_retired (tenant, webhook) VALUES ($1, $2) ON CONFLICT DO NOTHING`, tenant, webhookID)
		return err
	})
	if err != nil {
		return fmt.Errorf("jirasql: retire webhook %s: %w", webhookID, err)
	}
	return nil
}

// Restore implements [jira.PostFunctions].
func (s *Store) Restore(ctx context.Context, tenant, webhookID string) error {
	if _, err := s.exec(ctx, s.db, `DELETE FROM {p}jira_retired WHERE tenant = $1 AND webhook = $2`, tenant, webhookID); err != nil {
		return fmt.Errorf("jirasql: restore webhook %s: %w", webhookID, err)
	}
	return nil
}

// Detach implements [jira.PostFunctions].
func (s *Store) Detach(ctx context.Context, tenant string, t jira.Transition, webhookID string) error {
	_, err := s.exec(ctx, s.db, `DELETE FROM {p}jira_attachment WHERE tenant = $1 AND workflow = $2 AND transition = $3 AND webhook = $4`,
		tenant, t.Workflow, t.ID, webhookID)
	if err != nil {
		return fmt.Errorf("jirasql: detach webhook %s: %w", webhookID, err)
	}
	return nil
}

// Attached implements [jira.PostFunctions].
func (s *Store) Attached(ctx context.Context, tenant string, t jira.Transition) (ids []string, err error) {
	err = s.each(ctx, s.db, `SELECT webhook FROM {p}jira_attachment WHERE tenant = $1 AND workflow = $2 AND transition = $3`,
		[]any{tenant, t.Workflow, t.ID}, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("jirasql: webhooks of a transition: %w", err)
	}
	slices.Sort(ids) // the order of texts differs between databases
	return ids, nil
}

// Transitions implements [jira.PostFunctions].
func (s *Store) Transitions(ctx context.Context, tenant, webhookID string) (ts []jira.Transition, err error) {
	err = s.each(ctx, s.db, `SELECT workflow, transition FROM {p}jira_attachment WHERE tenant = $1 AND webhook = $2`,
		[]any{tenant, webhookID}, func(rows *sql.Rows) error {
			var t jira.Transition
			err := rows.Scan(&t.Workflow, &t.ID)
			ts = append(ts, t)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("jirasql: transitions of webhook %s: %w", webhookID, err)
	}
	slices.SortFunc(ts, func(a, b jira.Transition) int {
		return cmp.Or(strings.Compare(a.Workflow, b.Workflow), strings.Compare(a.ID, b.ID))
	})
	return ts, nil
}
