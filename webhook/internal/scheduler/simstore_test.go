package scheduler_test

import (
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// store is a Store with the minimum that the contract requires. All times are the Store's.
type store struct {
	rows     []*row // not ended, as enqueued
	byID     map[string]*row
	inLane   map[scheduler.Lane][]*row
	hooks    []*hook
	hookByID map[string]*hook
	health   map[string]scheduler.Health
	page     int
}

type row struct {
	id         string
	lane       scheduler.Lane
	hook       *hook
	key        string // of the order of its webhook, may be empty
	order      int    // the number of the webhook's orders when it was leased
	due, until time.Time
	held       bool
	ours       bool // leased by the process under test
	lease      int64
	committed  bool
	known      bool // the process under test knows that the lane has this row
	ended      bool
	size       int
}

// hook is a webhook with its endpoint.
type hook struct {
	scope, id            string
	classes              []string
	active, sealed, gone bool
	take                 scheduler.Take // TakeHeads if it keeps an order
	orders               int            // how often that has changed
	version              int
	usable               map[int]bool // whether a version was active
	mode                 mode
	limits               []scheduler.Limit
}

type mode int

const (
	prompt  mode = iota
	slowly       // answers after SlowAfter
	hangs        // until the timeout
	fails        // with 500
	rejects      // with 400
	patient      // with 429 and Retry-After
	gone410
	modes
)

func newStore() store {
	return store{page: 3, byID: map[string]*row{}, inLane: map[scheduler.Lane][]*row{}, hookByID: map[string]*hook{}, health: map[string]scheduler.Health{}}
}

func (t *store) add(r *row) bool {
	if t.byID[r.id] != nil {
		return false
	}
	t.byID[r.id] = r
	t.rows = append(t.rows, r)
	t.inLane[r.lane] = append(t.inLane[r.lane], r)
	return true
}

func (t *store) end(r *row) {
	r.ended, r.held = true, false
	is := func(o *row) bool { return o == r }
	t.rows, t.inLane[r.lane] = slices.DeleteFunc(t.rows, is), slices.DeleteFunc(t.inLane[r.lane], is)
}

func (r *row) dueAt() time.Time {
	if r.held {
		return r.until
	}
	return r.due
}

func (r *row) open() bool { return r.committed && (r.hook.active || r.hook.gone) }

// claimable reports whether a claim that keeps the webhook's order may take the row: of its key no
// other one is leased, and it is the first one, or the first one whose lease has ended.
func (t *store) claimable(r *row, now time.Time) bool {
	if !r.open() || r.key == "" || r.hook.take != scheduler.TakeHeads {
		return r.open()
	}
	before := true
	for _, o := range t.rows {
		switch {
		case o == r:
			before = false
		case o.hook != r.hook || o.key != r.key || !o.committed:
		case o.held && o.until.After(now), o.held && !r.held, before && o.held == r.held:
			return false
		}
	}
	return true
}

// forgetKey removes the mark known from all rows of the key of a row that is leased.
func (t *store) forgetKey(r *row) {
	r.known = false
	for _, o := range t.rows {
		if r.key != "" && o.hook == r.hook && o.key == r.key {
			o.known = false
		}
	}
}

// next is the row of a key that has the turn after the end of another one, nil if there is none, or
// if it is in another lane, which the Scheduler need not remember.
func (t *store) next(r *row) *row {
	for _, o := range t.rows {
		if r.key != "" && o.hook == r.hook && o.key == r.key && o.committed {
			if o.lane != r.lane {
				return nil
			}
			return o
		}
	}
	return nil
}

// due lists lanes, in pages.
func (t *store) due(now, since time.Time, cursor string, only *hook) (lanes []scheduler.Lane, next string, at time.Time) {
	var all []scheduler.Lane
	seen := map[scheduler.Lane]bool{}
	for _, r := range t.rows {
		if !t.claimable(r, now) || only != nil && r.hook != only {
			continue
		}
		switch d := r.dueAt(); {
		case d.After(now):
			if at.IsZero() || d.Before(at) {
				at = d
			}
		case !since.IsZero() && !d.After(since):
		case !seen[r.lane]:
			seen[r.lane] = true
			all = append(all, r.lane)
		}
	}
	slices.SortFunc(all, func(a, b scheduler.Lane) int { return compareLanes(a, b) })
	for _, l := range all {
		if cursor == "" || l.WebhookID+"/"+l.Class > cursor {
			if last := len(lanes); last == t.page {
				return lanes, lanes[last-1].WebhookID + "/" + lanes[last-1].Class, at
			}
			lanes = append(lanes, l)
		}
	}
	return lanes, "", at
}

func compareLanes(a, b scheduler.Lane) int {
	x, y := a.WebhookID+"/"+a.Class, b.WebhookID+"/"+b.Class
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

type claimCall struct {
	now, until time.Time
	lease      int64
	lanes      []scheduler.LaneClaim
	maxBytes   int
}

// heads reports whether a lane is claimed with TakeHeads.
func (c *claimCall) heads(l scheduler.Lane) bool {
	return slices.ContainsFunc(c.lanes, func(o scheduler.LaneClaim) bool { return o.Lane == l && o.Take == scheduler.TakeHeads })
}

// take leases rows.
func (t *store) take(c claimCall) (rows []*row, short []scheduler.Lane) {
	size := 0
	for _, l := range c.lanes {
		var mine []*row
		for _, r := range t.inLane[l.Lane] {
			mistaken := l.Take != scheduler.TakeHeads && r.open()
			if (mistaken || t.claimable(r, c.now)) && (!r.dueAt().After(c.now) || r.held && r.ours && r.lease == c.lease) {
				mine = append(mine, r)
			}
		}
		slices.SortStableFunc(mine, func(a, b *row) int { return a.due.Compare(b.due) })
		for _, r := range mine[:min(len(mine), l.Most)] {
			if size += r.size; size > c.maxBytes && len(rows) > 0 {
				size -= r.size
				short = append(short, l.Lane)
				break
			}
			t.forgetKey(r)
			r.held, r.ours, r.until, r.lease, r.order = true, true, c.until, max(r.lease+1, c.lease), r.hook.orders
			rows = append(rows, r)
		}
	}
	return rows, short
}

// settle stores outcomes and returns what was lost.
func (t *store) settle(jobs []*scheduler.Job) map[string]bool {
	lost := map[string]bool{}
	for _, j := range jobs {
		r := t.byID[j.ID]
		ours := r != nil && r.held && r.ours && r.lease == j.Lease && !r.ended
		switch {
		case r != nil && !r.ended && j.Outcome == scheduler.Written && j.Result.Delivered:
			t.end(r)
		case !ours:
			lost[j.ID] = true
		case j.Outcome == scheduler.Cancelled, j.Outcome == scheduler.Written && j.Result.Retry.IsZero():
			t.end(r)
		case j.Outcome == scheduler.GivenBack:
			r.held, r.due = false, j.Due
		default:
			r.held, r.due = false, j.Result.Retry
		}
	}
	return lost
}
