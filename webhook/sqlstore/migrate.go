package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

//go:embed migrations
var migrations embed.FS

// Migrate creates the tables or updates them, in one transaction for each version. It
// is safe to call at every start and from several hosts at once. It does not change
// newer tables, and returns [ErrSchema] if this code cannot work with them. Hosts that
// run the code of the version before keep working.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.checkDialect(ctx, s.reader()); err != nil {
		return err
	}
	if err := s.checkSettings(ctx); err != nil {
		return err
	}
	for v := 1; v <= schemaVersion; v++ {
		err := s.migrate(ctx, v)
		if err != nil {
			return s.fail("migrate to version", strconv.Itoa(v), err)
		}
	}
	return s.ready(ctx)
}

func (s *Store) migrate(ctx context.Context, version int) error {
	m, err := s.readMeta(ctx, s.reader())
	if err != nil || m.schema >= version {
		return err
	}
	script, err := fs.ReadFile(s.Migrations(), fileOf(s.Migrations(), version))
	if err != nil {
		return err
	}
	return s.writeExclusive(ctx, func(c Conn) error {
		m, err := s.readMeta(ctx, c) // another host may have been faster
		if err != nil || m.schema >= version {
			return err
		}
		for _, statement := range statements(string(script)) {
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
	sub, _ := fs.Sub(migrations, "migrations/"+strings.ToLower(s.dialect.String()))
	return prefixed{sub, s.prefix}
}

func fileOf(files fs.FS, version int) string {
	list, _ := fs.ReadDir(files, ".")
	return list[version-1].Name()
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

// prefixed fills the prefix into the files of a flat directory.
type prefixed struct {
	fs.FS
	prefix string
}

func (p prefixed) Open(name string) (fs.File, error) {
	f, err := p.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		if dir, ok := f.(fs.ReadDirFile); ok && err == nil {
			return directory{dir, p}, nil
		}
		return f, err
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	text := bytes.ReplaceAll(raw, []byte("{p}"), []byte(p.prefix))
	return &file{bytes.NewReader(text), name}, nil
}

// directory lists the files with their sizes after the prefix is filled in.
type directory struct {
	fs.ReadDirFile
	p prefixed
}

func (d directory) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := d.ReadDirFile.ReadDir(n)
	for i, e := range list {
		f, err := d.p.Open(e.Name())
		if err != nil {
			return nil, err
		}
		list[i] = fs.FileInfoToDirEntry(f.(*file))
	}
	return list, err
}

// file is a rendered file, and its own FileInfo.
type file struct {
	*bytes.Reader
	name string
}

func (f *file) Stat() (fs.FileInfo, error) { return f, nil }
func (f *file) Close() error               { return nil }
func (f *file) Name() string               { return f.name }
func (f *file) Size() int64                { return f.Reader.Size() }
func (f *file) Mode() fs.FileMode          { return 0o444 }
func (f *file) ModTime() time.Time         { return time.Time{} }
func (f *file) IsDir() bool                { return false }
func (f *file) Sys() any                   { return nil }
