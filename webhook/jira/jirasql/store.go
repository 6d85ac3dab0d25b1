// Package jirasql keeps the records of package jira in an SQL database: the registrations of apps,
// the failed list and the post functions of workflows.
//
//	store, err := jirasql.New(db, nil)
//	err = store.Migrate(ctx)
//	hooks, err := webhook.New(deliveries, jira.Profile(jira.WithRegistrations(store)), &webhook.Options{
//		Observer: &webhook.Observer{Settled: jira.RecordFailures(store, store, report)},
//	})
//	api, err := jira.NewDynamic(store, authenticate, &jira.DynamicOptions{Failures: store})
//
// Its statements are the same for SQLite and PostgreSQL, so there is no dialect to choose. It
// imports no driver. For SQLite open the pool with a busy timeout. The tables may share a database,
// and the prefix of their names, with package sqlstore.
package jirasql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/postrider/postrider/webhook/internal/dberr"
	"github.com/postrider/postrider/webhook/internal/sealing"
	"github.com/postrider/postrider/webhook/internal/sqlconfig"
	"github.com/postrider/postrider/webhook/jira"
)

// Options configures a [Store]. Nil, or a zero field, means the default.
type Options struct {
	// Prefix begins the name of every table and index: lower case letters, digits and
	// "_", a letter first, at most 30 bytes; default "postrider_".
	Prefix string
	// Seal encrypts URLs before they are stored, and Open is its inverse. name identifies the URL's
	// app and tenant, and must be bound to the result as associated data. Set both or neither;
	// default neither. sqlstore's Keyring has both. They are called from several goroutines. URLs
	// that were stored before stay readable, unless RequireSealed is set.
	Seal func(name string, plain []byte) (sealed []byte, err error)
	Open func(name string, sealed []byte) (plain []byte, err error)
	// RequireSealed refuses URLs that are stored in clear, or sealed by a release whose names could
	// stand for two owners, because a writer of the database could put one in place of a sealed
	// one. Set it after such URLs have expired, after 30 days at most; default false. It needs Seal
	// and Open.
	RequireSealed bool
}

// Store implements [jira.Registrations], [jira.Failures] and [jira.PostFunctions]. All methods are
// safe for concurrent use, and several Stores, in one process or in many, may share a database.
// Times of registrations are kept to the microsecond. Errors of the database are wrapped. A URL that
// cannot be sealed or opened is a webhook.ErrSealed. A Store has nothing to close but its pool, which
// the host closes.
type Store struct {
	db     *sql.DB
	prefix string
	box    sealing.Box
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
	opts.Prefix = cmp.Or(opts.Prefix, sqlconfig.DefaultPrefix)
	common := sqlconfig.Common{DB: db, Prefix: opts.Prefix, Seals: opts.Seal != nil, Opens: opts.Open != nil, Require: opts.RequireSealed}
	if err := common.Check("jirasql"); err != nil {
		return nil, err
	}
	return &Store{db: db, prefix: opts.Prefix, box: sealing.Box{Seal: opts.Seal, Open: opts.Open, Required: opts.RequireSealed}}, nil
}

// runner is a pool or a transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// text fills the prefix into a statement. Parameters stand in a statement in the order of their
// numbers, because some drivers count them.
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

// within runs fn in a transaction. Its first statement must write: SQLite then waits for other
// writers at once, instead of failing after a read.
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

// sealed encrypts a URL, if Seal is set.
func (s *Store) sealed(to ownerName, url string) (text []byte, sealed int64, err error) {
	text, isSealed, err := s.box.Put(to.name, []byte(url))
	if err != nil {
		return nil, 0, fmt.Errorf("seal the URL: %w", err)
	}
	if isSealed {
		sealed = 1
	}
	return text, sealed, nil
}

// opened returns the URL. Its error matches webhook.ErrSealed.
func (s *Store) opened(to ownerName, text []byte, sealed int64) (string, error) {
	plain, err := s.box.Get(to.name, to.older, text, sealed != 0)
	if err != nil {
		return "", fmt.Errorf("open the URL: %w", err)
	}
	return string(plain), nil
}

// ownerName is the name to which an owner's URLs are sealed.
type ownerName struct {
	name  string
	older string // of earlier releases, which did not separate tenant and app
}

func nameOf(o jira.Owner) ownerName {
	return ownerName{sealing.Name("jira", o.Tenant, o.App), "jira " + o.Tenant + " " + o.App}
}
