package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func overviewCases() []testCase {
	return []testCase{
		{"overview/latest", "Latest returns of each webhook of the scope the delivery with the newest CreatedAt, without body", onOverview(testLatest)},
		{"overview/latest-attempts", "LatestAttempts returns of each delivery of the scope the latest attempt, whole", onOverview(testLatestAttempts)},
	}
}

func onOverview(test func(*env, webhook.Overview)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Overview)) }
}

func testLatest(e *env, o webhook.Overview) {
	a, b, none, foreign := e.hook(), e.hook(), e.hook(), e.keep(e.draft("b"))
	e.queue(foreign, 1)
	e.put(e.freshAt(e.at(time.Hour), a, 1)...)
	newest := e.freshAt(e.at(2*time.Hour), a, 1)
	e.put(newest...)
	e.put(e.freshAt(e.at(time.Minute), a, 1)...)
	only := e.fresh(b, 1)
	e.put(only...)
	ds, err := o.Latest(e.ctx, a.Scope, []string{a.ID, b.ID, none.ID, foreign.ID, "unknown"})
	e.ok(err, "Latest")
	e.wantIDs("Latest", ds, newest[0].ID, only[0].ID)
	for _, d := range ds {
		if d.Body != nil || d.EventID == "" || d.Type == "" || d.CreatedAt.IsZero() || d.State != webhook.StatePending {
			e.errorf("Latest returned %d bytes of a body, event %q, type %q, created %v, %v", len(d.Body), d.EventID, d.Type, d.CreatedAt, d.State)
		}
	}
	if ds, err := o.Latest(e.ctx, a.Scope, nil); err != nil || len(ds) != 0 {
		e.errorf("Latest of no webhooks: %d deliveries, %v", len(ds), err)
	}
}

func testLatestAttempts(e *env, o webhook.Overview) {
	w := e.hook()
	tried := e.queue(w, 1)[0]
	snippet := `"\é` + strings.Repeat("<", 4<<10-4) // of the greatest length, and longer when it is encoded
	var last webhook.Attempt
	for i := range 4 {
		now := e.at(time.Duration(i) * time.Hour)
		d := e.claim(now)[0]
		last = webhook.Attempt{Number: i + 1, Status: 500 + i, Code: webhook.CodeStatus, Start: now, Duration: time.Second, Snippet: snippet,
			Header: slices.Repeat([]webhook.HeaderField{{Name: "X-Github-Request-Id", Value: strings.Repeat(">", 200)}}, 10)}
		e.settle(webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StatePending, Due: now.Add(time.Hour), Code: last.Code, Result: &last})
	}
	fresh := e.queue(w, 1)[0]
	as, err := o.LatestAttempts(e.ctx, w.Scope, []string{tried, fresh, e.unknownID()})
	e.ok(err, "LatestAttempts")
	if diff := cmp.Diff(map[string]webhook.Attempt{tried: last}, as); diff != "" {
		e.errorf("LatestAttempts (-want +got)\n%s", diff)
	}
	if as, err := o.LatestAttempts(e.ctx, e.scope("b"), []string{tried}); err != nil || len(as) != 0 {
		e.errorf("LatestAttempts in another scope: %d, %v", len(as), err)
	}
}

func countersCases() []testCase {
	return []testCase{
		{"counters/attempts", "each attempt counts once, in the hour of its end, with its duration", onCounters(testCounts)},
		{"counters/selection", "Counts returns the counts of the given webhooks of the scope, from the given hour on", onCounters(testCountsSelection)},
	}
}

// counts reports whether a Store is configured to count.
func counts(s webhook.Store) bool {
	c, ok := s.(webhook.Counters)
	if !ok {
		return false
	}
	_, err := c.Counts(context.Background(), "", nil, time.Time{})
	return !errors.Is(err, webhook.ErrUnsupported)
}

func onCounters(test func(*env, webhook.Counters)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Counters)) }
}

