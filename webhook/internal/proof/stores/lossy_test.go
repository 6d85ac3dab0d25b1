package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// errLost is the error of a lossy connection in place of the lost answer.
var errLost = errors.New("broken pipe on 10.1.2.3:5432")

// lossy is a driver between a pool and the real one. While lost is set, writing statements are
// executed and their answers are lost.
type lossy struct {
	dsn    string
	driver driver.Driver
	lost   atomic.Bool
	refuse atomic.Pointer[string] // statements with this text fail
}

// openLossy opens a pool over the driver of a database.
func openLossy(t testing.TB, d database) (*sql.DB, *lossy) {
	t.Helper()
	real := d.open(t)
	l := &lossy{dsn: d.dsn, driver: real.Driver()}
	db := sql.OpenDB(l)
	t.Cleanup(func() { _ = db.Close() })
	return db, l
}

func (l *lossy) Driver() driver.Driver { return l.driver }

func (l *lossy) Connect(context.Context) (driver.Conn, error) {
	c, err := l.driver.Open(l.dsn)
	if err != nil {
		return nil, err
	}
	return &lossyConn{Conn: c, l: l}, nil
}

// answer loses the answer of a writing statement outside of a transaction.
func (c *lossyConn) answer(query string, err error) error {
	writes := strings.Contains(query, "INSERT") || strings.Contains(query, "UPDATE") || strings.Contains(query, "DELETE")
	if err == nil && writes && !c.inTx && c.l.lost.Load() {
		return errLost
	}
	return err
}

// lossyConn loses answers of statements outside of transactions, and of commits.
type lossyConn struct {
	driver.Conn
	l    *lossy
	inTx bool
}

func (c *lossyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c *lossyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return lossyTx{tx, c}, nil
}

func (c *lossyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if text := c.l.refuse.Load(); text != nil && strings.Contains(query, *text) {
		return nil, errLost
	}
	r, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	return r, c.answer(query, err)
}

func (c *lossyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	if err == nil && c.answer(query, nil) != nil {
		dest := make([]driver.Value, len(rows.Columns()))
		for rows.Next(dest) == nil { // to the end, because an early close would abort the statement
		}
		return nil, errors.Join(errLost, rows.Close())
	}
	return rows, err
}

type lossyTx struct {
	driver.Tx
	c *lossyConn
}

func (t lossyTx) Commit() error {
	t.c.inTx = false
	return t.c.answer("UPDATE", t.Tx.Commit())
}

func (t lossyTx) Rollback() error {
	t.c.inTx = false
	return t.Tx.Rollback()
}

// TestRegistryLosesAnswers: a change whose answer got lost is reported as unknown, and not as
// unchanged.
func TestRegistryLosesAnswers(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db, l := openLossy(t, d)
		s, err := sqlstore.New(db, d.dialect, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		w := webhook.Webhook{ID: "wh", Scope: "acme", Name: "before", Version: 1, Active: true, CreatedAt: now(), UpdatedAt: now()}
		dl := webhook.Delivery{ID: webhook.DeliveryID("acme", "evt", "wh"), EventID: "evt", WebhookID: "wh", Scope: "acme", Type: "t", Due: now(), CreatedAt: now()}
		stored := func() webhook.Webhook {
			got, _ := s.Webhook(ctx, "acme", "wh")
			return got
		}
		state := func() webhook.Delivery {
			got, _, _ := s.Delivery(ctx, "acme", dl.ID)
			return got
		}
		if _, err := s.Enqueue(ctx, []webhook.Delivery{dl}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name string
			call func() error
			done func() bool
		}{
			{"Create", func() error { return s.Create(ctx, w, 3) }, func() bool { return stored().Name == "before" }},
			{"Update", func() error { w.Name = "after"; return s.Update(ctx, w) }, func() bool { return stored().Name == "after" }},
			{"Cancel", func() error { _, _, err := s.Cancel(ctx, "acme", dl.ID, now()); return err }, func() bool { return state().LastCode == webhook.CodeCancelled }},
			{"Requeue", func() error { return s.Requeue(ctx, "acme", dl.ID, now()) }, func() bool { return state().State == webhook.StatePending }},
			{"Delete", func() error { return s.Delete(ctx, "acme", "wh") }, func() bool { return stored().ID == "" }},
			{"DeleteScope", func() error { return s.DeleteScope(ctx, "acme") }, func() bool { // another call removes the rest
				return s.DeleteScope(ctx, "acme") == nil && state().ID == ""
			}},
		} {
			l.lost.Store(true)
			err := step.call()
			l.lost.Store(false)
			if !errors.Is(err, webhook.ErrUnknown) || !step.done() {
				t.Errorf("%s: %v, want ErrUnknown; it was done: %t", step.name, err, step.done())
			}
		}
		for name, err := range map[string]error{
			"Update": s.Update(ctx, w), "Delete": s.Delete(ctx, "acme", "wh"), "Requeue": s.Requeue(ctx, "acme", dl.ID, now()),
		} {
			if !errors.Is(err, webhook.ErrNotFound) || errors.Is(err, webhook.ErrUnknown) {
				t.Errorf("%s of what is not there: %v, want ErrNotFound alone", name, err)
			}
		}
	})
}
