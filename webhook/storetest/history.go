package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func historyCases() []testCase {
	return []testCase{
		{"history/delivery", "Delivery returns one delivery of the scope, and ErrNotFound for any other", onHistory(testHistoryDelivery)},
		{"history/filters", "each field of a Query narrows the list, also in combination", onHistory(testFilters)},
		{"history/order", "the newest CreatedAt comes first, or the oldest with OldestFirst", onHistory(testHistoryOrder)},
		{"history/paging", "pages have no gaps and no repeats", onHistory(testPaging)},
		{"history/paging-while-adding", "pages have no gaps and no repeats while deliveries are added", onHistory(testPagingWhileAdding)},
		{"history/cursor", "a damaged cursor and one of another query are refused", onHistory(testCursor)},
		{"history/limit", "a page has 50 deliveries by default, and never more than 500", onHistory(testPageLimit)},
		{"history/requeue", "Requeue makes a delivery pending with a fresh budget and the same identifier and body, and continues the count of attempts", onHistory(testRequeue)},
		{"history/requeue-refused", "Requeue answers ErrHeld while leased, and ErrNotFound when the delivery is unknown or its webhook deleted", onHistory(testRequeueRefused)},
		{"history/requeue-old-lease", "a lease from before a Requeue does not end the delivery as failed", onHistory(testRequeueOldLease)},
		{"history/cancel", "Cancel ends a pending delivery at the given time and returns it, and does not change an ended one", onHistory(testCancel)},
		{"history/cancel-held", "Cancel answers ErrHeld while a lease lasts at the given time, and not after its end", onHistory(testCancelHeld)},
	}
}

func onHistory(test func(*env, webhook.History)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.History)) }
}

func testHistoryDelivery(e *env, h webhook.History) {
	w := e.hook()
	id := e.queue(w, 2)[0]
	d, as, err := h.Delivery(e.ctx, w.Scope, id)
	if e.ok(err, "Delivery"); d.ID != id || d.Scope != w.Scope || len(as) != 0 {
		e.errorf("Delivery = %s of %q with %d attempts, want %s of %q with none", d.ID, d.Scope, len(as), id, w.Scope)
	}
	_, _, err = h.Delivery(e.ctx, e.scope("b"), id)
	e.wantErr("Delivery in another scope", err, webhook.ErrNotFound)
	_, _, err = h.Delivery(e.ctx, w.Scope, e.unknownID())
	e.wantErr("Delivery of an unknown ID", err, webhook.ErrNotFound)
}

// page returns one page, without the deliveries of other cases.
func (e *env) page(h webhook.History, q webhook.Query) ([]webhook.Delivery, string) {
	ds, next, err := h.Deliveries(e.ctx, q)
	e.ok(err, "Deliveries")
	return ds, next
}

// pages reads all pages of a list, calls between after each page, and returns all deliveries.
func (e *env) pages(h webhook.History, q webhook.Query, between func()) []webhook.Delivery {
	var all []webhook.Delivery
	for range 100 {
		ds, next := e.page(h, q)
		all = append(all, ds...)
		if next == "" {
			return all
		}
		if len(ds) == 0 {
			e.fatalf("an empty page has a cursor of the next")
		}
		q.Cursor = next
		between()
	}
	e.fatalf("the list did not end within 100 pages of %d", q.Limit)
	return nil
}

