package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/sealing"
	"github.com/postrider/postrider/webhook/internal/sqlconfig"
)

// Dialect is the kind of database.
type Dialect uint8

// The dialects.
const (
	SQLite     Dialect = 1
	PostgreSQL Dialect = 2
)

// String returns "SQLite" or "PostgreSQL".
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// Options configures a [Store]. Nil, or a zero field, means the default.
type Options struct {
	// Prefix begins the name of every table, index and sequence: lower case letters,
	// digits and "_", a letter first, at most 30 bytes; default "postrider_". Hosts with
	// two profiles have two Stores with two prefixes.
	Prefix string
	// Seal encrypts the secret part of a webhook before it is stored: URL, secrets and
	// headers. The name is made of scope, ID and version of the webhook. It must be bound
	// to the result as associated data, so that no older value and none of another webhook
	// or scope opens in its place. Open is the inverse of Seal. Set both or neither; default
	// neither: secrets are stored in clear. [Keyring] has both. They are called from several
	// goroutines.
	Seal func(name string, plain []byte) (sealed []byte, err error)
	Open func(name string, sealed []byte) (plain []byte, err error)
	// RequireSealed refuses, with [ErrSealed], webhooks whose secrets are stored in clear
	// or sealed by a release that bound the webhook's ID alone. Otherwise such a row could be
	// put in the place of a sealed one by an attacker who can write to the database. Set it
	// after [Store.Reseal] has succeeded; default false. It needs Seal and Open.
	RequireSealed bool
	// Counters makes Settle count the attempts of each webhook by the hour, for
	// [webhook.Counters]: one row more for each webhook in a batch. Default false.
	Counters bool
	// Notifier carries wake-ups between hosts that share a PostgreSQL database, such as
	// LISTEN and NOTIFY through the host's driver; default none, hosts then poll.
	Notifier webhook.Notifier
	// Logger receives a warning, once, where the pool's settings make every call slow;
	// default silence.
	Logger *slog.Logger
}

// Store keeps webhooks and deliveries in a database. It implements [webhook.Store],
// [webhook.Registry], [webhook.History], [webhook.Overview], [webhook.Pruner], [webhook.Marks],
// [webhook.Clock], [webhook.HealthStore], [webhook.Sweeper], [webhook.KeyOrder], [webhook.Binder],
// [webhook.Stats], [webhook.Sealer], [webhook.WebhookCache], [webhook.Counters] and
// [webhook.Notifier]; the last two return
// [webhook.ErrUnsupported] without [Options.Counters] and [Options.Notifier].
//
// All methods are safe for concurrent use, and several Stores, in one process or in
// many, may share a database. Times are cut to the microsecond. Errors of the
// database are wrapped: their text holds its code and the remedy, errors.As finds the
// driver's own. [webhook.ErrClosed] means that the pool was closed. A Store need not be
// closed; the host closes the pool.
type Store struct {
	db      *sql.DB
	dialect Dialect
	o       Options
	box     sealing.Box

	texts         sync.Map      // statement as written in this package -> in the dialect
	prepared      sync.Map      // statement in the dialect -> *prepared, SQLite only
	writer        chan struct{} // held by the transaction under way, SQLite only
	toPrepare     []string      // statements to prepare after the transaction under way, SQLite only
	checked       atomic.Bool
	explicit      atomic.Bool // every statement that writes needs a transaction around it
	warned        atomic.Bool
	group         groupCommit
	hooks         hookCache
	scopes        scopeCache
	recentClaims  recentClaims
	leaseCleanup  leaseCleanup
	watermarks    watermarks
	sweep         sweepProgress
	parkedInserts parkedInserts
	keyed         atomic.Bool  // rows with a key were leased here, SQLite only
	countsRemoved atomic.Int64 // the latest hour in which old counts were removed, in microseconds

	mu      sync.Mutex
	profile string // given by Bind
	owner   string // read from the database
}

