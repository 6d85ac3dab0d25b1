// Package memstore keeps webhooks and deliveries in memory.
//
// It is the Store for tests, for trying Postrider out, and for hosts that can
// accept that queued deliveries are lost when their process ends:
//
//	store, err := memstore.New(nil)
//
// A [Store] has every optional capability but those that only a database needs: a clock, a
// notifier, sealed secrets and a cache of webhooks.
//
// # Bounds
//
// Everything that a Store keeps is bounded, and one scope fills a quarter of each bound at most;
// see [Options]. A pending delivery is never dropped: where there is no space for a new one,
// Enqueue answers [webhook.ErrFull] and stores nothing. Where new work needs space, the Store
// forgets the events whose deliveries all ended longest ago. Until then it recognises a
// repeated Dispatch of such an event, so deduplication lasts as long as the history does.
//
// # Cost
//
// For each delivery that a method touches it costs the logarithm of the number of pending
// deliveries, never that number itself. Due costs the number of due lanes, however long their
// backlogs are. Lanes that wait for a later time and lanes of inactive webhooks cost Due nothing.
// A repeated Claim, and a Sweep that may end deliveries, read all pending deliveries of their lanes.
package memstore
