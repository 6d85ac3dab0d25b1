package limiter

import "time"

// minSweep is the number of keys below which a new key starts no sweep of idle
// ones.
const minSweep = 64

// key is the state of a key that is not idle. Limiter.mu guards it.
type key struct {
	limit  int // configured slots
	rate   rate
	inUse  int
	capped int       // slots by Cap; 0: no cap
	paused time.Time // end of the pause; zero: not paused
	full   time.Time // when the bucket of rate is full again
}

// key returns the state of name, and makes it for an unknown name. Callers
// sweep first.
func (l *Limiter) key(name string) *key {
	if k := l.keys[name]; k != nil {
		return k
	}
	limit, r := l.limits(name)
	var k *key
	if n := len(l.spare); n > 0 {
		k, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		k = new(key)
	}
	*k = key{limit: limit, rate: r}
	l.keys[name] = k
	return k
}

// limits returns the configured limits of a key.
func (l *Limiter) limits(name string) (int, rate) {
	if l.opts.Limits == nil {
		return l.opts.PerKey, l.rate
	}
	n, perSecond, burst := l.opts.Limits(name)
	if n <= 0 {
		n = l.opts.PerKey
	}
	if perSecond == 0 {
		return n, l.rate
	}
	return n, nearestRate(perSecond, burst)
}

// timed reports whether the key's answers depend on the time.
func (k *key) timed() bool { return k.rate.limited() || !k.paused.IsZero() }

// admits reports whether one more may enter at now.
func (k *key) admits(now time.Time) bool {
	return k.free() > 0 && !k.paused.After(now) && k.rate.tokens(k.full, now) > 0
}

// free returns the number of free slots, without regard to pauses and rates.
func (k *key) free() int {
	n := k.limit
	if k.capped > 0 {
		n = min(n, k.capped)
	}
	return max(0, n-k.inUse)
}

// take counts one that entered at now.
func (k *key) take(now time.Time) {
	k.inUse++
	k.full = k.rate.take(k.full, now)
}

// sweep forgets idle keys when the number of keys has doubled since the last
// sweep, so that the cost per new key is constant. Methods call it before they
// look keys up, never while they hold keys that are not counted yet.
func (l *Limiter) sweep() {
	if len(l.keys) >= l.sweepAt {
		now := time.Now()
		for name, k := range l.keys {
			l.forgetIfIdle(name, k, now)
		}
		l.setSweepAt()
	}
}

// forgetIfIdle drops a key that is in its initial state. Only sweep and Room call
// it. A call by each leave would make and drop a key in steady use again
// and again.
func (l *Limiter) forgetIfIdle(name string, k *key, now time.Time) (idle bool) {
	if !k.paused.After(now) {
		k.paused = time.Time{}
	}
	if k.inUse > 0 || k.capped > 0 || !k.paused.IsZero() || k.full.After(now) {
		return false
	}
	delete(l.keys, name)
	if len(l.spare) < l.opts.Total {
		l.spare = append(l.spare, k)
	}
	return true
}

func (l *Limiter) setSweepAt() { l.sweepAt = max(minSweep, 2*len(l.keys)) }