var (
	_ webhook.Store        = (*Store)(nil)
	_ webhook.Registry     = (*Store)(nil)
	_ webhook.History      = (*Store)(nil)
	_ webhook.Overview     = (*Store)(nil)
	_ webhook.Counters     = (*Store)(nil)
	_ webhook.Pruner       = (*Store)(nil)
	_ webhook.Marks        = (*Store)(nil)
	_ webhook.Clock        = (*Store)(nil)
	_ webhook.HealthStore  = (*Store)(nil)
	_ webhook.Sweeper      = (*Store)(nil)
	_ webhook.KeyOrder     = (*Store)(nil)
	_ webhook.Binder       = (*Store)(nil)
	_ webhook.Notifier     = (*Store)(nil)
	_ webhook.Stats        = (*Store)(nil)
	_ webhook.Sealer       = (*Store)(nil)
	_ webhook.WebhookCache = (*Store)(nil)
)

// New returns a Store over an open pool. It does no I/O and starts no goroutine. The first
// call that uses the database checks its dialect, its tables and its profile.
func New(db *sql.DB, d Dialect, o *Options) (*Store, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.Prefix = cmp.Or(opts.Prefix, sqlconfig.DefaultPrefix)
	common := sqlconfig.Common{DB: db, Prefix: opts.Prefix, Seals: opts.Seal != nil, Opens: opts.Open != nil, Require: opts.RequireSealed}
	if err := common.Check("sqlstore"); err != nil {
		return nil, err
	}
	if d != SQLite && d != PostgreSQL {
		return nil, fmt.Errorf("sqlstore: %v is not a dialect, use sqlstore.SQLite or sqlstore.PostgreSQL", d)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{db: db, dialect: d, o: opts, box: sealing.Box{Seal: opts.Seal, Open: opts.Open, Required: opts.RequireSealed},
		writer: make(chan struct{}, 1)}
	s.group.flush = func(ctx context.Context, take func() []newRow) ([]bool, error) { return s.flush(ctx, s.single, take) }
	s.sweep.turn, s.sweep.hook = make(chan struct{}, 1), -1
	s.parkedInserts.ids = make(map[string]time.Time)
	return s, nil
}

// Format writes dialect and prefix for every verb, because a Store holds webhooks with their
// credentials, and its pool the DSN.
func (s *Store) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "sqlstore.Store(%v, %s)", s.dialect, s.o.Prefix)
}

// Notifies reports whether there is a Notifier. [webhook.New] calls it.
func (s *Store) Notifies() bool { return s.o.Notifier != nil }

// Wait implements [webhook.Notifier].
func (s *Store) Wait(ctx context.Context) error {
	if s.o.Notifier == nil {
		return webhook.ErrUnsupported
	}
	return s.o.Notifier.Wait(ctx)
}

// Notify implements [webhook.Notifier].
func (s *Store) Notify(ctx context.Context) error {
	if s.o.Notifier == nil {
		return webhook.ErrUnsupported
	}
	return s.o.Notifier.Notify(ctx)
}

// clockPostgres is the time of PostgreSQL in microseconds.
const clockPostgres = `(extract(epoch FROM clock_timestamp()) * 1000000)::int8`

// Now implements [webhook.Clock]. It reads the time of PostgreSQL. The hosts of an SQLite
// database share a machine, so there it is the time of this process.
func (s *Store) Now(ctx context.Context) (r webhook.Reading, err error) {
	if s.dialect == SQLite {
		now := time.Now()
		return webhook.Reading{Store: now, Before: now, After: now}, nil
	}
	if err := s.readyToRead(ctx); err != nil {
		return r, err
	}
	err = s.session(ctx, func(conn *sql.Conn) error {
		var now int64
		r.Before = time.Now() // after the pool's wait, so Before and After enclose the query alone
		err := s.row(ctx, sqlConn{conn}, `SELECT `+clockPostgres, nil, &now)
		r.After, r.Store = time.Now(), fromMicros(now)
		return err
	})
	if err != nil {
		return webhook.Reading{}, s.fail("read the clock", "", err)
	}
	return r, nil
}
