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
// each. Run claims what is due, which leases it, and sends it: the URL is judged again, the
// request is signed, the address is judged when it is dialled, and the answer's status
// decides. What failed for a reason that may pass is tried again as the Profile's retry
// policy says; everything else ends as failed, with a [Code] that says why. A process that
// dies leaves nothing behind but leases, and when they end the work is simply due again.
//
// # What is promised
//
// At least once, in no particular order. Every attempt of a delivery carries the same
// identifier and the same bytes, so a receiver can drop repeats. After a success, or a
// permanent failure, nothing is sent again unless somebody asks for it. A webhook that
// hangs or fails delays no other. Secrets, URL paths and addresses appear in no error, log
// line or record.
package webhook
