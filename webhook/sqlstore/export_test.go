package sqlstore

import (
	"context"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Internals that tests cannot reach through a Store without a database.
var (
	Statements    = statements
	Wrap          = wrap
	Uncertain     = uncertain
	EncodeAttempt = encodeAttempt
	DecodeAttempt = decodeAttempts
	ParsePlace    = func(cursor string) (string, error) { p, err := parseLanePosition(cursor); return p.String(), err }
	HookOf        = hookOf
	EventPrefix   = eventPrefix
	TextArray     = textArray
)

// Bounds of groupCommit.
const (
	TurnTime   = turnTime
	MaxOverdue = maxOverdue
)

// Undone marks an error after which it is certain that nothing was stored.
func Undone(err error) error { return undone{err} }

// Group is groupCommit without a database.
type Group struct{ g groupCommit }

// NewGroup has connections at once.
func NewGroup(flush func(context.Context, []webhook.Delivery) ([]bool, error)) *Group {
	return NewGroupOver(func(context.Context) error { return nil }, flush)
}

// NewGroupOver has a connection when connect returns nil.
func NewGroupOver(connect func(context.Context) error, flush func(context.Context, []webhook.Delivery) ([]bool, error)) *Group {
	return &Group{groupCommit{flush: func(ctx context.Context, take func() []newRow) ([]bool, error) {
		if err := connect(ctx); err != nil {
			return nil, err
		}
		rows := take()
		ds := make([]webhook.Delivery, len(rows))
		for i := range rows {
			ds[i] = *rows[i].Delivery
		}
		return flush(ctx, ds)
	}}}
}

func (g *Group) Do(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	rows, err := newRows(ds)
	if err != nil {
		return nil, err
	}
	return g.g.enqueue(ctx, rows)
}

// Watermarks are the watermarks of lanes without a database.
type Watermarks struct{ m watermarks }

// From returns the due time from which a lane is read; ok is false at its head.
func (p *Watermarks) From(hook string) (due int64, ok bool) {
	at := p.m.start(webhook.Lane{WebhookID: hook})
	return at.due, at != laneHead
}

// Claimed records a claim of one row that took some time.
func (p *Watermarks) Claimed(hook string, due int64, full bool, took time.Duration) {
	l := webhook.Lane{WebhookID: hook}
	p.m.move(l, p.m.start(l), []row{{at: due, seq: 1}}, full, took)
}

// Pending records a row that is due at a time.
func (p *Watermarks) Pending(due int64) { p.m.dropAbove(due) }
