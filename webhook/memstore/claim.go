package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// Claim implements [webhook.Store].
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	if !c.Until.After(c.Now) {
		return webhook.Batch{}, fmt.Errorf("memstore: claim: Until must be after Now")
	}
	for i := range c.Lanes {
		if l := &c.Lanes[i]; l.Most < 1 || l.Take > webhook.TakeNewest {
			return webhook.Batch{}, fmt.Errorf("memstore: claim: Most %d must be at least 1, and Take %d known", l.Most, l.Take)
		}
	}
	if err := s.lock(ctx); err != nil {
		return webhook.Batch{}, err
	}
	t := taking{s: s, c: c, now: at(c.Now), until: at(c.Until)}
	for i := range c.Lanes {
		t.lane(&c.Lanes[i])
	}
	s.mu.Unlock()
	for i := range t.b.Deliveries {
		unshare(&t.b.Deliveries[i])
	}
	for i := range t.b.Webhooks {
		t.b.Webhooks[i] = t.b.Webhooks[i].Clone()
	}
	return t.b, nil
}

// taking is the state of one Claim.
type taking struct {
	s          *Store
	c          webhook.Claim
	now, until instant
	bytes      int
	take       webhook.Take // of the current lane
	extra      int          // superseded rows
	b          webhook.Batch
}

func (t *taking) lane(lc *webhook.LaneClaim) {
	l := t.s.lanes[lc.Lane]
	if l == nil || !l.t.live(t.now) {
		return
	}
	l.advance(t.now)
	t.take = lc.Take
	before := len(t.b.Deliveries)
	n, short := t.again(l, lc.Most)
	if !short {
		short = t.ready(l, lc.Most-n)
	}
	if short || t.extra == maxSuperseded {
		t.b.Short = append(t.b.Short, lc.Lane)
	}
	if len(t.b.Deliveries) > before {
		t.s.refile(l)
		if l.t.exists {
			t.webhook(l.t)
		}
	}
}

// again adds the rows that are held under exactly the claim's lease number, in order of insertion. It
// returns how many count towards most, and whether one did not fit.
func (t *taking) again(l *lane, most int) (n int, short bool) {
	if t.c.Lease > l.lease {
		return 0, false // no row of the lane has a number as great
	}
	rows := slices.DeleteFunc(l.rows(), func(r *row) bool { return !r.held || r.lease != t.c.Lease || r.due <= t.now })
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range rows {
		switch {
		case t.supersedes(r): // beyond most, and without a body
		case n == most:
			continue
		case !t.fits(r):
			return n, true
		default:
			n++
		}
		t.lease(r, r.lease, t.now)
	}
	return n, false
}

// ready leases up to most due rows, and reports whether one did not fit.
func (t *taking) ready(l *lane, most int) (short bool) {
	for most > 0 && t.extra < maxSuperseded && l.ready.len() > 0 {
		r := l.ready.top()
		if r.due > t.now {
			break
		}
		if t.take != webhook.TakeAny && r.key != "" && l.t.keyed() {
			if r = t.nextOfKey(r); r == nil {
				continue
			}
		}
		if !t.fits(r) {
			return true
		}
		if most--; r.held {
			r.interrupted++
		}
		t.lease(r, max(r.lease+1, t.c.Lease), min(r.due, t.now))
	}
	return false
}

// fits reports whether a row's body fits into the answer, and counts it. The first body always fits.
func (t *taking) fits(r *row) bool {
	if size := t.bytes + len(r.body); t.c.MaxBytes > 0 && size > t.c.MaxBytes && len(t.b.Deliveries) > 0 {
		return false
	}
	t.bytes += len(r.body)
	return true
}

// lease leases a row and adds it to the answer, with its previous due time.
func (t *taking) lease(r *row, number int64, due instant) {
	l := r.lane
	l.pull(r)
	r.held, r.due, r.lease = true, t.until, number
	l.lease = max(l.lease, number)
	t.s.latestDue = max(t.s.latestDue, t.until)
	l.push(r)
	if t.b.Deliveries == nil {
		t.b.Deliveries = make([]webhook.Delivery, 0, t.expected())
	}
	d := r.delivery()
	d.Due = due.time()
	if d.Superseded = t.supersedes(r); d.Superseded {
		d.Body = nil
	}
	t.b.Deliveries = append(t.b.Deliveries, d)
}

// expected is about the number of deliveries in the answer. A slice that grows step by step is copied
// several times.
func (t *taking) expected() (n int) {
	for i := range t.c.Lanes {
		if l := t.s.lanes[t.c.Lanes[i].Lane]; l != nil {
			n += min(t.c.Lanes[i].Most, l.ready.len()+1)
		}
	}
	return n
}

// webhook adds a webhook to the answer, once, although the claim may name several of its lanes.
func (t *taking) webhook(of *target) {
	if len(t.b.Webhooks) > 0 && len(of.lanes) > 1 &&
		slices.ContainsFunc(t.b.Webhooks, func(w webhook.Webhook) bool { return w.ID == of.w.ID }) {
		return
	}
	t.b.Webhooks = append(t.b.Webhooks, of.w)
}
