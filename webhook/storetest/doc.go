// Package storetest proves that a webhook.Store keeps its contract.
//
// A Store of your own is proved in one test:
//
//	func TestStore(t *testing.T) {
//		storetest.RunAll(t, func(t *testing.T) webhook.Store { return openStore(t) })
//	}
//
// [RunAll] runs the cases of [webhook.Store] and of every optional capability that the
// Store implements. [Run], [RunRegistry], [RunHistory] and so on run one group each and
// fail if the Store lacks it, so that a capability cannot get lost unnoticed.
//
// Three more need Stores in the plural and run apart: [RunDurable] opens one a second time, as
// a process does that starts again; [RunShared] has two over one database; [RunNotifier]
// has two that wake each other.
//
// Every case has a name and a rule, and a failure shows both. It shows labels in the place of
// names: d3 is the third delivery of the case, e3 an event, w1 a webhook. A case ends within
// its time limit whatever the Store does: one that blocks, or answers the same for ever, fails
// instead of hanging the test.
//
// # What a Store under test needs
//
// The open function is called for each case and may return the same Store every time. Cases run
// one after the other, each with scopes, identifiers and a day of its own, and remove
// what they made. Time moves forward from case to case and lies in the years 2001 and
// 2002, so deliveries that were due before 2001 must not be there, while later ones do no harm. Times are
// whole microseconds, the precision of SQL stores, but for the case that tries others.
//
// Webhooks are made through [webhook.Registry]. A Store without it needs [WithWebhooks].
// [WithUnreadable] and [WithLostAnswers] add cases for Stores that can be made to fail.
package storetest
