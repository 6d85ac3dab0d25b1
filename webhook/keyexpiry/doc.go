// Package keyexpiry announces API keys that are about to expire: it dispatches the
// event orgKeyExpiry once for each key in its last seven days.
//
// A host lists its keys, and runs a Checker beside its Dispatcher:
//
//	keys := keyexpiry.SourceFunc(func(ctx context.Context) ([]keyexpiry.Key, error) { ... })
//	checker, err := keyexpiry.New(hooks, store, keys, nil)
//	go checker.Run(ctx)
//
// [Checker.Check] is one step of Run at a given time, for hosts with their own scheduler
// and for tests.
//
// # Once
//
// An occasion is a scope, a key and its expiry. The event's ID is derived from these three
// ([EventID]), so that a repeated Dispatch adds nothing. After the Store has accepted the
// event, the occasion is marked in the Store ([webhook.Marks]). After a crash in between, the
// next check dispatches again and adds nothing. After a restart, and on any other host with
// the same Store, the mark is found. A renewed key has another expiry, which is another
// occasion.
//
// Without an active webhook that subscribes, no mark is set, so the event is sent at the first
// check after a webhook has subscribed, if the key has not expired. A webhook that
// subscribes after the mark was set receives only the next occasion.
//
// With Options.MarkOnAccepted the mark is set after the receivers have accepted; a failed
// delivery is sent again at the next check.
package keyexpiry
