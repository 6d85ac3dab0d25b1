package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	healing = 90 * time.Minute // longer than any pause, breaker or schedule
	secret  = "canary-secret-0123456789"
)

// World is a story while it is being told.
type World struct {
	story   Story
	store   *memstore.Store
	log     *slog.Logger
	net     traffic
	books   books
	numbers numbers

	booking                sync.Mutex // what the Store did and what the books say of it are one
	calls                  atomic.Int64
	outageUntil, slowUntil instantVar
	lossyUntil             instantVar
	sealed                 sync.Map // by the ID of a webhook
	seen                   struct{ lost, again, sealed, late atomic.Int64 }
	jumped                 atomic.Int64
	hosts                  []*host // by their place; guarded by mu, like all that follow
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

// Outcome is what a story came to.
type Outcome struct {
	Violations []string
	Accepted   int // deliveries
	Delivered  int
	Requests   int
	// How often the story came by what it is about: hand-offs, answers that were lost, deliveries
	// of which a claim was told again, those of sealed webhooks, late commits.
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
		time.Sleep(2 * healing) // what was queued before a clock was set back waits for its time
	}
	w.close(over)
	w.late.Wait() // nothing calls the Store any more
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

// reap starts a new process for each that met its crash point.
func (w *World) reap(over chan struct{}) {
	for {
		select {
		case h := <-w.fallen:
			time.Sleep(time.Duration(w.draw(30, "restart", w.calls.Load())) * time.Second)
			w.replace(h)
		case <-over:
			return
		}
	}
}

func (w *World) replace(h *host) {
	fresh := w.boot()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.old = append(w.old, h)
	for i := range w.hosts {
		if w.hosts[i] == h {
			w.hosts[i] = fresh
			return
		}
	}
	w.old = append(w.old, fresh) // somebody was quicker
	fresh.killed.Store(true)
	fresh.stop()
}

func (w *World) kill(h *host) {
	w.disrupt()
	if !h.killed.Swap(true) {
		h.stop()
	}
}

func (w *World) event(n, hook int) payload.Event {
	e, err := payload.New(w.scope(hook), payload.TaskSuccess{
		ProcessID: fmt.Sprintf("007b5c6c-0078-4cf2-a9d9-%012d", n), Name: fmt.Sprint("task ", n), DeepLink: "https://x.example.com/",
	}, payload.WithID(fmt.Sprint("evt-", n)), payload.WithKey(fmt.Sprint("key ", n%storyKeys)))
	if err != nil {
		w.violated("payload: %v", err)
	}
	return e
}

func (w *World) step(s Step) {
	ctx := context.Background()
	h, hook := w.host(s.Host), w.hooks[s.Hook]
	wait := time.Duration(s.N) * time.Second
	switch s.Kind {
	case Event, Again:
		w.dispatch(h, s.N)
	case Tx:
		w.dispatchTx(h, s.N)
	case Lossy:
		w.disrupt()
		w.lossyUntil.set(time.Now().Add(wait))
	case Seal:
		w.sealed.Store(hook.ID, true)
		w.books.change(hook.ID)
		time.Sleep(wait)
		w.sealed.Delete(hook.ID)
	case Mode:
		w.books.change(hook.ID)
		w.net.mu.Lock()
		w.net.modes[hookPath(s.Hook)] = s.N
		w.net.mu.Unlock()
	case Crash:
		w.kill(h)
		time.Sleep(wait)
		w.replace(h)
	case CrashAt:
		h.pending.Store(&crashPoints[s.N])
	case Deploy:
		w.disrupt()
		h.stop()
		<-h.done
		w.replace(h)
	case Outage:
		w.disrupt()
		w.outageUntil.set(time.Now().Add(wait))
	case Slow:
		w.disrupt()
		w.slowUntil.set(time.Now().Add(wait))
	case Jump:
		w.disrupt()
		w.jumped.Add(int64(wait))
	case SwitchOff, SwitchOn:
		if w.draw(2, "who", s.At) == 0 { // people of this host, or of another process
			_ = h.m.SetActive(ctx, hook.Scope, hook.ID, s.Kind == SwitchOn)
		} else {
			_ = w.store.Update(ctx, w.edited(hook, func(h *webhook.Webhook) { h.Active = s.Kind == SwitchOn }))
		}
		w.books.change(hook.ID)
	case Move:
		_ = w.store.Update(ctx, w.edited(hook, func(h *webhook.Webhook) { h.URL = hookURL(s.Hook) + "/moved" }))
		w.books.change(hook.ID)
	case Delete:
		if w.draw(2, "who", s.At) == 0 {
			_ = h.m.Delete(ctx, hook.Scope, hook.ID)
		} else {
			_ = w.store.Delete(ctx, hook.Scope, hook.ID)
		}
		w.books.change(hook.ID)
	case Redeliver, CancelKind:
		id, scope := w.books.delivery(s.N)
		if id == "" {
			return
		}
		if s.Kind == CancelKind {
			_ = h.m.Cancel(ctx, scope, id)
		} else if w.store.Requeue(ctx, scope, id, w.storeTime()) == nil {
			w.books.requeued(id)
		}
	case Pause:
		w.disrupt()
		h.d.SetPaused(true)
		time.Sleep(wait)
		h.d.SetPaused(false)
	}
}

// edited reads a webhook afresh; one that is gone comes back as it was, and is refused.
func (w *World) edited(hook webhook.Webhook, change func(*webhook.Webhook)) webhook.Webhook {
	if now, err := w.store.Webhook(context.Background(), hook.Scope, hook.ID); err == nil {
		hook = now
	}
	change(&hook)
	return hook
}

func hookPath(n int) string { return fmt.Sprintf("/automation/webhooks/canary-path/%d", n) }

// dispatch sends event n to all webhooks of a scope and books what was accepted.
func (w *World) dispatch(h *host, n int) {
	at := time.Now()
	r, err := h.d.Dispatch(context.Background(), w.event(n, n))
	w.books.say(n, w.scope(n), err == nil || h.dead() || errors.Is(err, webhook.ErrUnknown))
	if err != nil {
		if !w.disrupted() {
			w.violated("Dispatch: %v", err)
		}
		return // it may be delivered where the answer is ErrUnknown, it need not
	}
	if h.dead() {
		return // the process died before its caller could hear of it
	}
	for _, id := range r.Events[0].Deliveries {
		w.books.accept(n, id, w.scope(n), at, time.Second)
	}
}

// dispatchTx sends event n in a transaction, which is committed up to 8 seconds later, or never.
func (w *World) dispatchTx(h *host, n int) {
	ctx := context.Background()
	tx := &transaction{w: w}
	if _, err := h.d.DispatchTx(ctx, tx, w.event(n, n)); err != nil {
		w.violated("DispatchTx: %v", err)
		return
	}
	time.Sleep(time.Duration(w.draw(8000, "commit", n)) * time.Millisecond)
	if w.draw(5, "rolls back", n) == 0 {
		return
	}
	at := time.Now()
	added, err := w.store.Enqueue(ctx, tx.ds)
	if err != nil {
		w.violated("commit: %v", err)
		return
	}
	w.books.say(n, w.scope(n), true)
	for i, d := range tx.ds {
		if added[i] {
			w.seen.late.Add(1)
			w.books.accept(n, d.ID, d.Scope, at, lateCommit)
		}
	}
	if w.draw(2, "wakes", n) == 0 {
		h.d.Wake()
	}
}

func (w *World) isSealed(id string) bool {
	_, sealed := w.sealed.Load(id)
	return sealed
}

// heal mends everything, so that what is left can be delivered.
func (w *World) heal() {
	w.outageUntil.set(time.Time{})
	w.slowUntil.set(time.Time{})
	w.lossyUntil.set(time.Time{})
	w.net.mu.Lock()
	clear(w.net.modes)
	w.net.mu.Unlock()
	w.mu.Lock()
	hosts := slices.Clone(w.hosts) // a restart puts another in its place
	w.mu.Unlock()
	for _, h := range hosts {
		h.pending.Store(nil)
	}
	time.Sleep(time.Minute) // those that are being restarted
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

// close stops every process, the dead ones included, and waits for their goroutines.
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
