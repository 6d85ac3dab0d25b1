package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
)

// checkDatabase refuses a database of another dialect, and one whose settings let it accept events and
// then fail to keep or to send them.
func (s *Store) checkDatabase(ctx context.Context) error {
	if err := s.checkDialect(ctx, s.reader()); err != nil {
		return err
	}
	if s.dialect == PostgreSQL {
		return s.checkPostgres(ctx)
	}
	return s.checkSQLite(ctx)
}

func (s *Store) checkPostgres(ctx context.Context) error {
	var encoding, readOnly, isolation string
	err := s.row(ctx, s.reader(), `SELECT current_setting('server_encoding'), current_setting('transaction_read_only'),
 current_setting('transaction_isolation')`, nil, &encoding, &readOnly, &isolation)
	switch {
	case err != nil:
		return s.fail("read settings", "", err)
	case encoding != "UTF8":
		return &SettingError{"server_encoding", encoding, "UTF8", "create the database with ENCODING 'UTF8' TEMPLATE template0"}
	case readOnly != "off":
		return &SettingError{"transaction_read_only", readOnly, "off", "connect to the primary: target_session_attrs=read-write in the DSN"}
	}
	s.explicit.Store(isolation != "read committed")
	return nil
}

func (s *Store) checkSQLite(ctx context.Context) error {
	var version, mode, file string
	var timeout, queryOnly int64
	err := s.row(ctx, s.reader(), `SELECT sqlite_version(), (SELECT journal_mode FROM pragma_journal_mode), (SELECT timeout FROM pragma_busy_timeout),
 (SELECT query_only FROM pragma_query_only), (SELECT coalesce(file, '') FROM pragma_database_list WHERE name = 'main')`,
		nil, &version, &mode, &timeout, &queryOnly, &file)
	switch {
	case err != nil:
		return s.fail("read settings", "", err)
	case older(version, 3, 38):
		return &SettingError{"the version of SQLite", version, "3.38 or later", "update the driver"}
	case mode != "wal" && mode != "memory":
		return &SettingError{"journal_mode", mode, "WAL", inDSN}
	case timeout <= 0 && mode == "wal":
		return &SettingError{"busy_timeout", "0", "5000 or so (milliseconds)", inDSN}
	case queryOnly != 0:
		return &SettingError{"query_only", "on", "off", inDSN}
	case file == "" && s.db.Stats().MaxOpenConnections != 1:
		return s.checkMemory(ctx)
	}
	return nil
}

const inDSN = "set it in the DSN"

// checkMemory refuses a database in memory that is not shared by all connections.
func (s *Store) checkMemory(ctx context.Context) error {
	return s.session(ctx, func(one *sql.Conn) error {
		const name = `{p}shared`
		if err := s.exec(ctx, sqlConn{one}, `CREATE TABLE IF NOT EXISTS `+name+` (x)`); err != nil {
			return s.fail("write to the database", "", err)
		}
		var n int64
		err := s.session(ctx, func(other *sql.Conn) error {
			return s.row(ctx, sqlConn{other}, `SELECT count(*) FROM sqlite_schema WHERE name = '`+name+`'`, nil, &n)
		})
		if err == nil {
			err = s.exec(ctx, sqlConn{one}, `DROP TABLE `+name)
		}
		if err == nil && n == 0 {
			err = &SettingError{"the database", ":memory:, a separate one for each connection", "a file, or one for all connections",
				"SetMaxOpenConns(1) and SetConnMaxLifetime(0), or cache=shared in the DSN"}
		}
		return err
	})
}

// older reports whether a version such as 3.37.2 comes before another one.
func older(version string, major, minor int) bool {
	var have, of int
	_, _ = fmt.Sscanf(version, "%d.%d", &have, &of)
	return have < major || have == major && of < minor
}

// warnIdle logs once that the pool closes connections that it needs again at once: each
// call then pays for a new one. database/sql does not export the setting, only counts.
func (s *Store) warnIdle(ctx context.Context) {
	const closed = 100
	st := s.db.Stats()
	if s.warned.Load() || st.MaxIdleClosed < closed || !s.warned.CompareAndSwap(false, true) {
		return
	}
	s.o.Logger.WarnContext(ctx, "sqlstore: the pool closes connections that are needed again, set SetMaxIdleConns as high as SetMaxOpenConns",
		"closed", st.MaxIdleClosed, "max_open", st.MaxOpenConnections)
}
