package scheduler

import "time"

// Config holds the settings of a Scheduler. The caller has validated them.
type Config struct {
	Capacity, MaxInFlight, PerLane int
	SlowAfter, Lease, Poll         time.Duration
	Rate                           float64 // of one webhook, per second; 0 means no bound
	Burst                          int
	Breaker                        Breaker
	MaxPause                       time.Duration // the longest pause by Retry-After
	DisableAfter                   time.Duration
	// Notifier, HealthStore, Sweeper, KeyOrder: the Store implements these.
	Notifier, HealthStore, Sweeper, KeyOrder bool
}

// Breaker configures the circuit breaker of each webhook.
type Breaker struct {
	Failures      int // in a row; negative: never
	Open, MaxOpen time.Duration
}

const (
	// maxAhead and maxUnwritten, times Capacity, bound the waiting jobs and the outcomes that
	// are not stored.
	maxAhead     = 8
	maxUnwritten = 4
	// maxBytes bounds the bodies of jobs that wait or are in flight.
	maxBytes = 256 << 20
	// maxWait bounds the time that a job waits here for its turn.
	maxWait = 250 * time.Millisecond
	// maxAge bounds the age of the read of a webhook when a request to it begins.
	maxAge = 250 * time.Millisecond
	// maxKept bounds the idle lanes and webhooks.
	maxKept = 20_000
	// maxRetries bounds the remembered retries; looks find the others.
	maxRetries = 10_000
	// maxExpected bounds the remembered deliveries of transactions.
	maxExpected = 4096
)

// Scheduler is the state machine. It is not safe for concurrent use.
type Scheduler struct {
	c    Config
	now  time.Time // of the step
	todo []Command

	running, paused, stopping bool

	scopes    map[string]*scope
	endpoints map[hookID]*endpoint
	lanes     map[Lane]*lane
	kept      int  // the number of lanes and webhooks at which idle ones are dropped
	classes   bool // a webhook has several lanes
	keys      map[string]*key
	keysKept  int

	wheel   [wheels]queue[*scope]
	ready   int // jobs of the lanes on the wheel toSend
	blocked blockedScopes
	timers  timers
	starts  queue[*Job] // requests that began within SlowAfter
	paces   queue[pace] // of the latest pace()
	overdue queue[wait] // waiting jobs, oldest first

	active, inFlight, waiting, reserved, unproven, tests int
	unprovenActive                                       int // the unproven ones of active
	bytes                                                int

	outcomes outcomes
	claims   claims
	looks    looks
	answered time.Time // the latest answer of the Store
	sweeps   sweeps
	expected map[string]expectation
	expectAt time.Time // time of the next claim of their lanes

	notifying, notifyAgain bool
	readingHealth          bool
	heldTo                 time.Time // end of the longest hold of a webhook, in the Store's time
	healthAt               time.Time
	clockStore, clockHere  time.Time
	uncertain              time.Duration
}

// New returns a Scheduler for a process before Run.
func New(c Config) *Scheduler {
	return &Scheduler{
		c: c, scopes: make(map[string]*scope), endpoints: make(map[hookID]*endpoint), lanes: make(map[Lane]*lane),
		kept: maxKept, keys: make(map[string]*key), keysKept: maxKeys, expected: make(map[string]expectation),
	}
}

// Step processes an event and appends commands to todo. now is a value of
// time.Now; it must not go back.
func (s *Scheduler) Step(now time.Time, e Event, todo []Command) []Command {
	s.now, s.todo = now, todo
	s.expireStarts()
	s.fire()
	e.apply(s)
	s.returnOverdue()
	s.dropEnded()
	s.expectedDue()
	s.pump()
	for s.startClaim(); s.mayStart() && s.wheel[toSend].len() > 0; s.startClaim() {
		s.pump() // a lane in the claim may have passed its wake-up on to another
	}
	s.startLook()
	s.keepHealth()
	s.startSweep()
	s.write()
	todo, s.todo = s.todo, nil
	return todo
}

func (s *Scheduler) start() {
	s.running, s.stopping = true, false
	s.looks = looks{full: true}
	s.claims.backOff = backOff{}
	s.sweeps.due = s.now
	if s.c.HealthStore {
		s.readHealth()
	}
}

func (s *Scheduler) do(c Command) { s.todo = append(s.todo, c) }

// notify notifies the other hosts. At most one call runs, and one more follows it.
func (s *Scheduler) notify() {
	switch {
	case !s.c.Notifier:
	case s.notifying:
		s.notifyAgain = true
	default:
		s.notifying = true
		s.do(Notify{})
	}
}

// storeNow returns the Store's time of the current step.
func (s *Scheduler) storeNow() time.Time { return s.Store(s.now) }

// Store converts a time of the process to the Store's. Between two readings of the Store's
// clock it uses the monotonic clock, so a jump of the wall clock has no effect.
func (s *Scheduler) Store(at time.Time) time.Time {
	if s.clockStore.IsZero() {
		return at.Round(0).UTC()
	}
	return s.clockStore.Add(at.Sub(s.clockHere))
}

// processTime converts a time of the Store to the process's.
func (s *Scheduler) processTime(store time.Time) time.Time { return s.now.Add(store.Sub(s.storeNow())) }

// dueHere returns the time, in the process's time, from which a claim finds a delivery that is due at a
// time of the Store. A claim uses the estimate of the Store's time less its uncertainty.
func (s *Scheduler) dueHere(store time.Time) time.Time { return s.processTime(store).Add(s.uncertain) }

// canSend reports whether requests are permitted.
func (s *Scheduler) canSend() bool { return s.running && !s.stopping && !s.paused }

// Quiet reports whether no work is left, so that Run may return after Stopping.
func (s *Scheduler) Quiet() bool {
	return s.inFlight+s.waiting+s.outcomes.count == 0 && !s.claims.underWay && !s.looks.underWay && !s.sweeps.underWay
}

// Ended records that Run has returned.
func (s *Scheduler) Ended() { s.running = false }

// Wake returns the time at which [Ticked] is wanted; zero for never.
func (s *Scheduler) Wake() time.Time {
	var at time.Time
	want := func(t time.Time) { at = sooner(at, t) }
	if s.active > 0 && s.starts.len() > 0 {
		want(s.starts.at(0).since.Add(s.c.SlowAfter))
	}
	if len(s.timers) > 0 {
		want(s.timers[0].at)
	}
	if s.overdue.len() > 0 && s.canSend() && !s.outcomes.failing() {
		want(s.overdue.at(0).since.Add(s.waitLimit()))
	}
	want(s.outcomes.wake(s))
	want(s.claims.wake(s))
	if s.canSend() {
		want(s.looks.wake(s))
		want(s.sweeps.wake(s))
		if s.c.HealthStore && !s.readingHealth && s.heldTo.After(s.storeNow()) {
			want(s.healthAt.Add(healthEvery + 1))
		}
		want(s.expectAt)
	}
	return at
}
