package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
)

func marksCases() []testCase {
	return []testCase{
		{"marks/once", "only the first Mark of a key is first", onMarks(testMarkOnce)},
		{"marks/once-concurrent", "of concurrent Marks exactly one is first", onMarks(testMarkConcurrent)},
		{"marks/scope", "marks of different scopes and keys are independent", onMarks(testMarkScope)},
		{"marks/unmark", "after Unmark the next Mark is first again; an unknown mark is no error", onMarks(testUnmark)},
		{"marks/expiry", "a mark whose end is not after now is first again", onMarks(testMarkExpiry)},
		{"marks/marked", "Marked reports whether a mark lasts, and sets none", onMarks(testMarked)},
	}
}

func onMarks(test func(*env, webhook.Marks)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Marks)) }
}

func (e *env) wantMark(m webhook.Marks, what, scope, key string, now, until time.Time, want bool) {
	if first, err := m.Mark(e.ctx, scope, key, now, until); err != nil || first != want {
		e.errorf("%s: first %t, %v; want %t", what, first, err, want)
	}
}

func testMarkOnce(e *env, m webhook.Marks) {
	scope := e.scope("a")
	e.wantMark(m, "the first Mark", scope, odd, e.base, farFuture, true)
	for i := range 3 {
		e.wantMark(m, fmt.Sprintf("Mark %d", i+2), scope, odd, e.base, farFuture.AddDate(i-1, 0, 0), false)
	}
}

func testMarkConcurrent(e *env, m webhook.Marks) {
	scope := e.scope("a")
	for round := range 5 {
		var firsts atomic.Int64
		e.parallel(50, func(int) {
			first, err := m.Mark(e.ctx, scope, fmt.Sprintf("key %d", round), e.base, farFuture)
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
	e.wantMark(m, "Mark", a, "key", e.base, farFuture, true)
	e.wantMark(m, "Mark in another scope", b, "key", e.base, farFuture, true)
	e.wantMark(m, "Mark with another key", a, "key2", e.base, farFuture, true)
	e.ok(m.Unmark(e.ctx, b, "key"), "Unmark")
	e.wantMark(m, "Mark after Unmark in another scope", a, "key", e.base, farFuture, false)
}

func testUnmark(e *env, m webhook.Marks) {
	scope := e.scope("a")
	e.ok(m.Unmark(e.ctx, scope, "key"), "Unmark of an unknown mark")
	for i := range 3 {
		e.wantMark(m, fmt.Sprintf("Mark %d", i+1), scope, "key", e.base, farFuture, true)
		e.ok(m.Unmark(e.ctx, scope, "key"), "Unmark")
	}
}

func testMarkExpiry(e *env, m webhook.Marks) {
	scope := e.scope("a")
	end := e.at(time.Hour)
	e.wantMark(m, "Mark", scope, "short", e.base, end, true)
	e.wantMark(m, "Mark", scope, "long", e.base, farFuture, true)
	e.wantMark(m, "Mark of an older day", scope, "old", e.base, e.at(-time.Hour), true)
	e.wantMark(m, "Mark of one whose end had passed when it was set", scope, "old", e.base, farFuture, true)
	e.wantMark(m, "Mark a microsecond before its end", scope, "short", end.Add(-time.Microsecond), farFuture, false)
	e.wantMark(m, "Mark at its end", scope, "short", end, e.at(2*time.Hour), true)
	e.wantMark(m, "Mark of one that lasts", scope, "long", end, farFuture, false)
	e.wantMark(m, "Mark of one that was renewed", scope, "short", e.at(2*time.Hour-time.Microsecond), farFuture, false)
}

func testMarked(e *env, m webhook.Marks) {
	a, b := e.scope("a"), e.scope("b")
	end := e.at(time.Hour)
	check := func(what, scope, key string, now time.Time, want bool) {
		if marked, err := m.Marked(e.ctx, scope, key, now); err != nil || marked != want {
			e.errorf("%s: Marked %t, %v; want %t", what, marked, err, want)
		}
	}
	check("of an unknown mark", a, odd, e.base, false)
	e.wantMark(m, "Mark after Marked", a, odd, e.base, end, true)
	check("of a mark that lasts", a, odd, e.base, true)
	check("a microsecond before its end", a, odd, end.Add(-time.Microsecond), true)
	check("at its end", a, odd, end, false)
	check("of another scope", b, odd, e.base, false)
	e.ok(m.Unmark(e.ctx, a, odd), "Unmark")
	check("after Unmark", a, odd, e.base, false)
}
