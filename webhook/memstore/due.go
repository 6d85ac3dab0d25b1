package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Due implements [webhook.Store]. A question costs what is due, in lanes: those that wait for
// a later time and those of inactive webhooks cost nothing. The lanes of a walk are noted when
// it begins; its pages cost their own length.
func (s *Store) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	if q.Limit < 1 {
		return webhook.DuePage{}, fmt.Errorf("memstore: due: Limit %d must be at least 1", q.Limit)
	}
	after := int64(0)
	if q.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(q.Cursor, 36, 64); err != nil || after < 1 {
			return webhook.DuePage{}, fmt.Errorf("memstore: due: Cursor is damaged: %w", webhook.ErrInvalid)
		}
	}
	if err := s.lock(ctx); err != nil {
		return webhook.DuePage{}, err
	}
	defer s.mu.Unlock()
	now := at(q.Now)
	lanes := s.walkFrom(&q, now, after)
	var p webhook.DuePage
	for _, l := range lanes {
		if len(p.Lanes) == q.Limit {
			p.Cursor = strconv.FormatInt(after, 36)
			return p, nil
		}
		if p.Lanes == nil {
			p.Lanes = make([]webhook.Lane, 0, min(len(lanes), q.Limit))
		}
		p.Lanes = append(p.Lanes, l.Lane)
		after = l.id
	}
	s.walk = walk{}
	if next := s.next(&q, now); next != forever {
		p.Next = next.time()
	}
	return p, nil
}

// walk is what was due when the walk over the pages of a question began.
type walk struct {
	now, since instant
	lanes      []*lane // in the order of their ids
}

// walkFrom returns the lanes behind a cursor that are due.
func (s *Store) walkFrom(q *webhook.DueQuery, now instant, after int64) (lanes []*lane) {
	since := at(q.Since)
	all := q.Scope == "" && q.WebhookID == ""
	if all && after > 0 && s.walk.now == now && s.walk.since == since {
		lanes = s.walk.lanes
	} else {
		for l := range s.candidates(q, now) {
			if l.t.live(now) && l.isDue(now, since) {
				lanes = append(lanes, l)
			}
		}
		if len(lanes) > q.Limit || after > 0 {
			slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.id, b.id) })
			if all {
				s.walk = walk{now, since, lanes}
			}
		}
	}
	at, _ := slices.BinarySearchFunc(lanes, after+1, func(l *lane, id int64) int { return cmp.Compare(l.id, id) })
	if after == 0 {
		at = 0
	}
	return lanes[at:]
}

// isDue reports whether a lane is to be named.
func (l *lane) isDue(now, since instant) bool {
	l.advance(now)
	return l.ready.len() > 0 && l.ready.top().due <= now && (since == never || l.newest > since)
}

// candidates yields the lanes in question of which something is due, of webhooks that are
// inactive or expired among them.
func (s *Store) candidates(q *webhook.DueQuery, now instant) func(func(*lane) bool) {
	return func(yield func(*lane) bool) {
		if q.Scope != "" || q.WebhookID != "" {
			if t := s.targets[targetKey{q.Scope, q.WebhookID}]; t != nil {
				for _, l := range t.lanes {
					if l.pos >= 0 && l.head <= now && !yield(l) {
						return
					}
				}
			}
			return
		}
		s.dueBelow(0, now, yield)
	}
}

// dueBelow yields the lanes below a place in the heap whose earliest row is due by now.
func (s *Store) dueBelow(i int, now instant, yield func(*lane) bool) bool {
	if i >= s.due.len() || s.due.items[i].head > now {
		return true
	}
	return yield(s.due.items[i]) && s.dueBelow(2*i+1, now, yield) && s.dueBelow(2*i+2, now, yield)
}

// next is the earliest time after now at which something in question becomes due.
func (s *Store) next(q *webhook.DueQuery, now instant) instant {
	first := forever
	if q.Scope != "" || q.WebhookID != "" {
		if t := s.targets[targetKey{q.Scope, q.WebhookID}]; t != nil {
			for _, l := range t.lanes {
				if l.pos >= 0 {
					first = min(first, l.after(now))
				}
			}
		}
		return first
	}
	s.nextBelow(0, now, &first)
	return first
}

func (s *Store) nextBelow(i int, now instant, first *instant) {
	if i >= s.due.len() || s.due.items[i].head >= *first {
		return
	}
	l := s.due.items[i]
	if *first = min(*first, l.after(now)); l.head > now {
		return
	}
	s.nextBelow(2*i+1, now, first)
	s.nextBelow(2*i+2, now, first)
}

// after is the earliest time after now at which something in the lane becomes due, or a time
// before it: what a caller whose clock is ahead has put among what is ready is not looked through.
func (l *lane) after(now instant) instant {
	if l.head > now {
		return l.head
	}
	if l.advance(now); l.ready.len() > 0 && l.readyUpTo > now {
		return now + instant(time.Microsecond)
	}
	if l.later.len() > 0 {
		return l.later.top().due
	}
	return forever
}
