package scheduler_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// sim drives a Scheduler in virtual time. It executes the commands on a simulated Store and
// endpoints, with delays and an order from a seed, and checks the rules after each step.
type sim struct {
	rng     *rand.Rand
	c       scheduler.Config
	s       *scheduler.Scheduler
	now     time.Time
	plans   plans
	seq     int
	lastRow int
	store   store
	todo    []scheduler.Command

	gen          int // generation of the process: a crash begins another
	run          int // counts starts
	live, offers []*scheduler.Job
	doubtful     int // jobs whose storing is unknown: they are released repeatedly, beside the bound of outcomes
	flying       map[string]*scheduler.Job
	testing      int
	heldUp       map[*scheduler.Job]bool // outcomes that an outage delays
	edited       map[string]time.Time    // the latest Edited
	reread       map[string]time.Time    // the latest Reread
	claim        claimCall
	leases       int64
	running      bool
	paused       bool
	stopping     bool

	away             bool    // the Store fails
	faults           float64 // probability that a call fails or its answer is lost
	slow             float64 // probability that a call is slow
	big              bool    // bodies are large
	cutOffs, readAge int     // one request of cutOffs is interrupted; the greatest age of a read in milliseconds
	onSend           func(*scheduler.Job)
	offset           time.Duration

	checker *scheduler.Checker
	hooksIn map[string]int // in flight, by webhook and by key
	keysIn  map[string]int
	fair    fairness
	ticks   int // in a row at one moment
	steps   int
	sends   int
	tracer  func(string)
	err     error
}

type plan struct {
	at  time.Time
	seq int
	do  func()
}

type plans []plan

func (p plans) Len() int { return len(p) }
func (p plans) Less(i, j int) bool {
	return p[i].at.Before(p[j].at) || p[i].at.Equal(p[j].at) && p[i].seq < p[j].seq
}
func (p plans) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *plans) Push(x any)   { *p = append(*p, x.(plan)) }
func (p *plans) Pop() any {
	x := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return x
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newSim(c scheduler.Config, rng *rand.Rand) *sim {
	return &sim{
		cutOffs: 40, readAge: 300, onSend: func(*scheduler.Job) {},
		rng: rng, c: c, s: scheduler.New(c), now: epoch, store: newStore(), flying: map[string]*scheduler.Job{},
		heldUp: map[*scheduler.Job]bool{}, edited: map[string]time.Time{}, reread: map[string]time.Time{}, fair: newFairness(), checker: scheduler.NewChecker(),
		hooksIn: map[string]int{}, keysIn: map[string]int{},
	}
}

func (m *sim) after(d time.Duration, do func()) {
	m.seq++
	heap.Push(&m.plans, plan{m.now.Add(d), m.seq, do})
}

// runUntil lets virtual time pass until end, or until done reports true.
func (m *sim) runUntil(end time.Time, done func() bool) {
	for m.err == nil && !(done != nil && done()) {
		at, tick := end, false
		if len(m.plans) > 0 && m.plans[0].at.Before(at) {
			at = m.plans[0].at
		}
		if w := m.s.Wake(); !w.IsZero() && w.Before(at) {
			at, tick = w, true
		}
		if at.After(m.now) {
			m.now, m.ticks = at, 0
		}
		switch {
		case tick:
			if m.ticks++; m.ticks > 20 {
				m.fail("the timer fires without end: Wake is %v ago", m.now.Sub(m.s.Wake()))
				return
			}
			m.step(scheduler.Ticked{})
		case len(m.plans) > 0 && !m.plans[0].at.After(m.now):
			heap.Pop(&m.plans).(plan).do()
		default:
			m.now = end
			return
		}
	}
}

func (m *sim) fail(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf("step %d, %v: %s", m.steps, m.now.Sub(epoch), fmt.Sprintf(format, args...))
		m.tracef("FAILED %v", m.err)
	}
}

func (m *sim) tracef(format string, args ...any) {
	if m.tracer != nil {
		m.tracer(fmt.Sprintf("%10v ", m.now.Sub(epoch)) + fmt.Sprintf(format, args...))
	}
}

// step passes an event, executes the commands, and checks.
func (m *sim) step(e scheduler.Event) {
	if m.err != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			m.fail("panic: %v", p)
		}
	}()
	if m.tracer != nil {
		m.tracef("%s", describe(e))
	}
	m.steps++
	if m.checker != nil {
		m.fair.before(m.s)
	}
	m.todo = m.s.Step(m.now, e, m.todo[:0])
	m.follow(e)
	if m.checker != nil {
		m.live = slices.DeleteFunc(m.live, func(j *scheduler.Job) bool { return j.Landed() })
	}
	if m.checker != nil {
		m.fair.after(m)
	}
	todo := slices.Clone(m.todo)
	for _, c := range todo {
		if m.tracer != nil {
			m.tracef("    %s", describe(c))
		}
		m.carryOut(c)
	}
	m.check()
}

