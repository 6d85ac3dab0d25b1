package webhook

import (
	"slices"
	"sync"
	"time"
)

// maxLanes bounds what is remembered of lanes with several limiter keys. What is
// forgotten is learned again at the next claim of the lane.
const maxLanes = 10_000

// lanes translates between the Store's unit of fairness, the lane, and the keys that
// the limiter counts by. Where each lane is a webhook and has no other key, the two are
// the same and nothing is remembered.
type lanes struct {
	mu   sync.Mutex
	keys map[string][]string // by lane, the lane itself first
}

// healthKey is the limiter's key by which a webhook is paused and capped.
func (d *Dispatcher) healthKey(webhookID string) string {
	if d.profile.Compose == nil {
		return webhookID // its only lane
	}
	return "webhook:" + webhookID
}

// keysOf adds the limiter keys of a delivery to keys, which is empty.
func (d *Dispatcher) keysOf(keys []string, w *Webhook, lane string) (_ []string, err error) {
	keys = append(keys, lane)
	if d.profile.Compose == nil && d.profile.Limits == nil {
		return keys, nil
	}
	defer contain("Profile.Limits", &err)
	if hk := d.healthKey(w.ID); hk != lane {
		keys = append(keys, hk)
	}
	if d.profile.Limits != nil {
		keys = append(keys, d.profile.Limits(*w, lane)...)
	}
	d.lanes.learn(keys)
	return keys, nil
}

func (l *lanes) learn(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.keys[keys[0]]; ok && slices.Equal(known, keys) {
		return
	}
	if l.keys == nil || len(l.keys) >= maxLanes {
		l.keys = make(map[string][]string)
	}
	l.keys[keys[0]] = slices.Clone(keys)
}

// room tells the Store which lanes have less room than usual, and when that changes
// by itself.
func (d *Dispatcher) room() (room map[string]int, next time.Time) {
	room, next = d.limiter.Room(time.Now())
	d.lanes.mu.Lock()
	defer d.lanes.mu.Unlock()
	if len(d.lanes.keys) == 0 || len(room) == 0 {
		return room, next
	}
	byLane := make(map[string]int, len(room))
	others := make(map[string]bool)
	for lane, keys := range d.lanes.keys {
		for _, key := range keys {
			if n, ok := room[key]; ok {
				if had, ok := byLane[lane]; !ok || n < had {
					byLane[lane] = n
				}
			}
			if key != lane {
				others[key] = true
			}
		}
	}
	for key, n := range room {
		if _, ok := byLane[key]; !ok && !others[key] {
			byLane[key] = n
		}
	}
	return byLane, next
}

// keyLimit is the limiter's Limits. The key of a webhook is there to be paused and
// capped; by itself it allows everything.
func (d *Dispatcher) keyLimit(key string) (n int, rate float64, burst int) {
	if d.profile.Compose != nil && len(key) > len("webhook:") && key[:len("webhook:")] == "webhook:" {
		return d.o.Capacity, -1, 0
	}
	if d.profile.KeyLimit == nil {
		return 0, 0, 0
	}
	defer func() {
		if recover() != nil {
			n, rate, burst = 0, 0, 0
		}
	}()
	n, rate, burst = d.profile.KeyLimit(key)
	return n, rate, burst
}
