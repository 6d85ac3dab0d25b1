package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/postrider/postrider/webhook"
)

// groupCommit lets concurrent Enqueue calls share a transaction. If no call is being written, a
// new call is written at once, in its own goroutine and under its own context. Calls that arrive
// meanwhile wait, and the next transaction writes them together.
type groupCommit struct {
	flush func(context.Context, []newRow) ([]bool, error)

	mu      sync.Mutex
	writing bool
	waiting []*call
}

// call is one Enqueue that waits for a transaction.
type call struct {
	ctx   context.Context
	rows  []newRow
	added []bool
	err   error
	done  chan struct{}
}

func (g *groupCommit) enqueue(ctx context.Context, rows []newRow) ([]bool, error) {
	g.mu.Lock()
	if !g.writing {
		g.writing = true
		g.mu.Unlock()
		defer g.endTurn()
		return g.flush(ctx, rows)
	}
	c := &call{ctx: ctx, rows: cloneRows(rows), done: make(chan struct{})}
	g.waiting = append(g.waiting, c)
	g.mu.Unlock()
	select {
	case <-c.done:
		return c.added, c.err
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		i := slices.Index(g.waiting, c)
		if i < 0 { // its transaction has started
			return nil, fmt.Errorf("sqlstore: enqueue: %w: %w", webhook.ErrUnknown, ctx.Err())
		}
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return nil, fmt.Errorf("sqlstore: enqueue: nothing was stored: %w", ctx.Err())
	}
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

// endTurn ends the turn of a call that was written at once. If other calls wait, a goroutine
// writes until none is left.
func (g *groupCommit) endTurn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.writing = false
		return
	}
	go func() {
		for calls := g.nextBatch(); len(calls) > 0; calls = g.nextBatch() {
			g.commit(calls)
		}
	}()
}

// nextBatch returns the calls of the next transaction. With none left the turn is over.
func (g *groupCommit) nextBatch() (calls []*call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rows, bytes, n := 0, 0, 0
	for _, c := range g.waiting {
		for i := range c.rows {
			bytes += len(c.rows[i].Body)
		}
		if rows += len(c.rows); n > 0 && (rows > maxChunkRows || bytes > maxChunkBytes) {
			break
		}
		n++
	}
	if calls, g.waiting = g.waiting[:n:n], g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	g.writing = n > 0
	return calls
}

// commit runs one transaction for several calls. It continues while a caller waits. If the
// transaction fails, each call is tried alone, so that a bad call does not fail the others.
// If its result is unknown, no call is tried again: stored rows would look like repetitions.
func (g *groupCommit) commit(calls []*call) {
	if len(calls) > 1 {
		ctx, cancel := contextOfAll(calls)
		var all []newRow
		for _, c := range calls {
			all = append(all, c.rows...)
		}
		added, err := g.flushRecovered(ctx, all)
		cancel()
		if err == nil || errors.Is(err, webhook.ErrUnknown) {
			for _, c := range calls {
				if c.err = err; err == nil {
					c.added, added = added[:len(c.rows):len(c.rows)], added[len(c.rows):]
				}
				close(c.done)
			}
			return
		}
	}
	for _, c := range calls {
		c.added, c.err = g.flushRecovered(c.ctx, c.rows)
		close(c.done)
	}
}

// flushRecovered is flush that recovers from a panic of the driver, which must not end the
// host from a goroutine that the host did not start.
func (g *groupCommit) flushRecovered(ctx context.Context, rows []newRow) (added []bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("sqlstore: enqueue: panic of the driver: %w", webhook.ErrUnknown)
		}
	}()
	return g.flush(ctx, rows)
}

// contextOfAll returns a context that ends when the contexts of all calls have ended.
func contextOfAll(calls []*call) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(calls[0].ctx))
	var left atomic.Int64
	left.Store(int64(len(calls)))
	stops := make([]func() bool, len(calls))
	for i, c := range calls {
		stops[i] = context.AfterFunc(c.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
