package storetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

func statsCases() []testCase {
	return []testCase{
		{"stats/totals", "Totals counts pending deliveries, and among them the held ones and those that wait for another try", onStats(testTotals)},
		{"stats/oldest", "OldestDue is the earliest due time up to now of free deliveries to webhooks that receive", onStats(testOldestDue)},
		{"stats/webhooks", "Totals counts all webhooks, and those that are inactive or expired at the given time", onStats(testTotalWebhooks)},
		{"stats/model", "Totals and Backlog equal those of a model after any calls", onStats(testStatsModel)},
		{"stats/backlog-pages", "pages of Backlog have no gaps and no repeats, in either order", onStats(testBacklogPages)},
		{"stats/backlog-refused", "a damaged cursor, one of the other order, and a page beyond 100 are refused", onStats(testBacklogRefused)},
		{"stats/find", "Find returns the deliveries of an event in all scopes, by scope and webhook, without bodies", onStats(testFind)},
	}
}

func onStats(test func(*env, webhook.Stats)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Stats)) }
}

// totals returns the Totals of the whole Store, with leftovers of other cases.
func (e *env) totals(st webhook.Stats, now time.Time) webhook.Totals {
	t, err := st.Totals(e.ctx, now)
	e.ok(err, "Totals")
	return t
}

// wantMore checks the difference to earlier totals.
func (e *env) wantMore(what string, before, after webhook.Totals, pending, held, retrying int) {
	e.want(what+": pending, held, retrying", []int{pending, held, retrying},
		[]int{after.Pending.N - before.Pending.N, after.Held.N - before.Held.N, after.Retrying.N - before.Retrying.N})
}

func testTotals(e *env, st webhook.Stats) {
	w, off := e.hook(), e.draft("b")
	off.Active = false
	off = e.keep(off)
	before := e.totals(st, e.base)
	e.queue(w, 5)
	e.queue(off, 1)
	e.wantMore("queued", before, e.totals(st, e.base), 6, 0, 0)
	ds := e.count("claim of four", 4, e.take(e.base, w, 4))
	e.wantMore("claimed", before, e.totals(st, e.base), 6, 4, 0)
	now := e.at(time.Second)
	e.settle(delivered(ds[0], now), failed(ds[1], now), retried(ds[2], now, e.at(time.Hour)), released(ds[3], now))
	e.wantMore("two ended, one waits for a retry, one was given back", before, e.totals(st, now), 4, 0, 1)
	e.take(e.at(time.Hour), w, 3)
	e.wantMore("all but that of the inactive webhook are claimed", before, e.totals(st, e.at(time.Hour)), 4, 3, 0)
	if h, ok := e.store.(webhook.History); ok {
		e.ok(h.Requeue(e.ctx, w.Scope, ds[1].ID, e.at(2*time.Hour)), "Requeue")
		e.wantMore("one that had failed was queued again", before, e.totals(st, e.at(time.Hour)), 5, 3, 0)
	}
}

func testOldestDue(e *env, st webhook.Stats) {
	year := func(n int) time.Time { return time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC) } // before the times of all other cases
	off, old, live, ghost := e.draft("a"), e.draft("a"), e.hook(), e.draft("b")
	off.Active, old.ExpiresAt = false, year(1970).AddDate(0, 6, 0)
	off, old = e.keep(off), e.keep(old)
	put := func(w webhook.Webhook, due time.Time) {
		d := e.fresh(w, 1)
		d[0].Due = due
		e.put(d...)
	}
	put(off, year(1971))
	put(old, year(1972))
	put(live, year(1980))
	put(live, year(1981))
	want := func(what string, now, due time.Time) {
		if got := e.totals(st, now).OldestDue; !got.Equal(due) {
			e.errorf("%s: OldestDue is %v, want %v", what, got, due)
		}
	}
	want("two wait", e.base, year(1980))
	want("nothing is due", year(1975), time.Time{})
	d := e.one("claim", e.take(e.base, live, 1))
	want("the oldest is held", e.base, year(1981))
	e.settle(retried(d, e.base, e.at(time.Hour)))
	want("the oldest waits for later", e.base, year(1981))
	put(ghost, year(1979))
	want("the webhook is gone, so that a claim ends it", e.base, year(1979))
}

