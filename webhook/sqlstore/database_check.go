package sqlstore

import (
	"cmp"
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// schemaVersion is the number of the newest file in migrations.
const schemaVersion = 1

// meta holds the values of the table meta.
type meta struct {
	schema, compat int
	profile        string
}

// Bind implements [webhook.Binder].
func (s *Store) Bind(profile string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.profile != "" && s.profile != profile || s.owner != "" && s.owner != profile {
		return fmt.Errorf("sqlstore: bind %q: %w", profile, webhook.ErrProfile)
	}
	if s.profile != profile {
		s.profile = profile
		s.checked.Store(false)
	}
	return nil
}

// ready checks once whether the database can be used, and stores the profile's name
// in it.
func (s *Store) ready(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	// Before the tables: a wrong setting may be the reason why they are missing.
	if err := s.checkDatabase(ctx); err != nil {
		return err
	}
	m, err := s.checkTables(ctx, s.reader())
	if err != nil {
		return err
	}
	s.mu.Lock()
	profile := s.profile
	s.mu.Unlock()
	if s.dialect == SQLite || m.profile == "" && profile != "" { // only a write shows whether SQLite's file is writable
		if m.profile, err = s.claimProfile(ctx, cmp.Or(m.profile, profile)); err != nil {
			return s.fail("write to the database", "", err)
		}
	}
	return s.checkOwner(m.profile, true)
}

// checkOwner compares the profile that the database belongs to with the one given to Bind.
func (s *Store) checkOwner(owner string, final bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner != "" {
		s.owner = owner
	}
	if s.profile != "" && owner != "" && s.profile != owner {
		return fmt.Errorf("sqlstore: tables %q serve profile %q, not %q: %w", s.o.Prefix+"*", owner, s.profile, webhook.ErrProfile)
	}
	if final && (s.profile == "" || s.profile == owner) {
		s.checked.Store(true)
	}
	return nil
}

// claimProfile stores a profile, unless it is empty, and returns the one that was stored first.
func (s *Store) claimProfile(ctx context.Context, profile string) (owner string, err error) {
	err = s.write(ctx, func(c Conn) error {
		if profile == "" {
			return nil
		}
		err := s.exec(ctx, c, `INSERT INTO {p}meta (key, value) VALUES ('profile', $1) ON CONFLICT DO NOTHING`, profile)
		if err != nil {
			return err
		}
		return s.row(ctx, c, `SELECT value FROM {p}meta WHERE key = 'profile'`, nil, &owner)
	})
	return owner, err
}

// readyToRead is ready for calls that only read: it stores no name, so it does not wait
// for a transaction of the host that keeps an SQLite database locked.
func (s *Store) readyToRead(ctx context.Context) error { return s.readyIn(ctx, s.reader()) }

// readyIn is ready for a transaction of the host. It reads through that transaction and
// writes nothing. None of its statements fails, because an error would end the transaction.
func (s *Store) readyIn(ctx context.Context, c Conn) error {
	if s.checked.Load() {
		return nil
	}
	if err := s.checkDialect(ctx, c); err != nil {
		return err
	}
	m, err := s.checkTables(ctx, c)
	if err != nil {
		return err
	}
	return s.checkOwner(m.profile, false)
}

func (s *Store) checkTables(ctx context.Context, c Conn) (m meta, err error) {
	m, err = s.readMeta(ctx, c)
	switch {
	case err != nil:
	case m.schema < schemaVersion:
		err = fmt.Errorf("sqlstore: tables %q have version %d, this code needs %d: %w", s.o.Prefix+"*", m.schema, schemaVersion, ErrMigrate)
	case m.compat > schemaVersion:
		err = &SchemaError{Have: m.schema, Want: schemaVersion, Compat: m.compat}
	}
	return m, err
}

// checkDialect runs a statement that both databases accept with different results:
// PostgreSQL rounds, SQLite truncates.
func (s *Store) checkDialect(ctx context.Context, c Conn) error {
	var n int64
	if err := s.row(ctx, c, `SELECT CAST(1.5 AS integer)`, nil, &n); err != nil {
		return s.fail("reach the database", "", err)
	}
	have := SQLite
	if n == 2 {
		have = PostgreSQL
	}
	if have != s.dialect {
		return &DialectError{Want: s.dialect, Have: have}
	}
	return nil
}

// readMeta returns the zero meta where there are no tables.
func (s *Store) readMeta(ctx context.Context, c Conn) (m meta, err error) {
	var n int64
	err = s.row(ctx, c, s.pick(`SELECT count(*) FROM sqlite_schema WHERE name = $1`,
		`SELECT count(*) FROM pg_catalog.pg_class WHERE relname = $1 AND pg_catalog.pg_table_is_visible(oid)`), []any{s.o.Prefix + "meta"}, &n)
	if err != nil {
		return m, s.fail("look for tables", "", err)
	}
	if n == 0 {
		return m, nil
	}
	err = s.row(ctx, c, `SELECT coalesce(max(CASE key WHEN 'schema' THEN CAST(value AS integer) END), 0),
 coalesce(max(CASE key WHEN 'compat' THEN CAST(value AS integer) END), 0), coalesce(max(CASE key WHEN 'profile' THEN value END), '') FROM {p}meta`,
		nil, &m.schema, &m.compat, &m.profile)
	return m, s.fail("read", s.o.Prefix+"meta", err)
}
