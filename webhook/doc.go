// Package webhook delivers events to webhooks: at least once, signed, within limits,
// and honest about what happened.
//
// A host gives it a [Store], which is the queue, and a [Profile], which says what kind of
// receivers there are:
//
//	store, err := memstore.New(nil)
//	hooks, err := webhook.New(store, webhook.Automation(), nil)
//	go hooks.Run(ctx)
//
// calls Dispatch where something ended,
//
//	event, err := payload.New("acme", payload.TaskSuccess{...})
//	receipt, err := hooks.Dispatch(ctx, event)
//
// and lets people configure webhooks through the [Manager]:
//
//	manager, err := hooks.Manager()
//	hook, err := manager.Add(ctx, webhook.Webhook{Scope: "acme", Name: "Ops", URL: url, ...})
//
// From there on there is more control. [Track] wraps a whole task. [Dispatcher.DispatchTx]
// stores events inside a transaction of the host. An [Observer] sees every step, and
// [Dispatcher.Explain] answers why something has not been sent. A Profile of one's own
// matches, composes, addresses and signs in its own way.
//
// # How a delivery goes
//
// Dispatch matches the event with the webhooks of its scope and stores one delivery for
// each. What can be sent at once is stored leased to this process (a hand-off), so it goes out after
// the commit without asking the Store again; the rest is claimed: retries, backlogs, the
// work of other hosts. A delivery then waits for its turn, is sent (the URL is judged again, the
// request is signed, the address is judged when it is dialled), and the answer's status
// decides. What failed for a reason that may pass is tried again as the Profile's retry
// policy says; everything else ends as failed, with a [Code] that says why. Outcomes are
// stored in groups. A process that dies leaves nothing behind but leases, and when they end
// the work is due again.
//
// # Turns and slots
//
// Turns go round the scopes, in a scope round its webhooks, one delivery each, so no tenant waits
// for the backlog of another. A request counts as active, and holds one of Options.Capacity slots, for
// Options.SlowAfter only; one that takes longer goes on and holds nothing that others need.
// Options.MaxInFlight bounds them all. A webhook may have one request in flight at first, and
// twice as many after each success, up to Options.PerLane; an endpoint that is overloaded or
// away halves that. A scope may have only a share of MaxInFlight in requests that may well hang. The
// promise that a tenant whose endpoints hang delays no other ends where some 900 tenants
// hang at once, with the default options.
//
// # What is promised
//
// At least once, in no particular order. Every attempt of a delivery carries the same
// identifier and the same bytes, so a receiver can drop repeats. After a success, or a
// permanent failure, nothing is sent again unless somebody asks for it. A webhook that
// hangs or fails delays no other. Secrets, URL paths and addresses appear in no error, log
// line or record.
//
// # Concurrency
//
// All decisions are made by one state machine, in the internal package scheduler: whose
// turn it is, what to claim, when to look, what is stored, how a webhook's health changes. It has no
// goroutine and no lock. The engine owns it: it locks, steps, unlocks, and carries out the
// commands that came back. No hook of the host, no Store and no logger is called under that
// lock. Status owns, under a lock of its own, how the Store answers; the sender owns the
// transport and what is prepared for each webhook.
//
// Goroutines, and what ends each:
//
//   - one for each request in flight; it goes on with the next delivery whose turn it is,
//     and ends when there is none, at the latest when Options.Drain is over
//   - one for each call to the Store that a command asks for (claim, look, settle, sweep, read of a
//     webhook, health, notify): each of them ends with the call, which has a time limit
//   - while Run is under way: one each that reads the Store's clock, prunes, and waits for
//     other hosts, where the Store can do that; they end with Run's context
//   - one for each Dispatch call, which goes on with a request that it has handed over, or
//     ends with the Store's answer
//   - one timer, which is armed for the next thing that becomes due
//
// Run returns when all of them have ended, apart from calls that a Store does not end
// although their context has.
package webhook
