// Package sim runs the whole library in fake time against a hostile world, and checks what
// must never happen. It is used by its own tests only.
//
// A run is a Story: several hosts with a Dispatcher each, on one Store, with webhooks whose
// endpoints change their behaviour, and a list of timed things that happen: events,
// crashes at chosen points, deploys, outages of the Store, jumps of its clock, people who edit,
// switch off, delete and redeliver. Everything in it follows from a seed. What a request or a
// call of the Store meets is drawn from the seed and from what it is, not from the order
// in which goroutines come by, so a seed tells the same story again.
//
// When the story is over the world heals, time passes, and the books are checked: see
// check.go for the rules.
package sim
