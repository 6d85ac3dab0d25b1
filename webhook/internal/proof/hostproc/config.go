// Package hostproc runs a small host application in its own process, so that it can be killed. A
// program that uses it begins with
//
//	hostproc.Main()
//
// which returns at once, unless [Start] started the program as the host.
package hostproc

import (
	"database/sql"
	"fmt"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Scope is the scope of all webhooks and events.
const Scope = "acme"

// Database is the database of a host's tasks and deliveries.
type Database struct {
	Dialect sqlstore.Dialect
	DSN     string
	// MaxConns bounds the pool; 0 means 8.
	MaxConns int
}

// SQLite is the database in a file. A writer waits for another one for up to wait.
func SQLite(file string, wait time.Duration) Database {
	return Database{Dialect: sqlstore.SQLite, DSN: fmt.Sprintf("file:%s?_txlock=immediate&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=busy_timeout(%d)", file, wait.Milliseconds())}
}

// PostgreSQL is the database at dsn.
func PostgreSQL(dsn string) Database { return Database{Dialect: sqlstore.PostgreSQL, DSN: dsn} }

// Open opens a pool.
func (d Database) Open() (*sql.DB, error) {
	driver := "pgx"
	if d.Dialect == sqlstore.SQLite {
		driver = "sqlite"
	}
	db, err := sql.Open(driver, d.DSN)
	if err != nil {
		return nil, err
	}
	if d.MaxConns == 0 {
		d.MaxConns = 8
	}
	db.SetMaxOpenConns(d.MaxConns)
	db.SetMaxIdleConns(d.MaxConns)
	return db, nil
}

// Point is a moment in the life of a delivery.
type Point string

// The points at which a host can be told to stop.
const (
	BeforeCommit Point = "before commit" // task and deliveries are written, not committed
	AfterCommit  Point = "after commit"  // committed, nothing sent yet
	AfterAnswer  Point = "after answer"  // the receiver has answered, no outcome is stored
	BeforeSettle Point = "before Settle" // before the outcome is written
	AfterSettle  Point = "after Settle"  // the outcome is committed
)

// Config is the configuration of a host.
type Config struct {
	Database Database
	// Profile is the name of the host's profile; empty means Standard.
	Profile string
	// Name begins the IDs of the host's events.
	Name string
	// Addr and Certificate are those of the receiver.
	Addr        string
	Certificate []byte
	// Options of the Dispatcher. Slots replace those of the retry policy.
	Timeout, Lease, Drain, Poll time.Duration
	Capacity, PerLane           int
	Slots                       []retry.Slot
	// The host dispatches Events events from 4 goroutines, with Pause after each. Their bodies are
	// about Pad bytes longer than necessary.
	Events, Pad int
	Pause       time.Duration
	// Point, if not empty, is where the host stops for good when it reaches it the After-th time,
	// and reports it; 0 counts as 1.
	Point Point
	After int
	// ClockOffset is added to the database's clock.
	ClockOffset time.Duration
	// FailSettle makes so many calls of Settle fail.
	FailSettle int
	// Channel, if not empty, wakes hosts that share a PostgreSQL database.
	Channel string
}

// Report is a host's message to its parent.
type Report struct {
	Kind Kind
	// IDs are those of events, or of deliveries for At and Lost.
	IDs []string
	// Text is the point, an error, or a line of the log.
	Text string
}

// Kind is the kind of a Report.
type Kind string

// The kinds.
const (
	Ready    Kind = "ready"    // the Dispatcher is about to run
	Trying   Kind = "trying"   // about to dispatch
	Accepted Kind = "accepted" // Dispatch, or the commit behind DispatchTx, returned nil
	Refused  Kind = "refused"  // it returned an error
	Loaded   Kind = "loaded"   // all events were tried
	At       Kind = "at"       // the point was reached
	Lost     Kind = "lost"     // another process had taken the delivery over
	Logged   Kind = "logged"   // the Dispatcher logged a warning or an error
	Broken   Kind = "broken"   // the host cannot go on
)

// Tasks is the host's own table. The transaction of half of the events writes to it.
const Tasks = `CREATE TABLE IF NOT EXISTS tasks (id text PRIMARY KEY)`
