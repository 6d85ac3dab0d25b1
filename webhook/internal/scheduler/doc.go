// Package scheduler decides the next actions of a Dispatcher: turns of lanes, starts of requests,
// claims, looks for due lanes, writes of outcomes and changes of a webhook's health.
//
// A [Scheduler] is a state machine. [Scheduler.Step] takes the time and an [Event] and returns
// [Command] values for the caller. It starts no goroutine, reads no clock, does no I/O, takes
// no lock and calls no code of the host, so every rule can be tested with events alone. The
// caller serialises the calls.
//
// # Two times
//
// The time passed to Step is the process's own, as time.Now returns it. Due times, leases
// and health are in the Store's time. [ClockRead] relates the two; before the first one the
// process's wall clock is used as the Store's.
//
// # Turns
//
// Turns rotate over the scopes, in a scope over its webhooks, in a webhook over its classes,
// one delivery each. A blocked lane leaves the wheel and is parked at its block, so a turn
// costs the same beside 10,000 blocked lanes. A blocked lane uses no turn: the next lane of its
// scope goes. When room becomes free, one waiting lane is unparked. After its turn it wakes the
// next one, so no wake-up is lost and each costs one turn.
//
// # Counts
//
// Requests in flight that began less than SlowAfter ago are active, and each holds one of
// Capacity slots. A longer request continues as slow without a slot, so that a hanging endpoint
// holds no slot of others. MaxInFlight bounds active and slow requests together.
package scheduler
