package storetest

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

func dueCases() []testCase {
	return []testCase{
		{"due/nothing", "an empty answer is no error", testDueNothing},
		{"due/lanes", "Due names exactly the lanes that have a due delivery, from its microsecond on", testDueLanes},
		{"due/lease-end", "a lane of held deliveries is due when a lease has ended", testDueLeaseEnd},
		{"due/class", "the classes of a webhook are lanes of their own", testDueClass},
		{"due/pages", "small pages name every lane, although Now goes on from page to page", testDuePages},
		{"due/pages-while-working", "a lane that is due during the whole walk is on a page, also while others are stored and settled", testDueWhileWorking},
		{"due/since", "Due with Since names the lanes that have become due after Since", testDueSince},
		{"due/not-live", "lanes of inactive and expired webhooks are left out until they receive again", testDueNotLive},
		{"due/gone", "Due names lanes of webhooks that are deleted, or of another scope", testDueGone},
		{"due/webhook", "WebhookID limits the query to this webhook", testDueWebhook},
		{"due/next", "Next is after Now and no later than the earliest time at which a delivery becomes due", testDueNext},
	}
}

// walk reads all pages and returns the lanes of the case with the Next of the last page.
func (e *env) walk(q webhook.DueQuery) webhook.DuePage {
	return e.walkWith(q, func(*webhook.DueQuery) {})
}

// walkWith is walk that calls between after each page but the last, with the query of the next page.
func (e *env) walkWith(q webhook.DueQuery, between func(next *webhook.DueQuery)) webhook.DuePage {
	p, err := e.tryWalk(q, between)
	e.ok(err, "Due")
	return p
}

// goOn is the time of the next page, as a Dispatcher asks for it.
func goOn(next *webhook.DueQuery) { next.Now = next.Now.Add(time.Millisecond) }

