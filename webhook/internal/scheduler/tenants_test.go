package scheduler_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// load is a Dispatcher with the usual bounds under a steady load of healthy tenants, beside
// tenants whose webhooks hang. Breakers are off, so that the hanging webhooks are never held back.
type load struct {
	*sim
	healthy    []*hook
	hanging    []*hook
	dispatched map[string]time.Time
	took       []time.Duration // from Dispatch to request, of healthy deliveries
	wanted     int
	firsts     []time.Duration // of tenants that were new
	isFirst    map[string]bool
}

func newLoad(seed uint64) *load {
	rng := rand.New(rand.NewPCG(seed, 15))
	l := &load{sim: newSim(scheduler.Config{
		Capacity: 64, MaxInFlight: 1024, PerLane: 4, SlowAfter: 50 * time.Millisecond, Lease: time.Minute, Poll: 5 * time.Second,
		Breaker: scheduler.Breaker{Failures: -1}, MaxPause: time.Hour, Notifier: true,
	}, rng), dispatched: map[string]time.Time{}, isFirst: map[string]bool{}}
	l.checker, l.cutOffs, l.readAge, l.store.page = nil, 0, 5, 500
	l.onSend = func(j *scheduler.Job) {
		at, ok := l.dispatched[j.ID]
		if !ok {
			return
		}
		delete(l.dispatched, j.ID)
		if l.took = append(l.took, l.now.Sub(at)); l.isFirst[j.Lane.Scope] {
			l.firsts = append(l.firsts, l.now.Sub(at))
			delete(l.isFirst, j.Lane.Scope)
		}
	}
	for i := range 50 {
		l.healthy = append(l.healthy, l.addHook(fmt.Sprint("healthy", i), fmt.Sprint("healthy", i), []string{""}, nil))
	}
	l.start()
	return l
}

// hang adds tenants with hanging webhooks.
func (l *load) hang(tenants, webhooks int, m mode) {
	for s := range tenants {
		for w := range webhooks {
			h := l.addHook(fmt.Sprint("hang", s), fmt.Sprint("hang", s, "-", w), []string{""}, nil)
			h.mode = m
			l.hanging = append(l.hanging, h)
		}
	}
}

// each dispatches an event to one of the webhooks at each interval d.
func (l *load) each(d time.Duration, hooks func() *hook, measured bool) {
	l.after(d, func() {
		h := hooks()
		at := l.now
		l.dispatch(h)
		if measured {
			l.dispatched[fmt.Sprint("d", l.lastRow)], l.wanted = at, l.wanted+1
		}
		l.each(d, hooks, measured)
	})
}

// run returns the 99th percentile of the time from Dispatch to the request.
func (l *load) run(d time.Duration) time.Duration {
	l.runUntil(l.now.Add(d), nil)
	slices.Sort(l.took)
	return l.took[len(l.took)*99/100]
}

// TestSchedulerTenants: hanging tenants delay no other tenant by more than 150 ms, and at
// least 95 % of the others' deliveries are sent.
func TestSchedulerTenants(t *testing.T) {
	t.Parallel()
	const bound = 150 * time.Millisecond
	play := func(setUp func(l *load)) (*load, time.Duration) {
		l := newLoad(1)
		l.each(4*time.Millisecond, func() *hook { return l.healthy[l.rng.IntN(len(l.healthy))] }, true)
		news := 0
		l.each(250*time.Millisecond, func() *hook {
			news++
			name := fmt.Sprint("new", news)
			l.isFirst[name] = true
			return l.addHook(name, name, []string{""}, nil)
		}, true)
		setUp(l)
		return l, l.run(20 * time.Second)
	}
	without := sync.OnceValues(func() (*load, time.Duration) { return play(func(*load) {}) })
	scenario := func(t *testing.T, setUp func(l *load)) {
		t.Helper()
		base, p99 := without()
		l, got := play(setUp)
		if l.err != nil {
			t.Fatal(l.err)
		}
		first, firstBase := slices.Max(l.firsts), slices.Max(base.firsts)
		t.Logf("healthy p99 %v, new tenants' first at most %v; without those that hang %v and %v; %d of %d sent, %d in flight",
			got, first, p99, firstBase, len(l.took), l.wanted, l.s.Counts().InFlight)
		if got > p99+bound {
			t.Errorf("healthy p99 is %v, and %v without those that hang", got, p99)
		}
		if len(l.took)*100 < 95*l.wanted {
			t.Errorf("%d of %d healthy deliveries were sent", len(l.took), l.wanted)
		}
		if first > firstBase+bound {
			t.Errorf("a new tenant's first event took %v, and %v without those that hang", first, firstBase)
		}
	}
	prove(t, []rule{
		{"1,000 hanging webhooks of one tenant", func(t *testing.T) {
			scenario(t, func(l *load) {
				l.hang(1, 1000, hangs)
				l.each(2*time.Millisecond, func() *hook { return l.hanging[l.rng.IntN(len(l.hanging))] }, false)
			})
		}},
		{"100 tenants with ten each", func(t *testing.T) {
			scenario(t, func(l *load) {
				l.hang(100, 10, hangs)
				l.each(2*time.Millisecond, func() *hook { return l.hanging[l.rng.IntN(len(l.hanging))] }, false)
			})
		}},
		{"500 prompt tenants that begin to hang together", func(t *testing.T) {
			scenario(t, func(l *load) {
				l.hang(500, 1, prompt)
				l.each(2*time.Millisecond, func() *hook { return l.hanging[l.rng.IntN(len(l.hanging))] }, false)
				l.after(8*time.Second, func() {
					for _, h := range l.hanging {
						h.mode = hangs
					}
				})
			})
		}},
		{"20 tenants with tests in a loop", func(t *testing.T) {
			scenario(t, func(l *load) {
				l.hang(20, 1, hangs)
				var again func()
				again = func() {
					for _, h := range l.hanging {
						l.test(h)
					}
					l.after(5*time.Millisecond, again)
				}
				again()
			})
		}},
		{"a backlog of 1,000 hanging webhooks when Run begins", func(t *testing.T) {
			scenario(t, func(l *load) {
				l.hang(1, 1000, hangs)
				for _, h := range l.hanging {
					for range 4 {
						l.store.add(l.newRow(h))
					}
				}
			})
		}},
	})
}
