// Package memstore keeps webhooks and deliveries in memory.
//
// It is the Store for tests, for trying Postrider out, and for hosts that can
// bear to lose what is queued when their process ends:
//
//	store, err := memstore.New(nil)
//
// A [Store] has every optional capability but the two that only a shared
// database has (a clock and a notifier): registry, history, pruning, marks,
// health, sweeps, and the check that it serves one Profile only.
//
// # Bounds
//
// Nothing grows without an end, and one scope fills a quarter of each bound at most; see [Options]. Work is never dropped: where there is no
// space for a delivery, Enqueue answers [webhook.ErrFull] and stores nothing. History
// is a courtesy: the events whose deliveries all ended longest ago give way
// to new work. Until then a repeated Dispatch of such an event is recognised, so
// deduplication lasts as long as the history does.
//
// # Cost
//
// Each method costs the logarithm of what is pending for each delivery it touches, never the
// backlog. Due costs the lanes of which something is due, whatever waits in them; lanes that
// wait for a later time and those of inactive webhooks cost it nothing. A Claim that is
// repeated, and a Sweep that may have something to end, look at everything pending in their lanes.
package memstore
