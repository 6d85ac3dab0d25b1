// Package webhook sends events to webhooks: at least once, signed, within limits.
//
// A host is the application that embeds the package, and each running copy of it. It gives the
// package a [Store], which is the queue, and a [Profile], which says what kind of receivers there
// are:
//
//	store, err := memstore.New(nil)
//	hooks, err := webhook.New(store, webhook.Automation(), nil)
//	go hooks.Run(ctx)
//
// The host calls Dispatch when something has happened,
//
//	event, err := payload.New("acme", payload.TaskSuccess{...})
//	receipt, err := hooks.Dispatch(ctx, event)
//
// and lets people configure webhooks through the [Manager]:
//
//	manager, err := hooks.Manager()
//	hook, err := manager.Add(ctx, webhook.Webhook{Scope: "acme", Name: "Ops", URL: url, Active: true, ...})
//
// [Track] wraps a whole task. [Dispatcher.DispatchTx] stores events inside a transaction of the
// host. An [Observer] sees every step, and [Dispatcher.Explain] says why a delivery has not been
// sent. A Profile of the host's own matches, composes, addresses and signs in its own way.
//
// # How a delivery goes
//
// Dispatch matches the event with the webhooks of its scope and stores one delivery for each.
// A delivery that can be sent at once is stored leased to this process (a hand-off) and needs no
// further call to the Store before its request. The process claims the others: retries, backlogs,
// the work of other hosts. A delivery waits for its turn and is sent: the URL is judged again, the
// request is signed, the address is judged when it is dialled. The status of the answer decides.
// A failure that may pass is tried again as the Profile's retry policy says; any other ends the
// delivery as failed, with a [Code]. Outcomes are stored in groups. The leases of a process that
// dies run out, and then its work is due again.
//
// # Turns and slots
//
// Turns go round the scopes, and in a scope round its webhooks, one delivery each, so no tenant
// waits for the backlog of another. A request holds one of Options.Capacity slots for
// Options.SlowAfter at most; one that takes longer goes on without a slot. Options.MaxInFlight
// bounds all requests. A webhook may have one request in flight at first and twice as many after
// each success, up to Options.PerLane; an endpoint that is overloaded or unreachable halves the number. A
// scope may have only a share of MaxInFlight in requests that may hang. With the default options
// the webhooks of one tenant delay no other tenant until some 900 tenants hang at once.
//
// # What is promised
//
// At least once, in no particular order. Every attempt of a delivery carries the same identifier
// and the same bytes, so a receiver can drop repeats. After a success or a permanent failure
// nothing is sent again unless a person asks for it. Secrets, URL paths and addresses appear in no
// error, log line or record.
//
// # Concurrency
//
// A Dispatcher and its Manager are safe for concurrent use. One state machine, in the internal
// package scheduler, decides whose turn it is, what to claim, when to look and how a webhook's
// health changes. It has no goroutine and no lock. The engine owns it: it locks, steps, unlocks,
// and carries out the commands that came back. No hook of the host, no Store and no logger is
// called under that lock. Status owns, under a lock of its own, the record of Store calls. The sender
// owns the transport and the signers that are kept for each webhook.
//
// Goroutines, and what ends each; while Run is under way up to Options.Capacity of the first three
// kinds wait for further work when theirs is done, because their stacks have grown already:
//
//   - one for each request in flight; it goes on with the next delivery whose turn it is, and ends
//     when there is none, at the latest when Options.Drain is over
//   - one for each call to the Store that a command asks for; it ends with the call, which has a
//     time limit
//   - one for each Dispatch call; it ends with the Store's answer, or goes on with a request that
//     was handed off
//   - while Run is under way: one each that reads the Store's clock, prunes, and waits for other
//     hosts, where the Store can do that; they end with Run's context
//   - one for a call of a hook that must not end the goroutine around it; it ends with the call
//   - one timer, armed for what becomes due next
//
// A hook that calls runtime.Goexit ends one of these goroutines. Deferred functions then complete its
// work, or a goroutine that waits for it does. A goroutine of the caller, such as that of
// Manager.Test or DispatchTx, ends.
//
// Run returns when all of them have ended, apart from calls that a Store does not end although
// their context has.
//
// # Glossary
//
//   - scope: a tenant, or an installation; webhooks see events of their scope alone
//   - event: what happened, with the bytes that are sent
//   - delivery: one event for one webhook
//   - attempt: one request of a delivery; a retry is a later attempt
//   - outcome: the result of an attempt, as it is stored
//   - lease: a claim of one process on a delivery, with an end
//   - claim: to lease deliveries that are due
//   - hand-off: to store a delivery with a lease, because it can be sent at once
//   - look: to ask the Store which lanes have something due
//   - lane: the deliveries of one webhook, or of one class of them
//   - turn: the moment at which a delivery may become a request
//   - slot: a place among the active requests
//   - in flight: requested and not answered
//   - window: how many requests a webhook may have in flight now
//   - health: failures in a row, pause and breaker of a webhook
//   - breaker: holds back a webhook that fails again and again
//   - sweep: to end deliveries that no claim will end
//   - dead letter: a delivery that ended as failed; it can be sent again
//   - profile: all that differs between kinds of receivers
//   - mark: an idempotency key in a Store, so that an action happens once
package webhook
