// Package testhook lets tests outside package webhook shorten waits. Only tests use it.
package testhook

import "time"

// Bounds are the times of one attempt below Options.Timeout; zero keeps the default.
type Bounds struct{ Dial, TLS, Header, Body time.Duration }

// SetBounds changes the bounds of a *webhook.Dispatcher that has not made an attempt yet.
// Package webhook sets this variable when the program starts.
var SetBounds func(dispatcher any, b Bounds)
