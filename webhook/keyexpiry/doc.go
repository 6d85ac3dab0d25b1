// Package keyexpiry announces API keys that are about to run out: it dispatches the
// event orgKeyExpiry for each key in its last seven days, once.
//
// A host says which keys there are, and keeps Run going beside its Dispatcher:
//
//	keys := keyexpiry.SourceFunc(func(ctx context.Context) ([]keyexpiry.Key, error) { ... })
//	checker, err := keyexpiry.New(hooks, store, keys, nil)
//	go checker.Run(ctx)
//
// [Checker.Check] is one step of Run at a time of the caller's choice, for hosts with a
// scheduler of their own and for tests.
//
// # Once
//
// An occasion is a scope, a key and its expiry. The event's ID is derived from these three
// ([EventID]), so that a repeated Dispatch adds nothing. After the Store has taken the
// event, and only then, the occasion is marked in the Store ([webhook.Marks]). A process
// that dies in between dispatches again and adds nothing; one that restarts, and any other
// host on the same Store, finds the mark. A renewed key has another expiry, which is another
// occasion.
//
// While no active webhook subscribes nothing is marked, so the event goes out at the first
// check after a webhook has subscribed, as long as the key has not expired. A webhook that
// subscribes after the mark was set hears of the next occasion.
//
// With Options.MarkOnAccepted the mark waits until the receivers have accepted; a delivery
// that failed for good is sent again at the next check.
package keyexpiry
