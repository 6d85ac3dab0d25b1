// Package pgnotify is a webhook.Notifier over PostgreSQL's LISTEN and NOTIFY and the
// driver pgx: copy it, or write the same for your driver. With it, hosts that share a
// database wake each other at once instead of at the next poll:
//
//	pool, err := pgxpool.New(ctx, dsn)
//	notifier := pgnotify.New(pool, "postrider")
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Notifier: notifier})
package pgnotify

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Notifier sends and receives on one channel. It holds one connection of the pool until Close and
// borrows one for each Notify. It is safe for concurrent use, but only one Wait at a time receives.
type Notifier struct {
	pool    *pgxpool.Pool
	channel string
	id      string // distinguishes our own notifications from others

	waiting sync.Mutex // held during Wait; guards the fields below
	conn    *pgx.Conn
}

// New returns a Notifier. It does no I/O. Hosts that wake each other use the same channel name;
// another Store in the same database uses another.
func New(pool *pgxpool.Pool, channel string) *Notifier {
	return &Notifier{pool: pool, channel: channel, id: rand.Text()}
}

// Wait blocks until another host notifies. It begins to listen at the first call and keeps
// listening between calls, so that no notification is missed. A call that begins to listen, the first one
// or one after an error, returns at once, because notifications may have been missed before.
func (n *Notifier) Wait(ctx context.Context) error {
	n.waiting.Lock()
	defer n.waiting.Unlock()
	if n.conn == nil {
		return n.listen(ctx)
	}
	for {
		got, err := n.conn.WaitForNotification(ctx)
		if err != nil {
			if ctx.Err() != nil && !n.conn.IsClosed() {
				return ctx.Err()
			}
			n.drop()
			return err
		}
		if got.Payload != n.id {
			return nil
		}
	}
}

func (n *Notifier) listen(ctx context.Context) error {
	c, err := n.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	n.conn = c.Hijack()
	if _, err := n.conn.Exec(ctx, "LISTEN "+pgx.Identifier{n.channel}.Sanitize()); err != nil {
		n.drop()
		return err
	}
	return nil
}

func (n *Notifier) drop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // closes without a message, which could block
	_ = n.conn.Close(ctx)
	n.conn = nil
}

// Notify wakes the hosts that wait.
func (n *Notifier) Notify(ctx context.Context) error {
	_, err := n.pool.Exec(ctx, "SELECT pg_notify($1, $2)", n.channel, n.id)
	return err
}

// Close closes the connection. It waits for a running Wait, whose context must end.
func (n *Notifier) Close() {
	n.waiting.Lock()
	defer n.waiting.Unlock()
	if n.conn != nil {
		n.drop()
	}
}
