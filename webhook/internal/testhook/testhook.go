// Package testhook lets tests that stand outside package webhook shorten what they would have
// to wait for. No code but tests uses it.
package testhook

import "time"

// Bounds are the times of one attempt below Options.Timeout; zero keeps the default.
type Bounds struct{ Dial, TLS, Header, Body time.Duration }

// SetBounds changes the bounds of a *webhook.Dispatcher, which must not have made an attempt
// yet. Package webhook sets it when the program starts.
var SetBounds func(dispatcher any, b Bounds)
