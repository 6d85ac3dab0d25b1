package scheduler

import "time"

// Config is what a Scheduler is made with. The caller has checked it.
type Config struct {
	Capacity, MaxInFlight, PerLane int
	SlowAfter, Lease, Poll         time.Duration
	Rate                           float64 // of one webhook, per second; 0 means no bound
	Burst                          int
	Breaker                        Breaker
	MaxPause                       time.Duration // the longest that an endpoint can ask for
	DisableAfter                   time.Duration
	// Notifier, HealthStore, Sweeper, KeyOrder: the Store has these.
	Notifier, HealthStore, Sweeper, KeyOrder bool
}

// Breaker says when a webhook that fails is held back.
type Breaker struct {
	Failures      int // in a row; negative: never
	Open, MaxOpen time.Duration
}

const (
	// maxAhead and maxUnwritten bound, times Capacity, the jobs that wait here and the
	// outcomes that are not stored.
	maxAhead     = 8
	maxUnwritten = 4
	// maxBytes bounds the bodies of jobs that wait or are in flight.
	maxBytes = 256 << 20
	// maxWait is how long a job may wait here for its turn.
	maxWait = 250 * time.Millisecond
	// maxAge is how old the read of a webhook may be when a request to it begins.
	maxAge = 250 * time.Millisecond
	// maxKept bounds the lanes and webhooks of which nothing is known that matters.
	maxKept = 20_000
	// maxRetries bounds the retries that are remembered; the others are found by looks.
	maxRetries = 10_000
	// maxExpected bounds the deliveries of transactions that are remembered.
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
	kept      int // idle lanes and webhooks are dropped when there are so many
	keys      map[string]*key
	keysKept  int

	wheel   [wheels]queue[*scope]
	ready   int // jobs of the lanes on the wheel toSend
	blocked blockedScopes
	timers  timers
	starts  queue[start] // the latest SlowAfter of them
	paces   queue[pace]  // and those for which as many are claimed ahead
	overdue queue[wait]  // jobs that wait, oldest first

	active, inFlight, waiting, reserved, unproven, tests int
	unprovenActive                                       int // of active
	bytes                                                int

	outcomes outcomes
	claims   claims
	looks    looks
	sweeps   sweeps
	expected map[string]expectation
	expectAt time.Time // when their lanes are claimed again

	notifying, notifyAgain bool
	readingHealth          bool
	heldTo                 time.Time // until then a webhook is held back, in the Store's time
	healthAt               time.Time
	clockStore, clockHere  time.Time
	uncertain              time.Duration
}

// New returns a Scheduler for a process in which Run is not under way.
func New(c Config) *Scheduler {
	return &Scheduler{
		c: c, scopes: make(map[string]*scope), endpoints: make(map[hookID]*endpoint), lanes: make(map[Lane]*lane),
		kept: maxKept, keys: make(map[string]*key), keysKept: maxKeys, expected: make(map[string]expectation),
	}
}

// Step takes note of an event and adds what is to be done to todo. now is a value of
// time.Now; it must not go back.
func (s *Scheduler) Step(now time.Time, e Event, todo []Command) []Command {
	s.now, s.todo = now, todo
	s.expireStarts()
	s.fire(now)
	s.take(e)
	s.returnOverdue()
	s.dropEnded()
	s.expectedDue()
	s.pump()
	for s.ask(); s.mayStart() && s.wheel[toSend].len() > 0; s.ask() {
		s.pump() // what a lane that is asked for has passed its wake-up on to
	}
	s.lookAround()
	s.keepHealth()
	s.sweepUp()
	s.write()
	todo, s.todo = s.todo, nil
	return todo
}

