// Package scheduler decides what a Dispatcher does next: whose turn it is, who may send,
// what to claim, when to look, what is stored and how a webhook's health changes.
//
// A [Scheduler] is a state machine. [Scheduler.Step] takes the time and an [Event], which
// says what has happened, and returns [Command] values, which say what is to be done. It starts no
// goroutine, reads no clock, does no I/O, takes no lock and calls no code of the host, so
// every rule can be tested by feeding it events. The caller serialises the calls.
//
// # Two times
//
// The time passed to Step is the process's own, as time.Now returns it. Due times, leases
// and health are in the Store's time. [ClockRead] says how the two relate; until it comes the process's
// wall clock stands for the Store's.
//
// # Turns
//
// Turns go round the scopes, in a scope round its webhooks, in a webhook round its
// classes, one delivery each. A lane that cannot go leaves the wheel and is parked at the thing that
// blocks it, so a turn costs the same beside 10,000 blocked lanes. It has used no turn: its
// scope's next lane goes. Where room comes free, one lane that waits for it is let go and passes the
// wake-up on after its turn, so none is lost and each costs one turn.
//
// # Counts
//
// Of the requests in flight, those that began less than SlowAfter ago are active and hold one of Capacity
// slots. A request that takes longer goes on as slow and holds none, so that whoever hangs
// holds nothing that others need. MaxInFlight bounds both together.
package scheduler
