package sqlstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// Internals for tests: what no method of a Store shows without a database.
var (
	QueueOf    = queueOf
	SplitQueue = splitQueue
	Statements = statements
)

// TextArray is the literal of a list of strings.
func TextArray(list []string) string {
	s := Store{dialect: PostgreSQL}
	out, _ := s.list(list)
	return out
}

// Group gives tests the sharing of transactions without a database.
type Group struct{ g group }

func NewGroup(flush func(context.Context, []webhook.Delivery) ([]bool, error)) *Group {
	return &Group{group{flush: flush}}
}

func (g *Group) Do(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	return g.g.do(ctx, ds)
}

// Ring gives tests the order of turns without a database.
type Ring struct{ r ring }

func (r *Ring) Add(lane string, due int64) { r.r.add(source{queue: lane}, due) }

// Turn plans a claim and serves it from a stock of rows by lane. It returns the lanes in
// the order served.
func (r *Ring) Turn(c webhook.Claim, stock map[string]int) (served []string) {
	asks := r.r.plan(c, c.Limit, map[string]int{})
	got, last := make([]int, len(asks)), make([]position, len(asks))
	for i, a := range asks {
		got[i] = min(a.room, stock[a.lane.name])
		stock[a.lane.name] -= got[i]
		last[i] = position{a.low.due + int64(got[i]), 0}
		for range got[i] {
			served = append(served, a.lane.name)
		}
	}
	r.r.note(asks, got, last)
	return served
}

// Low is the place up to which a lane was taken; ok is false when it is not in the ring.
func (r *Ring) Low(lane string) (due int64, ok bool) {
	e := r.r.lanes[lane]
	if e == nil {
		return 0, false
	}
	return e.Value.(*laneTurn).queues[source{queue: lane}].low.due, true
}
