package limiter

import (
	"slices"
	"time"
)

// Grant is a number of slots of the total, from [Limiter.Reserve]. Each can be
// entered once. All methods are safe for concurrent use.
type Grant struct {
	limiter *Limiter
	slots   []slot // guarded by limiter.mu, like everything below
	used    int    // how many of slots were entered
	closed  bool
	one     [1]slot // storage of slots, unless there are more
}

// slot is one permission for one piece of work. It is entered at most once, left
// at most once and never reused, so that a second call of its leave function
// is harmless.
type slot struct {
	limiter *Limiter
	keys    []*key  // the keys that count it
	few     [4]*key // storage of keys, unless there are more
	left    bool
	leave   func() // the method value of release, made once so that Enter allocates nothing
}

func newGrant(l *Limiter, n int) *Grant {
	g := &Grant{limiter: l}
	if g.slots = g.one[:]; n != 1 {
		g.slots = make([]slot, n)
	}
	for i := range g.slots {
		s := &g.slots[i]
		s.limiter = l
		s.leave = s.release
	}
	return g
}

// N returns the number of slots that were granted. Enter, leave and Close do
// not change it.
func (g *Grant) N() int { return len(g.slots) }

// Enter takes one slot of the grant for a piece of work that counts against
// every one of keys. It never waits. It refuses, and counts against no key, when
// a key is paused, has no free slot or is ahead of its rate, and when the grant
// is used up or closed. A key that is given twice counts once. Without keys
// Enter takes only the slot of the total, and pauses do not matter.
//
// The caller calls leave when the work has ended, by defer, so that a panic
// frees the slot too. Only the first call counts; it may come from any
// goroutine, also after Close. Where ok is false, leave does nothing and is
// not nil.
func (g *Grant) Enter(keys ...string) (leave func(), ok bool) {
	l := g.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.closed || g.used == len(g.slots) {
		return noop, false
	}
	l.sweep()

	// Check all keys before any is counted, since a later key may refuse and
	// Options.Limits may panic. The next sweep removes keys that stay idle.
	var now time.Time // read only for a key that needs it, because the clock costs as much as the rest
	s := &g.slots[g.used]
	s.keys = s.few[:0]
	for _, name := range keys {
		k := l.key(name)
		if now.IsZero() && k.timed() {
			now = time.Now()
		}
		if !k.admits(now) {
			return noop, false
		}
		if !slices.Contains(s.keys, k) {
			s.keys = append(s.keys, k)
		}
	}
	for _, k := range s.keys {
		k.take(now)
	}
	g.used++
	l.inFlight++
	return s.leave, true
}

// release is the leave function of an entered slot.
func (s *slot) release() {
	l := s.limiter
	l.mu.Lock()
	if s.left {
		l.mu.Unlock()
		return
	}
	s.left = true
	l.inFlight--
	for _, k := range s.keys {
		k.inUse--
	}
	s.keys, s.few = nil, [4]*key{} // forgotten keys are reused, so keep no pointer
	l.mu.Unlock()
	l.total.Release(1)
}

// noop is the leave function of a refused Enter.
func noop() {}

// Close frees the slots that were not entered; later calls of Enter are refused.
// Entered slots are not changed. Calls after the first do nothing.
func (g *Grant) Close() {
	l := g.limiter
	l.mu.Lock()
	unused := len(g.slots) - g.used
	if g.closed {
		unused = 0
	}
	g.closed = true
	l.mu.Unlock()
	if unused > 0 {
		l.total.Release(int64(unused))
	}
}