func (s *Scheduler) take(e Event) {
	switch e := e.(type) {
	case Attempted:
		s.attempted(e.Job)
	case Offered:
		s.offered(e.Jobs)
	case Enqueued:
		s.enqueued(e)
	case Leased:
		s.leased(e)
	case Settled:
		s.settled(e)
	case NotSent:
		s.land(e.Job, false)
		if e.Ended {
			s.settle(e.Job, Written)
		} else {
			s.giveBack(e.Job)
		}
	case Listed:
		s.listed(e)
	case Swept:
		s.swept(e)
	case Expected:
		s.expect(e)
	case Woken:
		s.wokenUp(e.Foreign)
	case Announced:
		for _, id := range e.Lanes {
			s.mayHaveMore(s.laneOf(id))
		}
		s.notify()
	case Notified:
		if s.notifying = false; s.notifyAgain {
			s.notifyAgain = false
			s.notify()
		}
	case Edited:
		s.edited(e)
	case Reread:
		s.reread(e)
	case HealthRead:
		s.learn(e)
	case HealthSaved:
		s.healthSaved(e)
	case SwitchOffFailed:
		if ep := s.endpoints[hookID{e.Scope, e.WebhookID}]; ep != nil && ep.health != nil {
			ep.health.disabled = false
		}
	case Found:
		s.found(e)
	case TestStarted:
		*e.Allowed = s.startTest(e.Scope)
	case TestEnded:
		s.endTest(e)
	case ClockRead:
		s.clockStore, s.clockHere, s.uncertain = e.Store, e.Process, e.Uncertain
	case Started:
		s.start()
	case Stopping:
		s.stopping = true
		s.returnAll()
	case Abandon:
		s.abandon()
	case Paused:
		if s.paused = e.On; e.On {
			s.returnAll()
		} else {
			s.looks.full = true
		}
	}
}

func (s *Scheduler) start() {
	s.running, s.stopping = true, false
	s.looks = looks{full: true}
	s.claims.after, s.claims.wait = time.Time{}, 0
	s.sweeps.due = s.now
	if s.c.HealthStore {
		s.readHealth()
	}
}

func (s *Scheduler) do(c Command) { s.todo = append(s.todo, c) }

// notify tells the other hosts: one call under way, one that follows.
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

// storeNow is the Store's time at the step.
func (s *Scheduler) storeNow() time.Time { return s.Store(s.now) }

// Store turns a time of the process into the Store's. Between two readings of the Store's
// clock the monotonic clock counts on, so a jump of the wall clock changes nothing.
func (s *Scheduler) Store(at time.Time) time.Time {
	if s.clockStore.IsZero() {
		return at.Round(0).UTC()
	}
	return s.clockStore.Add(at.Sub(s.clockHere))
}

// Uncertain is how far the Store's time may be from what [Scheduler.Store] says.
func (s *Scheduler) Uncertain() time.Duration { return s.uncertain }

// here turns a time of the Store's into the process's.
func (s *Scheduler) here(store time.Time) time.Time { return s.now.Add(store.Sub(s.storeNow())) }

// dueHere is when something that is due at a time of the Store's can be claimed, in the process's
// time: a claim names the estimate of the Store's time less its uncertainty.
func (s *Scheduler) dueHere(store time.Time) time.Time { return s.here(store).Add(s.uncertain) }

// canSend reports whether anything at all may be sent.
func (s *Scheduler) canSend() bool { return s.running && !s.stopping && !s.paused }

// Quiet reports whether nothing is under way: after Stopping, Run may return.
func (s *Scheduler) Quiet() bool {
	return s.inFlight+s.waiting+s.outcomes.count == 0 && !s.claims.underWay && !s.looks.underWay && !s.sweeps.underWay
}

// Ended takes note that Run has returned.
func (s *Scheduler) Ended() { s.running = false }

// Wake is when [Ticked] is wanted; zero for never.
func (s *Scheduler) Wake() time.Time {
	var at time.Time
	want := func(t time.Time) { at = sooner(at, t) }
	if s.active > 0 && s.starts.len() > 0 {
		want(s.starts.at(0).at.Add(s.c.SlowAfter))
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
