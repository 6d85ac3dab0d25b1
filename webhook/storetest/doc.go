// Package storetest proves that a webhook.Store keeps its contract.
//
// One test proves your own Store:
//
//	func TestStore(t *testing.T) {
//		storetest.RunAll(t, func(t *testing.T) webhook.Store { return openStore(t) })
//	}
//
// [RunAll] runs the cases of [webhook.Store] and of every optional capability that the
// Store implements. [Run], [RunRegistry], [RunHistory] and so on run one group each and
// fail if the Store lacks it, so that a capability cannot get lost unnoticed.
//
// Three functions need several Stores and run separately: [RunDurable] opens a Store a second time, as
// after a restart; [RunShared] needs two Stores over one database; [RunNotifier] needs two
// notifiers that wake each other.
//
// Every case has a name and a rule, and a failure shows both. It shows labels in the place of
// names: d3 is the third delivery of the case, e3 an event, w1 a webhook. Every case ends within
// its time limit: a Store that blocks, or repeats an answer for ever, fails the case
// instead of hanging the test.
//
// # What a Store under test needs
//
// The open function is called for each case and may return the same Store every time. Cases run
// one after the other, each with its own scopes, identifiers and day, and remove
// their data. Time moves forward from case to case and lies in the years 2001 and
// 2002, so the Store must have no deliveries that are due before 2001; later ones do no harm. Times are
// whole microseconds, the precision of SQL stores, except in the case about nanoseconds.
//
// Webhooks are made through [webhook.Registry]. A Store without it needs [WithWebhooks].
// [WithUnreadable] and [WithLostAnswers] add cases for Stores that can be made to fail.
package storetest
