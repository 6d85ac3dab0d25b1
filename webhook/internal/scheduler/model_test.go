package scheduler_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

var (
	schedules = flag.Int("scheduler.schedules", 2000, "random schedules of the model test")
	traced    = flag.Int("scheduler.trace", 100, "how many lines of a failed schedule are printed")
	firstSeed = flag.Uint64("scheduler.seed", 1, "the seed of its first schedule; the others follow")
)

// TestSchedulerModel plays random schedules. After each step it checks the counts and their
// bounds, that each scope gets its turn, that no wake-up is lost, that no delivery is in flight
// twice, and that a webhook that keeps an order has one delivery of each key of a lane in flight. At
// the end it checks that every accepted delivery has ended.
func TestSchedulerModel(t *testing.T) {
	t.Parallel()
	var next, steps, sends, failed atomic.Uint64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for failed.Load() == 0 {
				n := next.Add(1)
				if n > uint64(*schedules) {
					return
				}
				seed := *firstSeed + n - 1
				m := play(seed, nil)
				steps.Add(uint64(m.steps))
				sends.Add(uint64(m.sends))
				if m.err != nil && failed.Add(1) == 1 {
					t.Errorf("seed %d: %v\n%s", seed, m.err, trace(seed))
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d schedules, %d steps, %d requests", *schedules, steps.Load(), sends.Load())
}

// TestSchedulerModelIsReproducible: a seed always gives the same schedule.
func TestSchedulerModelIsReproducible(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		if a, b := trace(seed), trace(seed); a != b {
			t.Fatalf("seed %d plays two schedules", seed)
		}
	}
}

// trace plays a schedule again and returns its last lines.
func trace(seed uint64) string {
	var lines []string
	play(seed, func(line string) { lines = append(lines, line) })
	return strings.Join(lines[max(0, len(lines)-*traced):], "\n")
}

// play plays one schedule: some seconds of random events and faults, then a time without faults
// but with new events, then a time without new events.
func play(seed uint64, tracer func(string)) *sim {
	rng := rand.New(rand.NewPCG(seed, 7))
	m := newSim(randomConfig(rng), rng)
	m.tracer = tracer
	m.tracef("%+v", m.c)
	m.offset = time.Duration(rng.IntN(20000)-10000) * time.Millisecond
	m.faults, m.slow = pick(rng, 0, 0.02, 0.2), pick(rng, 0, 0.05, 0.3)
	m.big = rng.IntN(8) == 0
	m.tenants()
	m.readClock()
	m.start()
	m.events(20+rng.IntN(100), pick(rng, 2, 20, 200))
	m.heal()
	return m
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func randomConfig(rng *rand.Rand) scheduler.Config {
	c := scheduler.Config{
		Capacity: pick(rng, 1, 1, 2, 4, 8), PerLane: 1 + rng.IntN(4), SlowAfter: 50 * time.Millisecond,
		Lease: time.Duration(pick(rng, 15, 20, 60)) * time.Second, Poll: time.Duration(pick(rng, 1, 2, 5, 10)) * time.Second,
		Rate: pick(rng, 0, 0, 5, 50.0), Burst: rng.IntN(4),
		Breaker:      scheduler.Breaker{Failures: pick(rng, -1, 1, 2, 5), Open: time.Second, MaxOpen: 10 * time.Second},
		MaxPause:     10 * time.Second,
		DisableAfter: pick(rng, 0, 0, 5*time.Second),
		Notifier:     rng.IntN(2) == 0, HealthStore: rng.IntN(2) == 0, Sweeper: rng.IntN(2) == 0,
	}
	c.MaxInFlight = c.Capacity * (4 + rng.IntN(6))
	c.KeyOrder = rng.IntN(3) == 0
	return c
}

// tenants makes up to six tenants with up to four webhooks each.
func (m *sim) tenants() {
	most, burst := 1+m.rng.IntN(3), m.rng.IntN(3) // a key has the same bound in every limit that names it
	for s := range 1 + m.rng.IntN(6) {
		scope := fmt.Sprintf("s%d", s)
		var limits []scheduler.Limit
		if m.rng.IntN(3) == 0 {
			limits = append(limits, scheduler.Limit{Key: "k" + pick(m.rng, "", scope), Max: most})
		}
		if m.rng.IntN(4) == 0 {
			limits = append(limits, scheduler.Limit{Key: "r" + pick(m.rng, "", scope), Rate: 20, Burst: burst})
		}
		for h := range 1 + m.rng.IntN(4) {
			classes := pick(m.rng, []string{""}, []string{""}, []string{"", "secondary"})
			hook := m.addHook(scope, fmt.Sprintf("h%d%d", s, h), classes, limits)
			if hook.mode = m.randomMode(); m.c.KeyOrder && m.rng.IntN(2) == 0 {
				hook.reorder()
			}
		}
	}
}

func (m *sim) randomMode() mode {
	if m.rng.IntN(2) == 0 {
		return prompt
	}
	return mode(m.rng.IntN(int(modes)))
}

// events plays n random events, at most apart milliseconds apart.
func (m *sim) events(n, apart int) {
	for range n {
		m.runUntil(m.now.Add(m.ms(2*apart)), nil)
		h := m.store.hooks[m.rng.IntN(len(m.store.hooks))]
		switch k := m.rng.IntN(60); {
		case k < 18:
			m.dispatch(h)
		case k < 22:
			m.dispatch(m.store.hooks...)
		case k < 25:
			m.dispatch(h, h, h)
		case k < 28:
			m.dispatchTx(h)
		case k < 32:
			m.foreign(h)
		case k < 36:
			m.otherHost()
		case k < 39:
			h.mode = m.randomMode()
		case k < 41:
			m.edit(h, m.rng.IntN(2) == 0, func() { h.active = m.rng.IntN(3) > 0 })
		case k < 43:
			m.change(h, func() { h.active = m.rng.IntN(3) > 0 })
		case k < 44:
			h.sealed = !h.sealed
		case k < 45 && m.rng.IntN(3) == 0:
			m.edit(h, false, func() { h.gone = true })
		case k < 46:
			m.paused = !m.paused
			m.step(scheduler.Paused{On: m.paused})
		case k < 47:
			m.stop()
		case k < 49:
			m.start()
		case k < 50 && m.rng.IntN(4) == 0:
			m.crash()
		case k < 52:
			m.away = !m.away && m.rng.IntN(2) == 0
		case k < 53:
			m.readClock()
		case k < 55:
			m.test(h)
		case k < 56:
			m.step(scheduler.Woken{Foreign: m.rng.IntN(2) == 0})
		case k < 57:
			lane := m.newRow(h).lane
			m.step(scheduler.Announced{Lanes: []scheduler.Lane{lane}})
		case k < 58:
			m.otherHealth(h)
		case k < 59:
			m.s.Keep(m.rng.IntN(12))
		case m.c.KeyOrder && m.rng.IntN(2) == 0:
			m.edit(h, false, h.reorder)
		case m.c.KeyOrder:
			m.change(h, h.reorder)
		}
	}
}

// otherHealth writes another host's record of a webhook.
func (m *sim) otherHealth(h *hook) {
	r := scheduler.Health{Scope: h.scope, WebhookID: h.id}
	if delete(m.store.health, h.id); m.rng.IntN(2) == 0 {
		r.Failures, r.FailingSince = 3, m.storeNow().Add(-m.ms(5000))
		r.OpenUntil, r.Opened = m.storeNow().Add(m.ms(12000)), 1
		m.store.health[h.id] = r
	}
}
