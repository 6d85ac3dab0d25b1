// Package sqlstore keeps webhooks and deliveries in a database, so that what was
// dispatched survives a crash and several copies of a host can share the work. It
// speaks to SQLite and PostgreSQL through database/sql and imports no driver: the
// host opens the database with the driver it already has.
//
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
//	err = store.Migrate(ctx) // creates or updates the tables, once or at every start
//	hooks, err := webhook.New(store, webhook.Automation(), nil)
//
// examples/tx_sql/example_test.go is a whole example with Output, in the module that has a driver.
//
// # The host's own transaction
//
// [Store.Tx] lets [webhook.Dispatcher.DispatchTx] write into a transaction of the
// host, a *sql.Tx or what an ORM makes of it; [Store.TxConn] does so for a native
// connection such as a pgx.Tx. The deliveries exist when the host commits and not
// before. database/sql does not tell of a commit, so the host calls Dispatcher.Wake after
// it; otherwise the next poll finds the work. In SQLite the transaction must be one that
// began by writing: a transaction that began by reading cannot write once another
// connection has, and the error says so ([ErrSetting], _txlock=immediate in the DSN).
//
// # PostgreSQL
//
// Version 12 or later; the tests run on 15. Any number of hosts may share one database.
// Their clocks need not agree, as the database's time counts ([Store.Now]). With
// [Options.Notifier] they wake each other at once. The first call answers a
// [*SettingError] where server_encoding is not UTF8 or the session is read-only.
//
//   - Pool: set SetMaxIdleConns as high as SetMaxOpenConns, or calls pay for connections
//     that database/sql has just closed ([Options.Logger] is told so once). 8 to 16 are
//     enough for a host. A call takes one connection at a time.
//   - Failover: target_session_attrs=read-write in the DSN, and SetConnMaxLifetime of some
//     minutes. A session that has become read-only is thrown away when a statement tells.
//   - Isolation: each statement is a transaction of its own. Where the database's default is
//     not read committed, it costs two round trips more, to begin and end one that is.
//   - Pooler: behind PgBouncer in transaction mode pgx works with
//     default_query_exec_mode=cache_describe, exec or simple_protocol in the DSN; its default,
//     named prepared statements, needs PgBouncer 1.21 and max_prepared_statements. LISTEN, as
//     a Notifier needs it, wants a connection past the pooler.
//   - Vacuum: the default settings do. A transaction that stays open for long keeps the
//     entries of what was sent in the index; a lane that is drained without a pause is then
//     read from its head each five seconds only.
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
// The first call answers a [*SettingError] where one is missing, where the database is
// read-only, and where it is in memory and each connection has its own. SQLite has one writer
// at a time; concurrent Enqueue calls of one Store therefore share a transaction. In
// a pool of one connection, a call that is not part of the transaction the host has
// open waits for it to end: use DispatchTx inside.
//
// # Secrets
//
// Without [Options.Seal] the URLs, secrets and header values of webhooks lie in the
// database in clear. [NewKeyring] makes a Seal and an Open from AES-256 keys of the
// host.
//
// # What each call reads
//
// A row is found by its ID, which is made of scope, event and webhook: that one index finds
// repetitions, settlements, and, by the beginning, the deliveries of an event. What waits is
// indexed by lane and due time, so a claim reads what it takes, and Due goes from lane to lane
// without reading what waits in one. What is leased is in a small index of its own, by the
// end of the lease. Two more indexes are the logs of a scope and of a webhook; pruning goes
// through the former.
//
// A Store remembers webhooks in memory, as they were last decoded: what is stored decides
// whether that is used. It remembers too those of whole scopes, for Dispatch
// ([Store.CachedWebhooks]): a trigger counts the changes of each scope's webhooks, also those
// made in SQL, and Enqueue refuses what was matched under another count.
package sqlstore
