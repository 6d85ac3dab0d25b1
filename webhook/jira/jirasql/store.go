// Package jirasql keeps what package jira registers in an SQL database: the
// registrations of apps, the failed list and the post functions of workflows.
//
//	store, err := jirasql.New(db, nil)
//	err = store.Migrate(ctx)
//	hooks, err := webhook.New(deliveries, jira.Profile(jira.WithRegistrations(store)), &webhook.Options{
//		Observer: &webhook.Observer{Settled: jira.RecordFailures(store, store, report)},
//	})
//	api, err := jira.NewDynamic(store, authenticate, &jira.DynamicOptions{Failures: store})
//
// SQLite and PostgreSQL understand its statements alike, so it need not know which of
// them it talks to. It imports no driver. For SQLite open the pool with a busy timeout.
// The tables may share a database, and the prefix of their names, with package sqlstore.
package jirasql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/postrider/postrider/webhook/internal/dberr"
	"github.com/postrider/postrider/webhook/internal/sealing"
	"github.com/postrider/postrider/webhook/jira"
)

// Options configures a [Store]. Nil, or a zero field, means the default.
type Options struct {
	// Prefix begins the name of every table and index: lower case letters, digits and
	// "_", a letter first, at most 30 bytes; default "postrider_".
	Prefix string
	// Seal encrypts URLs before they are stored, and Open is its inverse; name, which
	// should be bound to the result as associated data, says whose URL it is. Both or
	// neither; default neither. sqlstore's Keyring has both. They are called from
	// several goroutines. What was stored before they were set stays readable.
	Seal func(name string, plain []byte) (sealed []byte, err error)
	Open func(name string, sealed []byte) (plain []byte, err error)
}

const defaultPrefix = "postrider_"

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// Store implements [jira.Registrations], [jira.Failures] and [jira.PostFunctions]. All
// methods are safe for concurrent use, and several Stores, in one process or in many,
// may share a database. Times of registrations are kept to the microsecond. Errors of
// the database are wrapped. A Store holds nothing that must be closed but its pool,
// which is the host's.
type Store struct {
	db     *sql.DB
	prefix string
	o      Options
}

var (
	_ jira.Registrations = (*Store)(nil)
	_ jira.Failures      = (*Store)(nil)
	_ jira.PostFunctions = (*Store)(nil)
)

// New returns a Store over an open pool. It does no I/O.
func New(db *sql.DB, o *Options) (*Store, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Prefix == "" {
		opts.Prefix = defaultPrefix
	}
	switch {
	case db == nil:
		return nil, errors.New("jirasql: db is nil, open a pool with sql.Open first")
	case !validPrefix.MatchString(opts.Prefix):
		return nil, fmt.Errorf("jirasql: Options.Prefix %q must be 1 to 30 of a-z, 0-9 and _, beginning with a letter", opts.Prefix)
	case (opts.Seal == nil) != (opts.Open == nil):
		return nil, errors.New("jirasql: Options.Seal and Options.Open must be set together, or what one wrote nobody could read")
	}
	return &Store{db: db, prefix: opts.Prefix, o: opts}, nil
}

// runner is a pool or a transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// text fills the prefix into a statement. Parameters stand in a statement in the order
// of their numbers, which is how drivers without numbers count them.
func (s *Store) text(statement string) string { return strings.ReplaceAll(statement, "{p}", s.prefix) }

func (s *Store) exec(ctx context.Context, to runner, statement string, args ...any) (sql.Result, error) {
	r, err := to.ExecContext(ctx, s.text(statement), args...)
	return r, dberr.Wrap(err)
}

// each calls scan for every row of a query.
func (s *Store) each(ctx context.Context, from runner, statement string, args []any, scan func(*sql.Rows) error) error {
	rows, err := from.QueryContext(ctx, s.text(statement), args...)
	if err != nil {
		return dberr.Wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return dberr.Wrap(rows.Err())
}

// within runs fn in a transaction. Its first statement must write: SQLite then waits
// for other writers instead of failing once it has read.
func (s *Store) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return dberr.Wrap(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a Commit
	if err := fn(tx); err != nil {
		return err
	}
	return dberr.Wrap(tx.Commit())
}

// sealed encrypts a URL, if the host wants that.
func (s *Store) sealed(name, url string) (text []byte, sealed int64, err error) {
	if s.o.Seal == nil {
		return []byte(url), 0, nil
	}
	if text, err = sealing.Call("Seal", s.o.Seal, name, []byte(url)); err != nil {
		return nil, 0, fmt.Errorf("seal the URL: %w", err)
	}
	return text, 1, nil
}

func (s *Store) opened(name string, text []byte, sealed int64) (string, error) {
	if sealed == 0 {
		return string(text), nil
	}
	if s.o.Open == nil {
		return "", errors.New("the URL is encrypted, set Options.Open")
	}
	plain, err := sealing.Call("Open", s.o.Open, name, text)
	if err != nil {
		return "", fmt.Errorf("open the URL: %w", err)
	}
	return string(plain), nil
}

// nameOf is what an owner's URLs are sealed to.
func nameOf(o jira.Owner) string { return "jira " + o.Tenant + " " + o.App }
