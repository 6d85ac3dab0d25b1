package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Due implements [webhook.Store]. The first page costs the number of due lanes: lanes that wait
// for a later time and lanes of inactive webhooks cost nothing. The lanes of a walk over the pages
// are kept from its first page on, so that each further page costs its own length. All pages list
// the lanes that are due at the Now of the first one.
func (s *Store) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	now := at(q.Now)
	begin := dueCursor{now: now}
	if q.Cursor != "" {
		if begin, err = parseDueCursor(q.Cursor); err != nil {
			return p, err
		}
	}
	if q.Limit < 1 {
		return p, fmt.Errorf("memstore: due: Limit %d must be at least 1", q.Limit)
	}
	if err := s.lock(ctx); err != nil {
		return p, err
	}
	defer s.mu.Unlock()
	limit := q.Limit
	q.Now, q.Cursor, q.Limit = begin.now.time(), "", 0
	w := s.walk
	if begin.after == 0 || w.query != q {
		w = s.findDue(q)
	}
	from, _ := slices.BinarySearchFunc(w.lanes, begin.after+1, func(l *lane, id int64) int { return cmp.Compare(l.id, id) })
	lanes := w.lanes[from:]
	if more := len(lanes) > limit; more {
		lanes, s.walk = lanes[:limit], w
		p.Cursor = dueCursor{begin.now, lanes[limit-1].id}.String()
	} else {
		if begin.after > 0 { // lanes may have changed since the walk began
			w = s.findDue(q)
		}
		s.walk = walk{}
		p.Next = max(w.next, now+1).time() // a lane may have become due since the walk began
	}
	for _, l := range lanes {
		if l.t.live(now) {
			p.Lanes = append(p.Lanes, l.Lane)
		}
	}
	return p, nil
}

// dueCursor is a place in a walk over the pages of Due.
type dueCursor struct {
	now   instant // of the first page
	after int64   // the id of the last lane of the page before
}

func (c dueCursor) String() string {
	return strconv.FormatInt(int64(c.now), 36) + "." + strconv.FormatInt(c.after, 36)
}

func parseDueCursor(cursor string) (c dueCursor, err error) {
	now, after, _ := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(now, 36, 64)
	if err == nil {
		c.now = instant(n)
		c.after, err = strconv.ParseInt(after, 36, 64)
	}
	if err != nil || c.after < 1 {
		return c, fmt.Errorf("memstore: due: Cursor is damaged: %w", webhook.ErrInvalid)
	}
	return c, nil
}

// walk is the answer to a query, from which pages are cut.
type walk struct {
	query webhook.DueQuery // without Cursor and Limit
	lanes []*lane          // in the order of their ids
	next  instant          // parked or forever where nothing becomes due later
}

// findDue collects the due lanes, and the time at which the next lane becomes due.
func (s *Store) findDue(q webhook.DueQuery) walk {
	w := walk{q, nil, forever}
	if q.WebhookID == "" {
		s.addBelow(0, &w, at(q.Now), at(q.Since))
	} else if t := s.targets[targetKey{q.Scope, q.WebhookID}]; t != nil {
		for _, l := range t.lanes {
			if l.head != forever {
				w.add(l, at(q.Now), at(q.Since))
			}
		}
	}
	slices.SortFunc(w.lanes, func(a, b *lane) int { return cmp.Compare(a.id, b.id) })
	return w
}

// addBelow adds the due lanes of the heap from an index down. No lane of a heap is due before its parent.
func (s *Store) addBelow(i int, w *walk, now, since instant) {
	if i < s.due.len() && w.add(s.due.items[i], now, since) {
		s.addBelow(2*i+1, w, now, since)
		s.addBelow(2*i+2, w, now, since)
	}
}

// add adds a lane that has a due row and whose webhook receives. It reports whether a row is due,
// whether the webhook receives or not.
func (w *walk) add(l *lane, now, since instant) bool {
	if l.head > now {
		w.next = min(w.next, l.head)
		return false
	}
	if !l.t.live(now) {
		return true
	}
	l.advance(now)
	if l.readyUpTo > now { // a caller whose clock is ahead has filled ready, which is not searched
		w.next = min(w.next, now+instant(time.Microsecond))
	} else if l.later.len() > 0 {
		w.next = min(w.next, l.later.top().due)
	}
	if since == never || l.newest > since {
		w.lanes = append(w.lanes, l)
	}
	return true
}
