// Package sqlstore keeps webhooks and deliveries in a database, so that what was
// dispatched survives a crash and several copies of a host can share the work. It
// speaks to SQLite and PostgreSQL through database/sql and imports no driver: the
// host opens the database with the driver it already has.
//
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
//	err = store.Migrate(ctx) // creates or updates the tables, once or at every start
//	hooks, err := webhook.New(store, webhook.Automation(), nil)
//
// # The host's own transaction
//
// [Store.Tx] lets [webhook.Dispatcher.DispatchTx] write into a transaction of the
// host, a *sql.Tx or what an ORM makes of it; [Store.TxConn] does so for a native
// connection such as a pgx.Tx. The deliveries exist when the host commits and not
// before. database/sql does not tell anybody about a commit, so the host calls
// Dispatcher.Wake after it; otherwise the next poll finds the work. What is committed
// more than two seconds after it was dispatched may wait for the next sweep, a lease at
// most: dispatch at the end of a long transaction.
//
// # Databases
//
// PostgreSQL 12 or later (the tests run on 15). Any number of hosts may share one. Their clocks need not
// agree, as the database's time counts ([Store.Now]). With [Options.Notifier] they
// wake each other at once.
//
// SQLite 3.38 or later, in WAL mode and with a busy timeout, both set in the host's
// DSN: with modernc.org/sqlite
//
//	file:app.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)
//
// and with github.com/mattn/go-sqlite3
//
//	file:app.db?_journal_mode=WAL&_busy_timeout=5000
//
// The first call answers [*SettingError] where one is missing. SQLite has one writer
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
// # How a claim stays fast
//
// A Store remembers, in memory only, which lanes have something due and up to where
// it has taken from each. What newly became due is found by time, through an index of
// its own, so a claim reads what it takes and not what waits, is skipped, or was
// deleted. Correctness does not rest on that memory: [Store.Sweep] goes through all
// lanes, and finds whatever was missed.
package sqlstore