func testTotalWebhooks(e *env, st webhook.Stats) {
	before := e.totals(st, e.base)
	off, ends := e.draft("a"), e.draft("b")
	off.Active, ends.ExpiresAt = false, e.at(time.Hour)
	e.keep(off)
	e.keep(ends)
	e.hook()
	more := func(now time.Time) []int {
		t := e.totals(st, now)
		return []int{t.Webhooks - before.Webhooks, t.Inactive - before.Inactive}
	}
	e.want("webhooks, inactive", []int{3, 1}, more(e.at(time.Hour-time.Microsecond)))
	e.want("webhooks, inactive, when one has expired", []int{3, 2}, more(e.at(time.Hour)))
}

// backlog returns the lines of the case, from pages of limit lines.
func (e *env) backlog(st webhook.Stats, order webhook.BacklogOrder, limit int) (mine []webhook.Backlog) {
	q := webhook.BacklogQuery{Order: order, Limit: limit}
	for range 10 * many {
		bs, next, err := st.Backlog(e.ctx, q)
		if e.ok(err, "Backlog"); len(bs) > q.PageSize() {
			e.errorf("a page of %d has %d lines", q.PageSize(), len(bs))
		}
		for _, b := range bs {
			if e.mine(b.Scope) {
				b.OldestDue = b.OldestDue.UTC()
				mine = append(mine, b)
			}
		}
		if next == "" {
			return mine
		}
		if len(bs) == 0 {
			e.fatalf("an empty page has a cursor of the next")
		}
		q.Cursor = next
	}
	e.fatalf("the list did not end within %d pages", 10*many)
	return nil
}

// inOrder sorts backlogs in the order of a list.
func inOrder(bs []webhook.Backlog, order webhook.BacklogOrder) {
	slices.SortFunc(bs, func(a, b webhook.Backlog) int {
		first := a.OldestDue.Compare(b.OldestDue)
		if order == webhook.BacklogLargest {
			first = b.Pending.N - a.Pending.N
		}
		if first == 0 {
			first = strings.Compare(a.Scope, b.Scope)
		}
		if first == 0 {
			first = strings.Compare(a.WebhookID, b.WebhookID)
		}
		return first
	})
}

// statsModel models the contents of the Store.
type statsModel struct {
	due     map[string]time.Time // of waiting deliveries, by ID
	of      map[string]webhook.Webhook
	tries   map[string]int
	claimed []webhook.Delivery
}

func (m *statsModel) backlog() (bs []webhook.Backlog) {
	at := make(map[string]int)
	for id, due := range m.due {
		w := m.of[id]
		i, known := at[w.ID]
		if !known {
			i, at[w.ID] = len(bs), len(bs)
			bs = append(bs, webhook.Backlog{Scope: w.Scope, WebhookID: w.ID, OldestDue: due})
		}
		bs[i].Pending.N++
		if due.Before(bs[i].OldestDue) {
			bs[i].OldestDue = due
		}
	}
	return bs
}

func (m *statsModel) retrying() (n int) {
	for id := range m.due {
		if m.tries[id] > 0 {
			n++
		}
	}
	return n
}

// settle settles the delivery that was claimed first with a random outcome.
func (m *statsModel) settle(e *env, random *rand.Rand, now time.Time) {
	d := m.claimed[0]
	m.claimed = m.claimed[1:]
	later := now.Add(time.Duration(1+random.IntN(100)) * time.Second)
	switch random.IntN(4) {
	case 0:
		e.settle(delivered(d, now))
	case 1:
		e.settle(failed(d, now))
	case 2:
		e.settle(retried(d, now, later))
		m.due[d.ID], m.tries[d.ID] = later, m.tries[d.ID]+1
	default:
		e.settle(released(d, d.Due))
		m.due[d.ID] = d.Due
	}
}

