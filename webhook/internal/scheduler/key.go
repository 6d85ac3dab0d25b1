package scheduler

import (
	"math"
	"slices"
	"time"
)

// key is the shared state of jobs with the same Limit.Key.
type key struct {
	most    int // 0: no bound
	inUse   int
	rate    bucket
	waiters queue[*lane]
	// reserved counts the jobs of the key that are about to be handed off.
	reserved int
	timed    bool // a timer fires when there is a token
}

const maxKeys = 10_000

// keyOf returns the key of a limit, with the current values of the limit.
func (s *Scheduler) keyOf(m *Limit) *key {
	k := s.keys[m.Key]
	if k == nil {
		if len(s.keys) >= s.keysKept {
			for name, k := range s.keys {
				if k.inUse+k.reserved == 0 && !k.timed && k.waiters.len() == 0 && !k.rate.full.After(s.now) {
					delete(s.keys, name)
				}
			}
			s.keysKept = max(maxKeys, 2*len(s.keys))
		}
		k = &key{rate: newBucket(m.Rate, m.Burst)}
		s.keys[m.Key] = k
	}
	k.most = m.Max
	if k.rate.rate != m.Rate || k.rate.burst != m.Burst {
		k.rate = k.rate.changed(m.Rate, m.Burst, s.now)
		if k.waiters.len() > 0 {
			s.timeKey(k, s.now)
		}
	}
	return k
}

func (k *key) full() bool { return k.most > 0 && k.inUse >= k.most }

// blockedBy finds a key without room. A key that is named twice counts once.
func (s *Scheduler) blockedBy(limits []Limit) (block, bool) {
	for i := range limits {
		k := s.keyOf(&limits[i])
		if k.full() {
			return block{kind: parkedKey, key: k}, true
		}
		if at := k.rate.next(s.now); at.After(s.now) {
			return block{kind: parkedKey, key: k, until: at}, true
		}
	}
	return block{}, false
}

// keysLeaveRoom reports whether every key has room for a hand-off, in addition to reserved room, and
// no lane waits at a key.
func (s *Scheduler) keysLeaveRoom(limits []Limit) bool {
	for i := range limits {
		k := s.keyOf(&limits[i])
		if k.waiters.len() > 0 || k.most > 0 && k.inUse+k.reserved >= k.most || k.rate.tokens(s.now) <= k.reserved {
			return false
		}
	}
	return true
}

// reserveKeys adds n, which may be negative, to the reserved room of each key.
func (s *Scheduler) reserveKeys(limits []Limit, n int) {
	for i := range limits {
		if !hasKey(limits[:i], limits[i].Key) {
			s.keyOf(&limits[i]).reserved += n
		}
	}
}

func (s *Scheduler) takeKeys(limits []Limit) {
	for i := range limits {
		if !hasKey(limits[:i], limits[i].Key) {
			k := s.keyOf(&limits[i])
			k.inUse++
			k.rate.take(s.now)
		}
	}
}

func (s *Scheduler) releaseKeys(limits []Limit) {
	for i := range limits {
		if k := s.keys[limits[i].Key]; k != nil && !hasKey(limits[:i], limits[i].Key) {
			k.inUse--
			s.wakeKey(k)
		}
	}
}

func hasKey(limits []Limit, key string) bool {
	return slices.ContainsFunc(limits, func(l Limit) bool { return l.Key == key })
}

// waitForKey parks a lane at a key that is full or has no token.
func (s *Scheduler) waitForKey(k *key, l *lane) {
	k.waiters.push(l)
	if !k.full() && !k.timed {
		s.timeKey(k, k.rate.next(s.now))
	}
}

// wakeKey unparks one lane if there is room. The next one follows after its turn, so a token
// costs one turn, for any number of waiting lanes.
func (s *Scheduler) wakeKey(k *key) {
	for !k.full() && k.waiters.len() > 0 {
		if at := k.rate.next(s.now); at.After(s.now) {
			if !k.timed {
				s.timeKey(k, at)
			}
			return
		}
		if l := k.waiters.pop(); l.parked == parkedKey {
			s.unpark(l, k)
			return
		}
	}
}

// bucket is a token bucket, stored as the time at which it is full again: the generic cell
// rate algorithm. The zero value has no limit.
type bucket struct {
	rate  float64
	burst int
	every time.Duration // 1 / rate
	depth time.Duration // of burst-1 tokens
	full  time.Time
}

// newBucket accepts any numbers, because they come from a hook of the host. A rate that is not above 0
// means no limit. Tokens are at most longestPeriod apart, and a burst covers at most that long.
func newBucket(rate float64, burst int) bucket {
	b := bucket{rate: rate, burst: burst}
	if !(rate > 0) { // NaN too
		return b
	}
	b.every = time.Duration(min(float64(time.Second)/rate, float64(longestPeriod)))
	if b.every == 0 {
		return b // more than one in a nanosecond
	}
	n := float64(burst)
	if burst <= 0 {
		n = max(1, math.Floor(rate))
	}
	b.depth = time.Duration(min((n-1)*float64(b.every), float64(longestPeriod)))
	return b
}

const longestPeriod = 10 * 365 * 24 * time.Hour

// changed returns the bucket with another rate, without the tokens that were taken.
func (b *bucket) changed(rate float64, burst int, now time.Time) bucket {
	n := newBucket(rate, burst)
	if n.every > 0 && b.full.After(now) {
		n.full = sooner(b.full, now.Add(n.depth+n.every))
	}
	return n
}

// next returns the time of the next token, not after now if there is one.
func (b *bucket) next(now time.Time) time.Time {
	if b.every == 0 {
		return now
	}
	return b.full.Add(-b.depth)
}

func (b *bucket) take(now time.Time) {
	if b.every == 0 {
		return
	}
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.every)
}

// tokens returns how many requests may start at once.
func (b *bucket) tokens(now time.Time) int {
	if b.every == 0 {
		return maxTokens
	}
	free := b.depth + b.every
	if b.full.After(now) {
		free -= b.full.Sub(now)
	}
	return max(0, int(free/b.every))
}

const maxTokens = 1 << 30
