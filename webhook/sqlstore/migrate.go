package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"strconv"
	"strings"
	"testing/fstest"
)

//go:embed migrations
var migrations embed.FS

// Migrate creates the tables or updates them, in one transaction for each version. It
// is safe to call at every start and from several hosts at once. It does not change
// newer tables, and returns [ErrSchema] if this code cannot work with them. Hosts that
// run the code of the version before keep working.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.checkDatabase(ctx); err != nil {
		return err
	}
	files := s.Migrations()
	names, _ := fs.Glob(files, "*.sql")
	for i, name := range names {
		script, err := fs.ReadFile(files, name)
		if err == nil {
			err = s.migrate(ctx, i+1, string(script))
		}
		if err != nil {
			return s.fail("migrate to version", strconv.Itoa(i+1), err)
		}
	}
	return s.ready(ctx)
}

func (s *Store) migrate(ctx context.Context, version int, script string) error {
	m, err := s.readMeta(ctx, s.reader())
	if err != nil || m.schema >= version {
		return err
	}
	return s.writeExclusive(ctx, func(c Conn) error {
		m, err := s.readMeta(ctx, c) // another host may have been faster
		if err != nil || m.schema >= version {
			return err
		}
		for _, statement := range statements(script) {
			if err := c.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeExclusive runs a transaction that no other host runs at the same time.
func (s *Store) writeExclusive(ctx context.Context, fn func(Conn) error) error {
	return s.session(ctx, func(conn *sql.Conn) (err error) {
		c := sqlConn{conn}
		// A table lock is impossible, because there may be no table yet.
		if err := c.Exec(ctx, s.pick(`BEGIN IMMEDIATE`, `BEGIN ISOLATION LEVEL READ COMMITTED`)); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				_ = c.Exec(context.WithoutCancel(ctx), `ROLLBACK`) // err says more
			}
		}()
		if s.dialect == PostgreSQL {
			if err := s.exec(ctx, c, `SELECT pg_advisory_xact_lock(hashtext('{p}migrate'))`); err != nil {
				return err
			}
		}
		if err := fn(c); err != nil {
			return err
		}
		return c.Exec(ctx, `COMMIT`)
	})
}

// Migrations returns the files that make up the tables, in the order of their names
// and with the Store's prefix filled in, for hosts with a migration tool of their
// own. Each file belongs in one transaction; its last statement records its version.
func (s *Store) Migrations() fs.FS {
	files := make(fstest.MapFS) // the standard library's file system in memory; it needs nothing of testing
	folder := "migrations/" + strings.ToLower(s.dialect.String())
	list, _ := migrations.ReadDir(folder)
	for _, f := range list {
		raw, _ := migrations.ReadFile(folder + "/" + f.Name())
		files[f.Name()] = &fstest.MapFile{Data: bytes.ReplaceAll(raw, []byte("{p}"), []byte(s.o.Prefix)), Mode: 0o444}
	}
	return files
}

// statements splits a script. A statement ends with a semicolon at the end of a line without
// indentation; the bodies of functions and triggers are indented.
func statements(script string) (list []string) {
	var b strings.Builder
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "--") {
			continue
		}
		b.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") && line[0] != ' ' {
			list = append(list, strings.TrimSuffix(strings.TrimSpace(b.String()), ";"))
			b.Reset()
		}
	}
	return list
}
