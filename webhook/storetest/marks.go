package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
)

func marksCases() []testCase {
	return []testCase{
		{"marks/once", "the first Mark is first, every later one is not", onMarks(testMarkOnce)},
		{"marks/once-concurrent", "of concurrent Marks exactly one is first", onMarks(testMarkConcurrent)},
		{"marks/scope", "marks of different scopes and keys have nothing to do with each other", onMarks(testMarkScope)},
		{"marks/unmark", "after Unmark the next Mark is first again; an unknown mark is no error", onMarks(testUnmark)},
		{"marks/expiry", "after its time has passed a mark is first again", onMarks(testMarkExpiry)},
	}
}

func onMarks(test func(*env, webhook.Marks)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Marks)) }
}

func (e *env) wantMark(m webhook.Marks, what, scope, key string, until time.Time, want bool) {
	if first, err := m.Mark(e.ctx, scope, key, until); err != nil || first != want {
		e.errorf("%s: first %t, %v; want %t", what, first, err, want)
	}
}

func testMarkOnce(e *env, m webhook.Marks) {
	scope := e.scope("a")
	e.wantMark(m, "the first Mark", scope, odd, farFuture, true)
	for i := range 3 {
		e.wantMark(m, fmt.Sprintf("Mark %d", i+2), scope, odd, farFuture.AddDate(i-1, 0, 0), false)
	}
}

func testMarkConcurrent(e *env, m webhook.Marks) {
	scope := e.scope("a")
	for round := range 5 {
		var firsts atomic.Int64
		e.parallel(50, func(int) {
			first, err := m.Mark(e.ctx, scope, fmt.Sprintf("key %d", round), farFuture)
			if err != nil {
				e.errorf("Mark: %v", err)
			} else if first {
				firsts.Add(1)
			}
		})
		if n := firsts.Load(); n != 1 {
			e.errorf("of 50 concurrent Marks %d were first", n)
		}
	}
}

func testMarkScope(e *env, m webhook.Marks) {
	a, b := e.scope("a"), e.scope("b")
	e.wantMark(m, "Mark", a, "key", farFuture, true)
	e.wantMark(m, "Mark in another scope", b, "key", farFuture, true)
	e.wantMark(m, "Mark with another key", a, "key2", farFuture, true)
	e.ok(m.Unmark(e.ctx, b, "key"), "Unmark")
	e.wantMark(m, "Mark after Unmark in another scope", a, "key", farFuture, false)
}

func testUnmark(e *env, m webhook.Marks) {
	scope := e.scope("a")
	e.ok(m.Unmark(e.ctx, scope, "key"), "Unmark of an unknown mark")
	for i := range 3 {
		e.wantMark(m, fmt.Sprintf("Mark %d", i+1), scope, "key", farFuture, true)
		e.ok(m.Unmark(e.ctx, scope, "key"), "Unmark")
	}
}

// testMarkExpiry shows a Store that time has passed in both ways that it could tell: the
// mark's time lies in the past, and a claim names a later one.
func testMarkExpiry(e *env, m webhook.Marks) {
	scope := e.scope("a")
	e.wantMark(m, "Mark", scope, "short", e.at(time.Hour), true)
	e.wantMark(m, "Mark", scope, "long", farFuture, true)
	now := e.at(2 * time.Hour)
	e.queue(e.hook(), 1)
	e.sweep(now)
	e.claim(now)
	e.wantMark(m, "Mark after the time has passed", scope, "short", farFuture, true)
	e.wantMark(m, "Mark of one that lasts", scope, "long", farFuture, false)
	e.wantMark(m, "Mark of one that was renewed", scope, "short", farFuture, false)
}
