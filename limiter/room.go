package limiter

import "time"

// Room returns how many more of each key could enter at now, for every key
// that has less room than Options.PerKey. 0 means none; a key that is not in
// the map has at least PerKey. The map belongs to the caller, and is nil when no
// key has less. Keys with limits from Options.Limits are included only while they
// are in use, paused or capped.
//
// next is the earliest time after now at which a pause of these keys ends or a
// rate admits one more; zero when only the end of work can make room.
//
// now is on the host's clock, as time.Now and the times of [Limiter.Pause]
// are. The answer is a hint: by the time of Enter, others may have entered.
// Its cost grows with the number of keys in use, paused or capped.
func (l *Limiter) Room(now time.Time) (room map[string]int, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wall := time.Now() // now may be in the future, when more keys are idle
	for name, k := range l.keys {
		if l.forgetIfIdle(name, k, wall) {
			continue
		}
		n, more := k.room(now)
		if n >= l.opts.PerKey {
			continue
		}
		if room == nil {
			room = make(map[string]int, len(l.keys))
		}
		room[name] = n
		if !more.IsZero() && (next.IsZero() || more.Before(next)) {
			next = more
		}
	}
	l.setSweepAt()
	return room, next
}

// room returns how many may enter at now, and the time at which the number grows
// without the end of work, zero where there is no such time.
func (k *key) room(now time.Time) (n int, more time.Time) {
	n = k.free()
	switch {
	case k.paused.After(now):
		return 0, k.paused
	case k.rate.limited() && k.rate.tokens(k.full, now) < n:
		return k.rate.tokens(k.full, now), k.rate.next(k.full, now)
	}
	return n, time.Time{}
}

// Pause makes Enter refuse key before until, a time on the host's clock. Work that
// has entered continues. A call can only prolong a pause: of two times the later
// one counts, and a past time changes nothing. The zero Time ends the pause at
// once.
func (l *Limiter) Pause(key string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.IsZero() {
		if k := l.keys[key]; k != nil {
			k.paused = time.Time{}
		}
		return
	}
	if !until.After(time.Now()) {
		return
	}
	l.sweep()
	if k := l.key(key); until.After(k.paused) {
		k.paused = until
	}
}

// Cap lowers the number of slots of key to n until its next call, for a careful
// start after a receiver's failure: 1, then 2, then 4. Cap never raises the number
// above the configured one; an n at or above it, or below 1, removes the cap. Work
// that has entered continues; while it takes n slots or more, Enter refuses.
func (l *Limiter) Cap(key string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 1 {
		if k := l.keys[key]; k != nil {
			k.capped = 0
		}
		return
	}
	l.sweep()
	if k := l.key(key); n < k.limit {
		k.capped = n
	} else {
		k.capped = 0
	}
}

// InUse returns how many are inside key now.
func (l *Limiter) InUse(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.keys[key]; k != nil {
		return k.inUse
	}
	return 0
}