func testFilters(e *env, h webhook.History) {
	a, b := e.hook(), e.hook()
	e.queue(e.keep(e.draft("b")), 2)
	event := e.event()
	ds := []webhook.Delivery{e.delivery(a, event), e.delivery(b, event), e.fresh(a, 1)[0], e.fresh(b, 1)[0]}
	for i := range ds {
		ds[i].CreatedAt = e.at(time.Duration(i) * time.Minute)
	}
	ds[3].Type = "taskFailure"
	e.put(ds...)
	for _, d := range e.claim(e.base) {
		switch d.ID {
		case ds[0].ID:
			e.settle(delivered(d, e.at(time.Second)))
		case ds[1].ID:
			e.settle(failed(d, e.at(time.Second)))
		}
	}
	scope := a.Scope
	for _, c := range []struct {
		name string
		q    webhook.Query
		want []int
	}{
		{"scope", webhook.Query{}, []int{0, 1, 2, 3}},
		{"webhook", webhook.Query{WebhookID: a.ID}, []int{0, 2}},
		{"event", webhook.Query{EventID: event}, []int{0, 1}},
		{"type", webhook.Query{Type: "taskFailure"}, []int{3}},
		{"state delivered", webhook.Query{States: []webhook.State{webhook.StateDelivered}}, []int{0}},
		{"state pending", webhook.Query{States: []webhook.State{webhook.StatePending}}, []int{2, 3}},
		{"two states", webhook.Query{States: []webhook.State{webhook.StateFailed, webhook.StateDelivered}}, []int{0, 1}},
		{"code", webhook.Query{Codes: []webhook.Code{webhook.CodeStatus}}, []int{1}},
		{"two codes", webhook.Query{Codes: []webhook.Code{webhook.CodeStatus, webhook.CodeDNS}}, []int{1}},
		{"the codes of delivered and waiting ones", webhook.Query{Codes: []webhook.Code{webhook.CodeOK, webhook.CodeConfig}}, []int{0, 2, 3}},
		{"since, which is included", webhook.Query{Since: e.at(2 * time.Minute)}, []int{2, 3}},
		{"until, which is not", webhook.Query{Until: e.at(2 * time.Minute)}, []int{0, 1}},
		{"since and until", webhook.Query{Since: e.at(time.Minute), Until: e.at(3 * time.Minute)}, []int{1, 2}},
		{"together", webhook.Query{WebhookID: b.ID, EventID: event, Type: "taskSuccess", States: []webhook.State{webhook.StateFailed}, Since: e.base, Until: e.at(time.Hour)}, []int{1}},
		{"nothing", webhook.Query{WebhookID: a.ID, Type: "taskFailure"}, nil},
	} {
		c.q.Scope, c.q.OldestFirst = scope, true
		got, next := e.page(h, c.q)
		var want []string
		for _, i := range c.want {
			want = append(want, ds[i].ID)
		}
		if diff := cmp.Diff(want, ids(got), cmpopts.EquateEmpty()); diff != "" || next != "" {
			e.errorf("by %s: next page %t, (-want +got)\n%s", c.name, next != "", diff)
		}
	}
	if got, _ := e.page(h, webhook.Query{Scope: e.scope("unknown")}); len(got) != 0 {
		e.errorf("an unknown scope has %d deliveries", len(got))
	}
}

func testHistoryOrder(e *env, h webhook.History) {
	ds := e.fresh(e.hook(), 5)
	var want []string
	for i, minute := range []int{3, 0, 4, 1, 2} {
		ds[i].CreatedAt = e.at(time.Duration(minute) * time.Minute)
	}
	for _, i := range []int{1, 3, 4, 0, 2} {
		want = append(want, ds[i].ID)
	}
	e.put(ds...)
	for _, limit := range []int{2, 10} {
		q := webhook.Query{Scope: ds[0].Scope, Limit: limit, OldestFirst: true}
		e.wantOrder("oldest first", e.pages(h, q, func() {}), want...)
		q.OldestFirst = false
		newest := slices.Clone(want)
		slices.Reverse(newest)
		e.wantOrder("newest first", e.pages(h, q, func() {}), newest...)
	}
}

func testPaging(e *env, h webhook.History) {
	w := e.hook()
	ds := e.fresh(w, 23) // all with the same CreatedAt
	e.put(ds...)
	for _, limit := range []int{1, 7, 23, 24} {
		for _, oldest := range []bool{false, true} {
			got := e.pages(h, webhook.Query{Scope: w.Scope, Limit: limit, OldestFirst: oldest}, func() {})
			e.wantIDs(fmt.Sprintf("pages of %d, oldest first %t", limit, oldest), got, ids(ds)...)
		}
	}
}

