package jirasql

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/jira"
)

// firstID is the first ID of a tenant.
const firstID = 1000

// Register implements [jira.Registrations].
func (s *Store) Register(ctx context.Context, o jira.Owner, rs []jira.Registration, now time.Time, max int) (ids []int64, err error) {
	ids = make([]int64, len(rs))
	if len(rs) == 0 {
		return ids, nil
	}
	err = s.within(ctx, func(tx *sql.Tx) error {
		last, err := s.lock(ctx, tx, o.Tenant)
		if err != nil {
			return err
		}
		have, err := s.registrations(ctx, tx, o)
		if err != nil {
			return err
		}
		live, url := alive(have, now)
		if live > 0 && url != rs[0].URL {
			return jira.ErrOtherURL
		}
		for i := range rs {
			if live++; live > max {
				break
			}
			last++
			ids[i] = last
			if err := s.insert(ctx, tx, o, last, &rs[i]); err != nil {
				return err
			}
		}
		_, err = s.exec(ctx, tx, `UPDATE {p}jira_tenant SET last = $1 WHERE tenant = $2`, last, o.Tenant)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("jirasql: register: %w", err)
	}
	return ids, nil
}

// lock makes other writers of a tenant's registrations wait, and returns its latest ID.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, tenant string) (last int64, err error) {
	err = s.each(ctx, tx, `INSERT INTO {p}jira_tenant (tenant, last) VALUES ($1, $2)
		ON CONFLICT (tenant) DO UPDATE SET last = {p}jira_tenant.last RETURNING last`,
		[]any{tenant, firstID - 1}, func(r *sql.Rows) error { return r.Scan(&last) })
	return last, err
}

// alive counts the live registrations, which all have one URL.
func alive(rs []jira.Registration, now time.Time) (n int, url string) {
	for _, r := range rs {
		if r.Live(now) {
			n++
			url = r.URL
		}
	}
	return n, url
}

func (s *Store) insert(ctx context.Context, tx *sql.Tx, o jira.Owner, id int64, r *jira.Registration) error {
	url, sealed, err := s.sealed(nameOf(o), r.URL)
	if err != nil {
		return err
	}
	text, err := json.Marshal(data{&r.Filter, r.Events, r.FieldIDs, r.PropertyKeys, micros(r.CreatedAt)})
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, tx, `INSERT INTO {p}jira_registration (tenant, id, app, url, sealed, data, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		o.Tenant, id, o.App, url, sealed, string(text), micros(r.ExpiresAt))
	return err
}

// data is the part of a row that no statement reads. It is JSON because PostgreSQL's text cannot
// hold every character.
type data struct {
	Filter       *string // nil for a damaged row, which must not count as an empty filter
	Events       []string
	FieldIDs     []string `json:",omitempty"`
	PropertyKeys []string `json:",omitempty"`
	Created      int64
}

// Registrations implements [jira.Registrations].
func (s *Store) Registrations(ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
	rs, err := s.registrations(ctx, s.db, o)
	if err != nil {
		return nil, fmt.Errorf("jirasql: read registrations: %w", err)
	}
	return rs, nil
}

func (s *Store) registrations(ctx context.Context, from runner, o jira.Owner) (out []jira.Registration, err error) {
	err = s.each(ctx, from, `SELECT id, url, sealed, data, expires FROM {p}jira_registration WHERE tenant = $1 AND app = $2 ORDER BY id`, []any{o.Tenant, o.App}, func(rows *sql.Rows) error {
		var id, sealed, expires int64
		var url, text []byte
		if err := rows.Scan(&id, &url, &sealed, &text, &expires); err != nil {
			return err
		}
		var d data
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("registration %d: %w", id, err)
		}
		if d.Filter == nil {
			return fmt.Errorf("registration %d: the row has no filter", id)
		}
		plain, err := s.opened(nameOf(o), url, sealed)
		if err != nil {
			return fmt.Errorf("registration %d: %w", id, err)
		}
		out = append(out, jira.Registration{ID: id, URL: plain, Filter: *d.Filter, Events: d.Events, FieldIDs: d.FieldIDs,
			PropertyKeys: d.PropertyKeys, CreatedAt: fromMicros(d.Created), ExpiresAt: fromMicros(expires)})
		return nil
	})
	return out, err
}

// Delete implements [jira.Registrations].
func (s *Store) Delete(ctx context.Context, o jira.Owner, ids []int64) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if _, err := s.lock(ctx, tx, o.Tenant); err != nil {
			return err
		}
		have, err := s.registrations(ctx, tx, o)
		if err != nil {
			return err
		}
		named := make(map[int64]bool, len(ids))
		for _, id := range ids {
			named[id] = true
		}
		for _, r := range have { // bounded by the owner's registrations, not by ids
			if !named[r.ID] {
				continue
			}
			if _, err := s.exec(ctx, tx, `DELETE FROM {p}jira_registration WHERE tenant = $1 AND id = $2`, o.Tenant, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("jirasql: delete registrations: %w", err)
	}
	return nil
}

// Refresh implements [jira.Registrations].
func (s *Store) Refresh(ctx context.Context, o jira.Owner, ids []int64, now, until time.Time, max int) (refused []int64, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		if _, err := s.lock(ctx, tx, o.Tenant); err != nil {
			return err
		}
		have, err := s.registrations(ctx, tx, o)
		if err != nil {
			return err
		}
		live, url := alive(have, now)
		done := make(map[int64]bool, len(have)) // a repeated ID costs no statement
		for _, id := range ids {
			i, found := slices.BinarySearchFunc(have, id, func(r jira.Registration, id int64) int { return cmp.Compare(r.ID, id) })
			if !found || done[id] {
				continue
			}
			done[id] = true
			if r := &have[i]; !r.Live(now) {
				if live >= max || live > 0 && r.URL != url {
					refused = append(refused, id)
					continue
				}
				live, url = live+1, r.URL
			}
			have[i].ExpiresAt = until
			if _, err := s.exec(ctx, tx, `UPDATE {p}jira_registration SET expires = $1 WHERE tenant = $2 AND id = $3`,
				micros(until), o.Tenant, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("jirasql: refresh registrations: %w", err)
	}
	return refused, nil
}

// Prune implements [jira.Registrations].
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, `DELETE FROM {p}jira_registration WHERE expires < $1`, micros(before))
}

func (s *Store) prune(ctx context.Context, statement string, before int64) (int, error) {
	result, err := s.exec(ctx, s.db, statement, before)
	if err != nil {
		return 0, fmt.Errorf("jirasql: prune: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
