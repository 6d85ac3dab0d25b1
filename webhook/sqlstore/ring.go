package sqlstore

import (
	"container/list"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// position is a place in a queue: everything up to and including it was taken, or is
// somebody else's. What lies below is not read again, above all the index entries of
// rows that are gone.
type position struct{ due, seq int64 }

// before is the place from which a row that is due then is the next.
func before(due int64) position { return position{due - 1, math.MaxInt64} }

func (p position) less(q position) bool { return p.due < q.due || p.due == q.due && p.seq < q.seq }

// ring remembers which lanes have something due, in the order of their turns. It is a
// cache: what it misses, the sweep finds.
type ring struct {
	mu     sync.Mutex
	known  bool          // all lanes have been gone through since the start or the last forget
	looked int64         // what is due up to here was looked for by time
	next   int64         // the first due time of what waits, when that was read; 0 for none
	lease  int64         // the first end of a lease, likewise
	read   time.Time     // when that was
	took   time.Duration // and how long it took
	lanes  map[string]*list.Element
	turns  list.List // of *laneTurn
}

// laneTurn is a lane in the ring.
type laneTurn struct {
	name   string
	queues map[source]*queueTurn // at least one
}

// source is where a claim finds rows: a queue, or what was leased from it and not
// settled before the lease ended.
type source struct {
	queue string
	held  bool
}

func (s source) compare(o source) int {
	if s.queue != o.queue {
		return strings.Compare(s.queue, o.queue)
	}
	if s.held == o.held {
		return 0
	}
	if s.held {
		return -1
	}
	return 1
}

// queueTurn is a source that has, or may have, something due.
type queueTurn struct {
	source
	webhook string
	low     position
	touched bool // something was added since the claim under way began
}

// add notes that a source has something due at that time.
func (r *ring) add(from source, due int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(from, due)
}

func (r *ring) put(from source, due int64) {
	hook, lane := splitQueue(from.queue)
	e := r.lanes[lane]
	if e == nil {
		e = r.turns.PushBack(&laneTurn{name: lane, queues: make(map[source]*queueTurn, 1)})
		if r.lanes == nil {
			r.lanes = make(map[string]*list.Element)
		}
		r.lanes[lane] = e
	}
	queues := e.Value.(*laneTurn).queues
	q := queues[from]
	if q == nil {
		q = &queueTurn{source: from, webhook: hook, low: before(due)}
		queues[from] = q
	}
	q.touched = true
	if low := before(due); low.less(q.low) {
		q.low = low
	}
}

// enqueued notes new deliveries that a look by time would not find any more. What is
// due later, it will find.
func (r *ring) enqueued(ds []webhook.Delivery, added []bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range ds {
		if due := micros(ds[i].Due); added[i] && due <= r.looked {
			r.put(source{queue: queueOf(ds[i].WebhookID, ds[i].Lane)}, due)
		}
	}
}

// pending notes that a delivery waits again, as enqueued does for new ones.
func (r *ring) pending(queue string, due int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if due <= r.looked {
		r.put(source{queue: queue}, due)
	}
}

// forget makes the next claim go through all lanes.
func (r *ring) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = false
}

// ask is what a claim wants from one queue.
type ask struct {
	lane  *laneTurn
	queue *queueTurn
	low   position
	room  int
	empty bool // there was nothing to ask for
}

// plan chooses the lanes whose turn it is and how much to ask of each: one round after
// the other, until limit is reached or no lane has room. taken is what this claim
// already has of a lane.
func (r *ring) plan(c webhook.Claim, limit int, taken map[string]int) []ask {
	r.mu.Lock()
	defer r.mu.Unlock()
	var asks []ask
	var most []int
	total := 0
	for e := r.turns.Front(); e != nil && total < limit; e = e.Next() {
		l := e.Value.(*laneTurn)
		room := min(c.RoomFor(l.name)-taken[l.name], limit)
		if room <= 0 {
			continue
		}
		total++
		asks = append(asks, ask{lane: l})
		most = append(most, room)
	}
	for left := limit; left > 0; {
		given := 0
		for i := range asks {
			if left > 0 && asks[i].room < most[i] {
				asks[i].room++
				left--
				given++
			}
		}
		if given == 0 {
			break
		}
	}
	return perQueue(asks)
}

// perQueue turns asks of lanes into asks of their queues, each for all of the lane's
// room.
func perQueue(lanes []ask) []ask {
	out := make([]ask, 0, len(lanes))
	for _, a := range lanes {
		for _, from := range slices.SortedFunc(maps.Keys(a.lane.queues), source.compare) {
			q := a.lane.queues[from]
			q.touched = false
			out = append(out, ask{lane: a.lane, queue: q, low: q.low, room: a.room})
		}
	}
	return out
}

// fills reports whether the lanes in the ring could fill a claim.
func (r *ring) fills(c webhook.Claim) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := 0
	for e := r.turns.Front(); e != nil && sum < c.Limit; e = e.Next() {
		sum += max(0, c.RoomFor(e.Value.(*laneTurn).name))
	}
	return sum >= c.Limit
}

// note takes down what a round brought: got of each ask, and the place of the last one.
// Queues that gave less than asked have nothing more and leave; lanes that stay go to
// the back, in the order in which they were served last.
func (r *ring) note(asks []ask, got []int, last []position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	served := make(map[*laneTurn]int)
	var order []*laneTurn
	for i, a := range asks {
		if got[i] > 0 && !a.queue.touched {
			a.queue.low = last[i]
		}
		if (got[i] < a.room || a.empty) && !a.queue.touched {
			delete(a.lane.queues, a.queue.source)
		}
		if _, ok := served[a.lane]; !ok {
			order = append(order, a.lane)
		}
		served[a.lane] += got[i]
	}
	slices.SortStableFunc(order, func(a, b *laneTurn) int { return served[a] - served[b] })
	for _, l := range order {
		e := r.lanes[l.name]
		switch {
		case e == nil || e.Value != l:
		case len(l.queues) == 0:
			r.turns.Remove(e)
			delete(r.lanes, l.name)
		case served[l] > 0:
			r.turns.MoveToBack(e)
		}
	}
}