func testPagingWhileAdding(e *env, h webhook.History) {
	w := e.hook()
	want := e.queue(w, 12)
	for _, oldest := range []bool{false, true} {
		added := 0
		got := e.pages(h, webhook.Query{Scope: w.Scope, Limit: 5, OldestFirst: oldest, Until: e.at(time.Second)}, func() {
			if added++; added < 4 {
				for _, at := range []time.Duration{-time.Hour, 0, time.Hour} {
					e.put(e.freshAt(e.at(at), w, 2)...)
				}
			}
		})
		all := ids(got)
		if repeats := len(all) - len(slices.Compact(sorted(all))); repeats != 0 {
			e.errorf("oldest first %t: %d deliveries came twice", oldest, repeats)
		}
		for _, id := range want {
			if !slices.Contains(all, id) {
				e.errorf("oldest first %t: delivery %s, stored before the first page, is missing", oldest, id)
			}
		}
	}
}

func testCursor(e *env, h webhook.History) {
	w := e.hook()
	e.queue(w, 6)
	q := webhook.Query{Scope: w.Scope, WebhookID: w.ID, Limit: 2}
	_, next := e.page(h, q)
	if next == "" {
		e.fatalf("the first of three pages has no cursor")
	}
	refused := func(what string, q webhook.Query) {
		if _, _, err := h.Deliveries(e.ctx, q); !errors.Is(err, webhook.ErrInvalid) {
			e.errorf("%s: error %v, want ErrInvalid: put a checksum over position and query into cursors", what, err)
		}
	}
	for what, cursor := range map[string]string{
		"a word": "nonsense", "a cursor that was cut off": next[:len(next)-1],
		"a cursor with more behind it": next + "A", "a cursor that was changed": flip(next),
	} {
		damaged := q
		damaged.Cursor = cursor
		refused(what, damaged)
	}
	q.Cursor = next
	for what, change := range map[string]func(*webhook.Query){
		"scope":     func(q *webhook.Query) { q.Scope = e.scope("b") },
		"webhook":   func(q *webhook.Query) { q.WebhookID = "" },
		"event":     func(q *webhook.Query) { q.EventID = "evt" },
		"type":      func(q *webhook.Query) { q.Type = "taskSuccess" },
		"states":    func(q *webhook.Query) { q.States = []webhook.State{webhook.StatePending} },
		"codes":     func(q *webhook.Query) { q.Codes = []webhook.Code{webhook.CodeDNS} },
		"direction": func(q *webhook.Query) { q.OldestFirst = true },
		"since":     func(q *webhook.Query) { q.Since = e.at(-time.Hour) },
	} {
		foreign := q
		change(&foreign)
		refused("a cursor of a query that differs in "+what, foreign)
	}
	if ds, _ := e.page(h, q); len(ds) != 2 {
		e.errorf("the second page has %d deliveries, want 2", len(ds))
	}
}

// flip changes a character in the middle of a text.
func flip(s string) string {
	b := []byte(s)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

func testPageLimit(e *env, h webhook.History) {
	w := e.hook()
	e.queue(w, 501)
	for limit, want := range map[int]int{0: 50, 1: 1, 500: 500} {
		if ds, next := e.page(h, webhook.Query{Scope: w.Scope, Limit: limit}); len(ds) != want || next == "" {
			e.errorf("Limit %d: %d deliveries, next page %t; want %d, true", limit, len(ds), next != "", want)
		}
	}
	for _, limit := range []int{501, -1} {
		ds, _, err := h.Deliveries(e.ctx, webhook.Query{Scope: w.Scope, Limit: limit})
		if !errors.Is(err, webhook.ErrInvalid) {
			e.errorf("Limit %d: %d deliveries and error %v, want ErrInvalid", limit, len(ds), err)
		}
	}
}
