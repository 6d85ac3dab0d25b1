package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Bounds of turns that pass on. A transaction may wait for a row that another transaction holds,
// or for a connection that is stuck; maxOverdue such transactions leave most of a pool free.
const (
	turnTime   = 250 * time.Millisecond
	maxOverdue = 4
)

// groupCommit lets concurrent Enqueue calls share a transaction. One transaction at a time has
// the turn. If none has it, a new call is written at once, in its own goroutine and under its own
// context. Calls that arrive meanwhile wait, and the next transaction writes them together. A
// transaction that lets calls wait for turnTime loses the turn.
type groupCommit struct {
	// flush writes the rows that take returns. It calls take once it has a connection.
	flush func(ctx context.Context, take func() []newRow) ([]bool, error)

	mu      sync.Mutex
	turn    int64 // number of the transaction that has the turn, 0 if none has it
	latest  int64 // number of the latest transaction
	overdue int   // transactions under way that have lost the turn
	waiting []*call
	next    *batch      // has no connection yet, nil if there is none
	timer   *time.Timer // ends the turn of a transaction that calls wait for
}

// call is one Enqueue that waits for a transaction.
type call struct {
	ctx   context.Context
	rows  []newRow
	batch *batch // nil until it is in one
	added []bool
	err   error
	done  chan struct{}
}

// batch is the calls of one transaction.
type batch struct {
	ctx    context.Context
	cancel context.CancelFunc
	calls  []*call
	left   int // calls whose caller waits
}

func (g *groupCommit) enqueue(ctx context.Context, rows []newRow) ([]bool, error) {
	g.mu.Lock()
	if g.turn == 0 {
		turn := g.begin()
		g.mu.Unlock()
		defer g.end(turn)
		return g.flush(ctx, func() []newRow { return rows })
	}
	c := &call{ctx: ctx, rows: cloneRows(rows), done: make(chan struct{})}
	g.waiting = append(g.waiting, c)
	g.limitTurn()
	g.mu.Unlock()
	select {
	case <-c.done:
		return c.added, c.err
	case <-ctx.Done():
		return nil, g.leave(c)
	}
}

// leave ends the wait of a call whose context has ended. Once no caller of a transaction is left,
// the transaction is cancelled.
func (g *groupCommit) leave(c *call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := c.batch; b != nil {
		if b.left--; b.left == 0 {
			b.cancel()
		}
		return fmt.Errorf("sqlstore: enqueue: %w: %w", webhook.ErrUnknown, c.ctx.Err())
	}
	i := slices.Index(g.waiting, c)
	if g.waiting = slices.Delete(g.waiting, i, i+1); len(g.waiting) == 0 && g.next != nil {
		g.next.cancel()
		g.next = nil
	}
	return fmt.Errorf("sqlstore: enqueue: nothing was stored: %w", c.ctx.Err())
}

// cloneRows copies the rows, because a caller that has given up may change its deliveries.
func cloneRows(rows []newRow) []newRow {
	for i := range rows {
		d := *rows[i].Delivery
		d.Body = bytes.Clone(d.Body)
		rows[i].Delivery = &d
	}
	return rows
}

// begin gives the turn to a new transaction. The caller holds g.mu.
func (g *groupCommit) begin() (turn int64) {
	g.latest++
	g.turn = g.latest
	return g.turn
}

// end ends a transaction. The calls that wait for it get the next one.
func (g *groupCommit) end(turn int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if turn == g.turn {
		g.endTurn()
	} else {
		g.overdue--
	}
}

// limitTurn bounds the turn of the transaction under way, because calls wait for it.
func (g *groupCommit) limitTurn() {
	if g.timer == nil {
		turn := g.turn
		g.timer = time.AfterFunc(turnTime, func() { g.passOn(turn) })
	}
}

// passOn ends a turn that has lasted too long.
func (g *groupCommit) passOn(turn int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case turn != g.turn:
	case g.overdue == maxOverdue || g.next != nil:
		g.timer.Reset(turnTime)
	default:
		g.overdue++
		g.endTurn()
	}
}

func (g *groupCommit) endTurn() {
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
	if g.turn = 0; len(g.waiting) > 0 {
		ctx, cancel := context.WithCancel(context.WithoutCancel(g.waiting[0].ctx))
		g.next = &batch{ctx: ctx, cancel: cancel}
		go g.write(g.begin(), g.next)
	}
}

// write runs one transaction for calls that wait. It chooses them when it has a connection, so
// that a call that gives up before is not stored. The transaction continues while a caller waits. If it
// fails, each call is tried alone, so that a bad call does not fail the others. If its
// result is unknown, no call is tried again: stored rows would look like repetitions.
func (g *groupCommit) write(turn int64, b *batch) {
	defer g.end(turn)
	defer b.cancel()
	added, err := g.flushRecovered(b.ctx, func() []newRow { return g.take(b) })
	alone := err != nil && len(b.calls) > 1 && !errors.Is(err, webhook.ErrUnknown)
	if len(b.calls) == 0 { // there is no connection, they learn why
		g.take(b)
	}
	for _, c := range b.calls {
		switch {
		case alone:
			c.added, c.err = g.flushRecovered(c.ctx, func() []newRow { return c.rows })
		case err != nil:
			c.err = err
		default:
			c.added, added = added[:len(c.rows):len(c.rows)], added[len(c.rows):]
		}
		close(c.done)
	}
}

// take chooses the calls of a batch, once, and returns their rows. There are none if every call gave
// up before.
func (g *groupCommit) take(b *batch) (rows []newRow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next != b {
		return nil
	}
	g.next = nil
	for size := 0; len(g.waiting) > 0; g.waiting = g.waiting[1:] {
		c := g.waiting[0]
		for i := range c.rows {
			size += len(c.rows[i].Body)
		}
		if len(rows) > 0 && (len(rows)+len(c.rows) > maxChunkRows || size > maxChunkBytes) {
			break
		}
		c.batch, rows = b, append(rows, c.rows...)
		b.calls = append(b.calls, c)
	}
	if b.left = len(b.calls); len(g.waiting) > 0 {
		g.limitTurn() // the others wait for this transaction
	} else {
		g.waiting = nil
	}
	return rows
}

// flushRecovered is flush that recovers from a panic of the driver, which must not end the
// host from a goroutine that the host did not start.
func (g *groupCommit) flushRecovered(ctx context.Context, take func() []newRow) (added []bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("sqlstore: enqueue: panic of the driver: %w", webhook.ErrUnknown)
		}
	}()
	return g.flush(ctx, take)
}
