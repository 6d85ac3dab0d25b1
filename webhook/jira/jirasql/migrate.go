package jirasql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations
var migrations embed.FS

const schemaVersion = 2

// ErrSchema reports that the tables are newer than this code.
var ErrSchema = errors.New("jirasql: the tables are of a newer version, update this program")

// Migrate creates the tables or brings them up to date. It is safe to call at every
// start and from several hosts at once. Tables that are newer are left alone: [ErrSchema].
func (s *Store) Migrate(ctx context.Context) error {
	// Concurrent creation of the same table fails in PostgreSQL, even with IF NOT EXISTS. The
	// second host waits for the first, fails, and finds the table: once for the table of versions,
	// and once for each version.
	var err error
	for range 2 + schemaVersion {
		if err = s.migrate(ctx); err == nil || errors.Is(err, ErrSchema) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("jirasql: migrate: %w", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, s.db, `CREATE TABLE IF NOT EXISTS {p}jira_schema (version bigint NOT NULL PRIMARY KEY)`); err != nil {
		return err
	}
	var at int64
	err = s.each(ctx, s.db, `SELECT coalesce(max(version), 0) FROM {p}jira_schema`, nil, func(r *sql.Rows) error { return r.Scan(&at) })
	if err != nil {
		return err
	}
	if at > schemaVersion {
		return ErrSchema
	}
	for _, file := range files[at:] {
		script, err := fs.ReadFile(migrations, "migrations/"+file.Name())
		if err != nil {
			return err
		}
		if err := s.within(ctx, func(tx *sql.Tx) error { return s.run(ctx, tx, string(script)) }); err != nil {
			return err
		}
	}
	return nil
}

// run executes the statements of a script. Each statement here has its only semicolon at its end.
func (s *Store) run(ctx context.Context, tx *sql.Tx, script string) error {
	for statement := range strings.SplitSeq(script, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := s.exec(ctx, tx, statement); err != nil {
			return err
		}
	}
	return nil
}
