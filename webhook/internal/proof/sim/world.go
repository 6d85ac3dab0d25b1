package sim

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	healing = 90 * time.Minute // longer than any pause, breaker or schedule
	secret  = "canary-secret-0123456789"
)

// World is a running story.
type World struct {
	story   Story
	store   *memstore.Store
	log     *slog.Logger
	net     traffic
	books   books
	numbers numbers

	booking                sync.Mutex // makes a call of the Store and its record in the books one step
	calls                  atomic.Int64
	outageUntil, slowUntil instantVar
	lossyUntil             instantVar
	sealed                 sync.Map // by the ID of a webhook
	seen                   struct{ lost, again, sealed, late atomic.Int64 }
	jumped                 atomic.Int64
	hosts                  []*host // guarded by mu, like the fields below
	old                    []*host
	fallen                 chan *host
	hooks                  []webhook.Webhook
	mu                     sync.Mutex
	work, late             sync.WaitGroup // of steps; of work whose answer was lost
	logged                 lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Outcome is the result of a story.
type Outcome struct {
	Violations []string
	Accepted   int // deliveries
	Delivered  int
	Requests   int
	// How often special cases occurred: hand-offs, lost answers, deliveries that a claim repeated,
	// those of sealed webhooks, late commits.
	HandedOff, Lost, Again, Sealed, Late int
	InOrder                              int // first requests of ordered deliveries
}

// Tell runs a story. It must be called in a synctest bubble.
func Tell(s Story) Outcome {
	store, err := memstore.New(nil)
	if err != nil {
		return Outcome{Violations: []string{err.Error()}}
	}
	w := &World{story: s, store: store, fallen: make(chan *host, 64)}
	w.log = slog.New(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.net.modes, w.net.seen = map[string]int{}, map[string]*record{}
	w.books.init()
	for range s.Hosts {
		w.hosts = append(w.hosts, w.boot())
	}
	for i := range s.Hooks {
		w.addHook(i)
	}
	for i := range s.Crowd {
		w.addHook((s.Hooks + i) * s.Scopes) // of the first scope
		w.net.modes[hookPath((s.Hooks+i)*s.Scopes)] = hanging
	}
	over := make(chan struct{})
	go w.reap(over)

	began := time.Now()
	for _, step := range s.Steps {
		time.Sleep(time.Until(began.Add(step.At)))
		w.work.Go(func() { w.step(step) })
	}
	w.work.Wait()
	w.heal()
	if s.Ordered {
		w.late.Go(w.release)
	}
	time.Sleep(healing)
	if s.Jumps {
		time.Sleep(2 * healing) // deliveries that were queued before the clock was set back wait for their time
	}
	w.close(over)
	w.late.Wait() // no goroutine calls the Store any more
	return w.check()
}

func (w *World) storeTime() time.Time { return time.Now().Add(time.Duration(w.jumped.Load())) }

func (w *World) scope(hook int) string { return fmt.Sprint("scope", hook%w.story.Scopes) }

func (w *World) addHook(i int) {
	draft := webhook.Webhook{
		Scope: w.scope(i), Name: fmt.Sprint("hook ", i), URL: hookURL(i), Secrets: []webhook.Secret{webhook.NewSecret(secret)},
		Events: []string{"taskSuccess"}, Active: true,
	}
	w.story.order(&draft, i)
	hook, err := w.host(0).m.Add(context.Background(), draft)
	if err != nil {
		w.violated("Add: %v", err)
	}
	w.hooks = append(w.hooks, hook)
}

func (w *World) host(i int) *host {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hosts[i%len(w.hosts)]
}

// heal ends all faults, so that the remaining deliveries can be made.
func (w *World) heal() {
	w.outageUntil.set(time.Time{})
	w.slowUntil.set(time.Time{})
	w.lossyUntil.set(time.Time{})
	w.net.mu.Lock()
	clear(w.net.modes)
	w.net.mu.Unlock()
	w.mu.Lock()
	hosts := slices.Clone(w.hosts) // a restart replaces a host in w.hosts
	w.mu.Unlock()
	for _, h := range hosts {
		h.pending.Store(nil)
	}
	time.Sleep(time.Minute) // for running restarts
	for i := range hosts {
		if h := w.host(i); h.dead() {
			w.replace(h)
		}
	}
	for _, hook := range w.hooks {
		w.books.change(hook.ID)
		_ = w.store.Update(context.Background(), w.edited(hook, func(h *webhook.Webhook) { h.Active = true }))
	}
}

// close stops every process, also the dead ones, and waits for their goroutines.
func (w *World) close(over chan struct{}) {
	close(over)
	w.mu.Lock()
	all := append(append([]*host{}, w.hosts...), w.old...)
	w.mu.Unlock()
	for _, h := range all {
		h.stop()
	}
	for _, h := range all {
		<-h.done
	}
}