func (e *env) tryWalk(q webhook.DueQuery, between func(next *webhook.DueQuery)) (all webhook.DuePage, err error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	for range many {
		p, err := e.store.Due(e.ctx, q)
		if err != nil {
			return all, err
		}
		if len(p.Lanes) > q.Limit {
			return all, fmt.Errorf("a page of %d lanes, more than Limit %d", len(p.Lanes), q.Limit)
		}
		for _, l := range p.Lanes {
			if e.mine(l.Scope) {
				all.Lanes = append(all.Lanes, l)
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			all.Next = p.Next
			return all, nil
		}
		between(&q)
	}
	return all, fmt.Errorf("no end within %d pages", many)
}

// wantNext checks a DuePage.Next. It may be earlier than wanted where other cases left earlier
// work. Work of other cases that is due years later does not count.
func (e *env) wantNext(what string, want, got, now time.Time) {
	switch {
	case want.IsZero() && (got.IsZero() || got.After(now.AddDate(2, 0, 0))):
	case want.IsZero():
		e.errorf("%s is %v, want none (the query's Now is %v)", what, got, now)
	case !got.After(now):
		e.errorf("%s is %v, want a time after the query's Now, %v", what, got, now)
	case got.After(want):
		e.errorf("%s is %v, want no later than %v (the query's Now is %v)", what, got, want, now)
	}
}

func testDueNothing(e *env) {
	w := e.hook()
	p := e.walk(webhook.DueQuery{Now: e.base, Limit: 1})
	e.wantLanes("Due", p.Lanes)
	e.wantNext("Next", time.Time{}, p.Next, e.base)
	p = e.walk(webhook.DueQuery{Now: e.base, Scope: w.Scope, WebhookID: w.ID})
	e.wantLanes("Due of one webhook", p.Lanes)
	if !p.Next.IsZero() {
		e.errorf("Next of a webhook with nothing pending is %v, want zero", p.Next)
	}
}

func testDueLanes(e *env) {
	ready, soon, busy, idle := e.hook(), e.hook(), e.hook(), e.hook()
	e.queue(ready, 3)
	d := e.fresh(soon, 1)
	d[0].Due = e.at(time.Second)
	e.put(d...)
	e.queue(busy, 1)
	e.take(e.base, busy, 1)
	e.queue(idle, 1)
	e.settle(delivered(e.one("claim", e.take(e.base, idle, 1)), e.base))
	e.wantLanes("Due", e.walk(webhook.DueQuery{Now: e.base}).Lanes, laneOf(ready))
	e.wantLanes("Due a microsecond early", e.walk(webhook.DueQuery{Now: e.at(time.Second - time.Microsecond)}).Lanes, laneOf(ready))
	e.wantLanes("Due at the due time", e.walk(webhook.DueQuery{Now: e.at(time.Second)}).Lanes, laneOf(ready), laneOf(soon))
	e.claim(e.at(time.Second))
	e.wantLanes("Due when everything was claimed", e.walk(webhook.DueQuery{Now: e.at(time.Second)}).Lanes)
}

func testDueLeaseEnd(e *env) {
	w := e.hook()
	e.queue(w, 2)
	d := e.one("claim", e.take(e.base, w, 1))
	e.settle(delivered(e.one("claim", e.take(e.at(time.Second), w, 1)), e.at(time.Second)))
	e.wantLanes("Due while the lease lasts", e.walk(webhook.DueQuery{Now: e.at(lease - time.Microsecond)}).Lanes)
	e.wantLanes("Due at the end of the lease", e.walk(webhook.DueQuery{Now: e.at(lease)}).Lanes, laneOf(w))
	e.settle(released(d, d.Due))
	e.wantLanes("Due after it was given back", e.walk(webhook.DueQuery{Now: e.base}).Lanes, laneOf(w))
}

func testDueClass(e *env) {
	w := e.hook()
	lanes := []webhook.Lane{laneOf(w), {Scope: w.Scope, WebhookID: w.ID, Class: "secondary"}, {Scope: w.Scope, WebhookID: w.ID, Class: "class " + odd}}
	for _, l := range lanes {
		d := e.fresh(w, 1)
		d[0].Class = l.Class
		e.put(d...)
	}
	e.wantLanes("Due", e.walk(webhook.DueQuery{Now: e.base, Limit: 1}).Lanes, lanes...)
	e.batch(webhook.Claim{Now: e.base, Lanes: asked(1, lanes[1])})
	e.wantLanes("Due after one class was claimed", e.walk(webhook.DueQuery{Now: e.base}).Lanes, lanes[0], lanes[2])
}

// lanesDue makes lanes in two scopes with one or two deliveries each.
func (e *env) lanesDue(n int) (lanes []webhook.Lane) {
	for i := range n {
		w := e.keep(e.draft(string(rune('a' + i%2))))
		e.queue(w, 1+i%2)
		lanes = append(lanes, laneOf(w))
	}
	return lanes
}

func testDuePages(e *env) {
	lanes := e.lanesDue(11)
	for _, limit := range []int{1, 2, 5, 11, 500} {
		p := e.walkWith(webhook.DueQuery{Now: e.base, Limit: limit}, goOn)
		e.wantLanes(fmt.Sprintf("Due in pages of %d", limit), p.Lanes, lanes...)
	}
}

func testDueWhileWorking(e *env) {
	lanes := e.lanesDue(9)
	first, last := e.hook(), e.keep(e.draft("b"))
	gone := e.lanesDue(4)
	n := 0
	p := e.walkWith(webhook.DueQuery{Now: e.base, Limit: 2}, func(next *webhook.DueQuery) {
		goOn(next)
		if n++; n > 6 {
			return
		}
		e.queue(first, 1)
		e.queue(last, 1)
		for _, d := range e.batch(webhook.Claim{Now: e.base, Lanes: asked(many, gone[n%len(gone)])}).Deliveries {
			e.settle(delivered(d, e.base))
		}
	})
	found := make(map[webhook.Lane]bool)
	for _, l := range p.Lanes {
		found[l] = true
	}
	for i, l := range lanes {
		if !found[l] {
			e.errorf("lane %d of %d, of which something was due all the time, is on no page", i+1, len(lanes))
		}
	}
}

func testDueSince(e *env) {
	old, retry, fresh, leased := e.hook(), e.hook(), e.hook(), e.hook()
	e.queue(old, 1)
	e.queue(retry, 1)
	e.queue(leased, 1)
	e.take(e.base, leased, 1)
	e.settle(retried(e.one("claim", e.take(e.base, retry, 1)), e.at(time.Second), e.at(20*time.Second)))
	since := e.at(10 * time.Second)
	e.put(e.freshAt(e.at(30*time.Second), fresh, 1)...)
	for _, c := range []struct {
		now  time.Duration
		want []webhook.Lane
	}{
		{15 * time.Second, nil},
		{20 * time.Second, []webhook.Lane{laneOf(retry)}},
		{30 * time.Second, []webhook.Lane{laneOf(retry), laneOf(fresh)}},
		{lease, []webhook.Lane{laneOf(retry), laneOf(fresh), laneOf(leased)}},
	} {
		p := e.walk(webhook.DueQuery{Now: e.at(c.now), Since: since})
		var got []webhook.Lane
		for _, l := range p.Lanes { // the lane that was due before Since may be named or not
			if l != laneOf(old) {
				got = append(got, l)
			}
		}
		e.wantLanes(fmt.Sprintf("Due after %v with Since 10 s", c.now), got, c.want...)
	}
	all := e.walk(webhook.DueQuery{Now: e.at(lease)}).Lanes
	e.wantLanes("Due without Since", all, laneOf(old), laneOf(retry), laneOf(fresh), laneOf(leased))
	p := e.walk(webhook.DueQuery{Now: since, Since: since})
	e.wantNext("Next of a question with Since", e.at(20*time.Second), p.Next, since)
}

func testDueNotLive(e *env) {
	on, off, short := e.hook(), e.hook(), e.draft("a")
	short.ExpiresAt = e.at(time.Minute)
	short = e.keep(short)
	for _, w := range []webhook.Webhook{on, off, short} {
		e.queue(w, 1)
	}
	off.Active = false
	off = e.change(off)
	due := func(after time.Duration) []webhook.Lane {
		return e.walk(webhook.DueQuery{Now: e.at(after)}).Lanes
	}
	e.wantLanes("Due", due(0), laneOf(on), laneOf(short))
	e.wantLanes("Due a microsecond before ExpiresAt", due(time.Minute-time.Microsecond), laneOf(on), laneOf(short))
	e.wantLanes("Due at ExpiresAt", due(time.Minute), laneOf(on))
	off.Active, short.ExpiresAt = true, e.at(time.Hour)
	e.change(off)
	e.change(short)
	e.wantLanes("Due when both receive again", due(time.Minute), laneOf(on), laneOf(off), laneOf(short))
}

func testDueGone(e *env) {
	ghost, theirs := e.draft("a"), e.keep(e.draft("b"))
	e.queue(ghost, 1)
	d := e.foreign(theirs)
	e.put(d)
	e.wantLanes("Due", e.walk(webhook.DueQuery{Now: e.base}).Lanes, laneOf(ghost), d.Lane())
	reg, ok := e.store.(webhook.Registry)
	if !ok || e.seed != nil {
		return
	}
	w := e.hook()
	e.queue(w, 1)
	e.ok(reg.Delete(e.ctx, w.Scope, w.ID), "Delete")
	e.wantLanes("Due after Delete", e.walk(webhook.DueQuery{Now: e.base}).Lanes, laneOf(ghost), d.Lane(), laneOf(w))
}

// foreign is a delivery of scope "a" that names a webhook of another scope.
func (e *env) foreign(theirs webhook.Webhook) webhook.Delivery {
	theirs.Scope = e.scope("a")
	return e.fresh(theirs, 1)[0]
}

func testDueWebhook(e *env) {
	a, b := e.hook(), e.hook()
	e.queue(a, 1)
	second := e.fresh(a, 1)
	second[0].Class = "second"
	later := e.fresh(a, 1)
	later[0].Due = e.at(time.Hour)
	e.put(append(second, later...)...)
	e.queue(b, 1)
	sooner := e.fresh(b, 1)
	sooner[0].Due = e.at(time.Minute)
	e.put(sooner...)
	p := e.walk(webhook.DueQuery{Now: e.base, Scope: a.Scope, WebhookID: a.ID, Limit: 1})
	e.wantLanes("Due of one webhook", p.Lanes, laneOf(a), second[0].Lane())
	if !p.Next.Equal(later[0].Due) {
		e.errorf("Next of one webhook is %v, want that of its delivery, %v", p.Next, later[0].Due)
	}
	p = e.walk(webhook.DueQuery{Now: e.base, Scope: e.scope("b"), WebhookID: a.ID})
	e.wantLanes("Due of a webhook in another scope", p.Lanes)
}

func testDueNext(e *env) {
	w, other := e.hook(), e.keep(e.draft("b"))
	e.queue(other, 1)
	e.settle(retried(e.one("claim", e.take(e.base, other, 1)), e.base, e.at(20*time.Hour)))
	e.queue(other, 1)
	ds := e.fresh(w, 4)
	ds[1].Due, ds[2].Due, ds[3].Due = e.at(40*time.Second), e.at(90*time.Second), e.at(3*time.Minute)
	e.put(ds...)
	last := e.keep(e.draft("b"))
	e.queue(last, 1)
	for _, limit := range []int{1, 2, 100} { // Next covers all lanes, with any limit
		p := e.walk(webhook.DueQuery{Now: e.base, Limit: limit})
		e.wantNext(fmt.Sprintf("Next beside due work in pages of %d", limit), ds[1].Due, p.Next, e.base)
		e.settle(delivered(e.one("claim", e.take(e.base, other, 1)), e.base))
		e.put(e.fresh(other, 1)...)
	}
	for _, w := range []webhook.Webhook{other, last} {
		e.settle(delivered(e.one("claim", e.take(e.base, w, 1)), e.base))
	}
	next := func(after time.Duration) time.Time {
		return e.walk(webhook.DueQuery{Now: e.at(after), Limit: 1}).Next
	}
	d := e.one("claim", e.claim(e.base))
	e.wantNext("Next before a waiting delivery", ds[1].Due, next(0), e.base)
	e.one("claim", e.claim(ds[1].Due))
	e.wantNext("Next before the end of a lease", e.at(lease), next(40*time.Second), e.at(40*time.Second))
	e.settle(retried(d, e.at(41*time.Second), e.at(50*time.Second)))
	e.wantNext("Next before a retry", e.at(50*time.Second), next(41*time.Second), e.at(41*time.Second))
	e.wantNext("Next beside a retry that is due", ds[2].Due, next(80*time.Second), e.at(80*time.Second))
	for _, d := range e.claim(e.at(10 * time.Minute)) {
		e.settle(delivered(d, e.at(10*time.Minute)))
	}
	e.wantNext("Next before the last retry", e.at(20*time.Hour), next(10*time.Minute), e.at(10*time.Minute))
	e.settle(delivered(e.one("claim", e.claim(e.at(20*time.Hour))), e.at(20*time.Hour)))
	e.wantNext("Next when everything has ended", time.Time{}, next(20*time.Hour), e.at(20*time.Hour))
}
