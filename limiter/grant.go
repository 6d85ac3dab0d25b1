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
}

// slot is one permission to do one thing. It is entered at most once and left
// at most once, and never used again: that is what makes a second call of a
// leave function harmless, and why slots are not recycled.
type slot struct {
	limiter *Limiter
	keys    []*key  // which it occupies
	few     [4]*key // holds keys, unless they are many
	left    bool
	leave   func() // bound in advance, so that Enter allocates nothing
}

func newGrant(l *Limiter, n int) *Grant {
	g := &Grant{limiter: l, slots: make([]slot, n)}
	for i := range g.slots {
		s := &g.slots[i]
		s.limiter = l
		s.leave = s.release
	}
	return g
}

// N returns the number of slots that were granted. It does not change when
// they are entered or given back.
func (g *Grant) N() int { return len(g.slots) }

// Enter takes one slot of the grant for a piece of work that counts against
// every one of keys: all of them, or none and ok is false. It never waits. It
// is refused when a key is paused, has no free slot or is ahead of its rate,
// and when the grant is used up or closed. A key that is given twice counts
// once. Without keys the slot of the total is all that is taken, whatever is
// paused.
//
// The caller calls leave when the work has ended, by defer, so that a panic
// gives the slot back too. Only the first call counts; it may come from any
// goroutine, also after Close. Where ok is false, leave does nothing and is
// not nil.
func (g *Grant) Enter(keys ...string) (leave func(), ok bool) {
	l := g.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.closed || g.used == len(g.slots) {
		return nothing, false
	}
	l.tidy()

	// Look first, count afterwards: a later key may refuse, Options.Limits may
	// panic. What was only looked up is idle and goes with the next sweep.
	var now time.Time // read when a key needs it: it costs as much as the rest
	s := &g.slots[g.used]
	s.keys = s.few[:0]
	for _, name := range keys {
		k := l.key(name)
		if now.IsZero() && k.timed() {
			now = time.Now()
		}
		if !k.admits(now) {
			return nothing, false
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
	s.keys, s.few = nil, [4]*key{} // forgotten keys are reused: hold on to none
	l.mu.Unlock()
	l.total.Release(1)
}

// nothing is the leave function of a refused Enter.
func nothing() {}

// Close gives back the slots that were not entered; Enter is refused from then
// on. What was entered is not touched. Calls after the first do nothing.
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
