// Package sim runs the whole library in fake time against a hostile world, and checks its rules.
// Only its own tests use it.
//
// A run is a Story: several hosts with a Dispatcher each, on one Store, with webhooks whose
// endpoints change their behaviour, and a list of timed steps: events, crashes at chosen points,
// deploys, outages of the Store, jumps of its clock, people who edit, switch off, delete and
// redeliver. Everything in it follows from a seed. The fault of a request or of a call of the Store
// is drawn from the seed and from its identity, not from the order of goroutines, so that a seed
// repeats the same story.
//
// At the end of the story all faults end, time passes, and the books are audited: see check.go for
// the rules.
package sim