// tried claims a delivery of a webhook and settles it with an attempt, which it returns.
func (e *env) tried(w webhook.Webhook, at time.Time, took time.Duration, code webhook.Code) webhook.Settlement {
	d := e.take(at, w, 1)[0]
	s := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered, Code: code,
		Result: &webhook.Attempt{Number: 1, Code: code, Start: at, Duration: took}}
	if code != webhook.CodeOK {
		s.State = webhook.StateFailed
	}
	e.settle(s)
	return s
}

func (e *env) wantCounts(c webhook.Counters, what, scope string, since time.Time, hooks []string, want ...webhook.HourCount) {
	got, err := c.Counts(e.ctx, scope, hooks, since)
	e.ok(err, "Counts")
	for i := range got {
		got[i].WebhookID = e.labelled(got[i].WebhookID)
	}
	for i := range want {
		want[i].WebhookID = e.labelled(want[i].WebhookID)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		e.errorf("%s: Counts (-want +got)\n%s", what, diff)
	}
}

func testCounts(e *env, c webhook.Counters) {
	w := e.hook()
	e.queue(w, 6)
	e.wantCounts(c, "before the first attempt", w.Scope, time.Time{}, []string{w.ID})
	e.tried(w, e.at(time.Minute), 200*time.Millisecond, webhook.CodeOK)
	repeated := e.tried(w, e.at(2*time.Minute), 300*time.Millisecond, webhook.CodeOK)
	e.tried(w, e.at(3*time.Minute), time.Second, webhook.CodeStatus)
	e.tried(w, e.at(time.Hour-time.Second), 2*time.Second, webhook.CodeTimeout)
	e.settle(repeated)
	d := e.take(e.at(time.Hour), w, 1)[0]
	e.settle(webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StatePending, Due: e.at(time.Hour)}) // a release
	e.wantCounts(c, "after five settlements", w.Scope, time.Time{}, []string{w.ID},
		webhook.HourCount{WebhookID: w.ID, Hour: e.base, Accepted: 2, Failed: 1, Took: 1500 * time.Millisecond, Slowest: time.Second},
		webhook.HourCount{WebhookID: w.ID, Hour: e.at(time.Hour), Failed: 1, Took: 2 * time.Second, Slowest: 2 * time.Second})
}

func testCountsSelection(e *env, c webhook.Counters) {
	a, b, foreign := e.hook(), e.hook(), e.keep(e.draft("b"))
	for _, w := range []webhook.Webhook{a, b, foreign} {
		e.queue(w, 2)
		e.tried(w, e.base, time.Second, webhook.CodeOK)
		e.tried(w, e.at(2*time.Hour), time.Second, webhook.CodeOK)
	}
	count := func(w webhook.Webhook, after time.Duration) webhook.HourCount {
		return webhook.HourCount{WebhookID: w.ID, Hour: e.at(after), Accepted: 1, Took: time.Second, Slowest: time.Second}
	}
	all := []string{a.ID, b.ID, foreign.ID}
	e.wantCounts(c, "all of a scope", a.Scope, time.Time{}, all, count(a, 0), count(a, 2*time.Hour), count(b, 0), count(b, 2*time.Hour))
	e.wantCounts(c, "one webhook, since its first hour", a.Scope, e.base, []string{b.ID}, count(b, 0), count(b, 2*time.Hour))
	e.wantCounts(c, "since a microsecond later", a.Scope, e.base.Add(time.Microsecond), all, count(a, 2*time.Hour), count(b, 2*time.Hour))
	e.wantCounts(c, "no webhooks", a.Scope, time.Time{}, nil)
	if reg, ok := e.store.(webhook.Registry); ok {
		e.ok(reg.DeleteScope(e.ctx, a.Scope), "DeleteScope")
		e.wantCounts(c, "after DeleteScope", a.Scope, time.Time{}, all)
	}
}
