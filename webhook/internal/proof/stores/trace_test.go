package stores_test

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// statement is a statement of a pool.
type statement struct {
	sql  string
	args []any
}

// trace is a pgx.QueryTracer that records statements.
type trace struct {
	mu   sync.Mutex
	list []statement
}

func (t *trace) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, statement{data.SQL, data.Args})
	return ctx
}

func (t *trace) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (t *trace) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = nil
}

// find returns the first statement with that text in it.
func (t *trace) find(part string) statement {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.list {
		if strings.Contains(s.sql, part) {
			return s
		}
	}
	return statement{}
}