func testStatsModel(e *env, st webhook.Stats) {
	hooks := []webhook.Webhook{e.hook(), e.hook(), e.keep(e.draft("b"))}
	random := rand.New(rand.NewPCG(3, 7))
	m := &statsModel{due: make(map[string]time.Time), of: make(map[string]webhook.Webhook), tries: make(map[string]int)}
	before := e.totals(st, e.base)
	for step := range 120 {
		now := e.at(time.Duration(step) * 100 * time.Millisecond)
		w := hooks[random.IntN(len(hooks))]
		switch n := random.IntN(3); {
		case n == 0:
			ds := e.freshAt(now, w, 1+random.IntN(4))
			for i := range ds {
				ds[i].Due = now.Add(time.Duration(random.IntN(20)-10) * time.Second)
				ds[i].Class = []string{"", "second"}[random.IntN(2)]
				m.due[ds[i].ID], m.of[ds[i].ID] = ds[i].Due, w
			}
			e.put(ds...)
		case n == 1:
			ds := e.batch(webhook.Claim{Now: now, Until: now.Add(time.Hour), Lanes: asked(1+random.IntN(3), laneOf(w))}).Deliveries
			for _, d := range ds {
				delete(m.due, d.ID)
			}
			m.claimed = append(m.claimed, ds...)
		case len(m.claimed) > 0:
			m.settle(e, random, now)
		}
		if step%10 != 9 {
			continue
		}
		e.wantMore("after some steps", before, e.totals(st, now), len(m.due)+len(m.claimed), len(m.claimed), m.retrying())
		for _, order := range []webhook.BacklogOrder{webhook.BacklogOldest, webhook.BacklogLargest} {
			want := m.backlog()
			inOrder(want, order)
			e.want("backlog after some steps", want, e.backlog(st, order, 100))
		}
	}
}

func testBacklogPages(e *env, st webhook.Stats) {
	var want []webhook.Backlog
	for i := range 7 {
		w := e.keep(e.draft([]string{"a", "b"}[i%2]))
		n := 1 + i%3
		ds := e.freshAt(e.at(time.Duration(i/2)*time.Second), w, n)
		e.put(ds...)
		want = append(want, webhook.Backlog{Scope: w.Scope, WebhookID: w.ID, Pending: webhook.CountOf(n), OldestDue: ds[0].Due})
	}
	for _, order := range []webhook.BacklogOrder{webhook.BacklogOldest, webhook.BacklogLargest} {
		inOrder(want, order)
		for _, limit := range []int{1, 3, 0} {
			e.want("backlog", want, e.backlog(st, order, limit))
		}
	}
}

func testBacklogRefused(e *env, st webhook.Stats) {
	for range 2 {
		e.queue(e.hook(), 1)
	}
	_, next, err := st.Backlog(e.ctx, webhook.BacklogQuery{Limit: 1})
	if e.ok(err, "Backlog"); next == "" {
		e.fatalf("a page of one of two has no cursor of the next")
	}
	for what, q := range map[string]webhook.BacklogQuery{
		"a cursor of the other order": {Order: webhook.BacklogLargest, Cursor: next},
		"half a cursor":               {Cursor: next[:len(next)/2]},
		"no cursor at all":            {Cursor: "?"},
		"a page of 101":               {Limit: 101},
		"a page of -1":                {Limit: -1},
		"an order that there is not":  {Order: 7},
	} {
		_, _, err := st.Backlog(e.ctx, q)
		e.wantErr("Backlog with "+what, err, webhook.ErrInvalid)
	}
}

func testFind(e *env, st webhook.Stats) {
	a, b, other := e.hook(), e.hook(), e.keep(e.draft("b"))
	event := e.event()
	ds := []webhook.Delivery{e.delivery(other, event), e.delivery(b, event), e.delivery(a, event), e.delivery(a, e.event())}
	e.put(ds...)
	e.settle(delivered(e.one("claim", e.take(e.base, b, 1)), e.at(time.Second)))
	find := func(event string, limit int) []webhook.Delivery {
		got, err := st.Find(e.ctx, event, limit)
		e.ok(err, "Find")
		for _, d := range got {
			if d.EventID != event || len(d.Body) > 0 {
				e.errorf("found %s of event %s with a body of %d bytes", d.ID, d.EventID, len(d.Body))
			}
		}
		return got
	}
	got := e.count("deliveries of the event", 3, find(event, 10))
	e.want("found, state of the second", []any{ds[2].ID, ds[1].ID, ds[0].ID, webhook.StateDelivered}, []any{got[0].ID, got[1].ID, got[2].ID, got[1].State})
	e.wantIDs("found with limit 2", find(event, 2), ds[2].ID, ds[1].ID)
	e.none("of an event that there is not", find(e.event(), 10))
}
