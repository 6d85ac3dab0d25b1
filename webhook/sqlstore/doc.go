// Package sqlstore keeps webhooks and deliveries in a database, so that dispatched
// events survive a crash and several copies of a host can share the work. It uses
// SQLite or PostgreSQL through database/sql and imports no driver: the host opens
// the database with the driver it already has.
//
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
//	err = store.Migrate(ctx) // creates or updates the tables, once or at every start
//	hooks, err := webhook.New(store, webhook.Automation(), nil)
//
// examples/tx_sql/example_test.go is a complete example with Output, in the module that has a driver.
//
// # The host's own transaction
//
// [Store.Tx] lets [webhook.Dispatcher.DispatchTx] write into a transaction of the
// host, a *sql.Tx or an ORM's handle over one; [Store.TxConn] does so for a native
// connection such as a pgx.Tx. The deliveries exist when the host commits and not
// before. database/sql does not report a commit, so the host calls Dispatcher.Wake after
// it; otherwise the next poll finds the work. In SQLite the transaction must begin with a
// write: a transaction that began with a read cannot write after another connection
// has, and the error says so ([ErrSetting], _txlock=immediate in the DSN).
//
// # PostgreSQL
//
// Version 12 or later; CI runs the tests on 14 to 18, nothing on 12 and 13. Any number of hosts may
// share one database.
// Their clocks need not agree, because the database's time counts ([Store.Now]). With
// [Options.Notifier] they wake each other at once. The first call returns a
// [*SettingError] if server_encoding is not UTF8 or the session is read-only.
//
//   - Pool: set SetMaxIdleConns as high as SetMaxOpenConns, or calls pay for connections
//     that database/sql has just closed ([Options.Logger] gets a warning once). 8 to 16 are
//     enough for a host. A call takes one connection at a time.
//   - Failover: target_session_attrs=read-write in the DSN, and SetConnMaxLifetime of some
//     minutes. A session that has become read-only is closed when a statement fails in it.
//   - Isolation: each statement is a transaction of its own. If the database's default is
//     not read committed, a statement costs two round trips more, to begin and end a transaction.
//   - Pooler: behind PgBouncer in transaction mode pgx works with
//     default_query_exec_mode=cache_describe, exec or simple_protocol in the DSN; its default,
//     named prepared statements, needs PgBouncer 1.21 and max_prepared_statements. A Notifier
//     that uses LISTEN needs a connection that bypasses the pooler.
//   - Vacuum: the default settings do. A transaction that stays open for long keeps the index
//     entries of sent deliveries; a lane that is drained without a pause is then read from its
//     head only every five seconds.
//
// # SQLite
//
// Version 3.38 or later, in WAL mode and with a busy timeout, both set in the host's
// DSN: with modernc.org/sqlite
//
//	file:app.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)
//
// and with github.com/mattn/go-sqlite3
//
//	file:app.db?_journal_mode=WAL&_busy_timeout=5000
//
// The first call returns a [*SettingError] if one is missing, if the database is
// read-only, or if it is in memory and each connection has its own. SQLite has one writer
// at a time; concurrent Enqueue calls of one Store therefore share a transaction. In
// a pool of one connection, a call outside the host's open transaction waits for the
// transaction to end: use DispatchTx inside.
//
// # Secrets
//
// Without [Options.Seal] the URLs, secrets and header values of webhooks are stored in
// clear. [NewKeyring] makes a Seal and an Open from AES-256 keys of the host.
//
// # What each call reads
//
// A row's ID is made of scope, event and webhook: the index of IDs finds repetitions,
// settlements and, by a common prefix, the deliveries of an event. Pending rows are indexed by
// lane and due time, so a claim reads the rows that it takes and the few that are held, and Due
// goes from lane to lane without reading the rows of one. A table of leases names the lanes with
// a lease by its end: Due reads it to find deliveries of a host that has died, so a lease adds
// no index entry to a delivery. Two more indexes are the logs of a scope and of a webhook;
// Prune goes through the log of scopes.
//
// A Store keeps decoded webhooks in memory and uses them while the stored row is the same.
// It also keeps the webhooks of whole scopes, for Dispatch ([Store.CachedWebhooks]): a trigger
// counts the changes of each scope's webhooks, also those made in SQL, and Enqueue refuses
// deliveries that were matched under another count.
package sqlstore