// follow updates the set of live jobs.
func (m *sim) follow(e scheduler.Event) {
	switch e := e.(type) {
	case scheduler.Offered:
		m.offers = append(m.offers, e.Jobs...)
	case scheduler.Enqueued:
		m.offers = slices.DeleteFunc(m.offers, func(j *scheduler.Job) bool { return slices.Contains(e.Jobs, j) })
		for i, j := range e.Jobs {
			if e.Stored == scheduler.StoredUnknown && j.Landed() {
				m.doubtful++
			}
			if e.Stored == scheduler.IsStored && e.Added[i] && (j.Waits() || j.InFlight()) {
				m.live = append(m.live, j)
			}
		}
	case scheduler.Leased:
		m.live = append(m.live, e.Jobs...)
	case scheduler.Reread:
		m.reread[e.WebhookID] = m.now
	}
}

// check compares the Scheduler's counts with the live jobs.
func (m *sim) check() {
	if m.err != nil || m.checker == nil {
		return
	}
	if err := m.checker.Check(m.s, m.now, m.live, m.offers); err != nil {
		m.fail("%v", err)
		return
	}
	active, inFlight, waits := 0, 0, 0
	hooks, keys := m.hooksIn, m.keysIn
	clear(hooks)
	clear(keys)
	for _, j := range m.live {
		if !j.InFlight() {
			waits++
			continue
		}
		if inFlight++; m.now.Sub(j.Since()) < m.c.SlowAfter {
			active++
		}
		hooks[j.Lane.WebhookID]++
		for _, l := range j.Limits {
			if keys[l.Key]++; l.Max > 0 && keys[l.Key] > l.Max {
				m.fail("%d of %d in flight with key %s", keys[l.Key], l.Max, l.Key)
			}
		}
	}
	for _, j := range m.offers {
		if j.Held() {
			waits++
		}
	}
	for _, r := range m.store.rows {
		if more, _ := m.s.More(r.lane); r.known && !more {
			m.fail("%s of %v is forgotten", r.id, r.lane)
		}
	}
	unwritten := m.s.Counts().Unwritten
	m.within("active", active, m.c.Capacity)
	m.within("in flight", inFlight+m.testing, m.c.MaxInFlight)
	m.within("waiting", waits, scheduler.MaxAhead*m.c.Capacity)
	m.within("unwritten", unwritten, (scheduler.MaxAhead+scheduler.MaxUnwritten)*m.c.Capacity+m.c.MaxInFlight+m.doubtful)
	if inFlight != len(m.flying) {
		m.fail("%d jobs are in flight, %d requests were asked for", inFlight, len(m.flying))
	}
	for _, n := range hooks {
		m.within("in flight of a webhook", n, m.c.PerLane)
	}
}

func (m *sim) within(what string, n, most int) {
	if n > most {
		m.fail("%s: %d, at most %d", what, n, most)
	}
}

// describe returns one line of a trace.
func describe(x any) string {
	ids := func(jobs []*scheduler.Job) (s []string) {
		for _, j := range jobs {
			s = append(s, fmt.Sprintf("%s@%s/%d", j.ID, j.Lane.WebhookID+j.Lane.Class, j.Lease))
		}
		return s
	}
	switch x := x.(type) {
	case scheduler.Offered:
		return fmt.Sprint("Offered ", ids(x.Jobs))
	case scheduler.Enqueued:
		return fmt.Sprint("Enqueued ", ids(x.Jobs), x.Added, " stored ", x.Stored)
	case scheduler.Leased:
		return fmt.Sprint("Leased ", ids(x.Jobs), " ended ", ids(x.Ended), " sealed ", ids(x.Sealed), " mistaken ", ids(x.Mistaken), " short ", x.Short, " failed ", x.Failed, x.Partial, x.GivenUp)
	case scheduler.Attempted:
		return fmt.Sprint("Attempted ", ids([]*scheduler.Job{x.Job}), x.Job.Result.Delivered)
	case scheduler.NotSent:
		return fmt.Sprint("NotSent ", ids([]*scheduler.Job{x.Job}))
	case scheduler.Settled:
		return fmt.Sprint("Settled ", ids(x.Jobs), " lost ", x.Lost, " failed ", x.Failed)
	case scheduler.Settle:
		return fmt.Sprint("Settle ", ids(x.Jobs))
	case scheduler.Send:
		return fmt.Sprint("Send ", ids([]*scheduler.Job{x.Job}))
	case scheduler.Attention:
		return fmt.Sprint("Attention ", x.Job.ID)
	case scheduler.SwitchOff:
		return fmt.Sprint("SwitchOff ", x.Job.ID)
	case scheduler.Dropped:
		return fmt.Sprint("Dropped ", x.Job.ID)
	case scheduler.TestStarted:
		return fmt.Sprint("TestStarted ", x.Scope)
	}
	return fmt.Sprintf("%T%+v", x, x)[len("scheduler."):]
}
