package sim

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
)

// host is one process. After its death its calls have no effect.
type host struct {
	world   *World
	d       *webhook.Dispatcher
	m       *webhook.Manager
	killed  atomic.Bool
	pending atomic.Pointer[string] // the next crash point
	stop    context.CancelFunc
	done    chan struct{}
	bell    chan struct{} // another host has notified
}

func (h *host) dead() bool { return h.killed.Load() }

// at reports whether the host dies here.
func (h *host) at(point string) bool {
	if p := h.pending.Load(); p != nil && *p == point && h.pending.CompareAndSwap(p, nil) {
		h.world.disrupt()
		h.killed.Store(true)
		h.stop()
		h.world.fallen <- h
		return true
	}
	return h.dead()
}

func profile(standard bool) webhook.Profile {
	p := webhook.Automation()
	p.Form.MaxPerScope = 0
	p.Form.Orders, p.Form.Coalesces = webhook.Standard().Form.Orders, true
	if standard {
		p.Name = "standard"
		p.Judge = webhook.Standard().Judge
		p.Retry = retry.Policy{MaxAfter: 10 * time.Minute}
		for i := range 6 {
			at := time.Second << (2 * i)
			p.Retry.Slots = append(p.Retry.Slots, retry.Slot{Min: at, Max: at + at/2})
		}
	}
	header := p.Prepare.Header
	p.Prepare.Header = func(w webhook.Webhook, d webhook.Delivery, h http.Header) {
		header(w, d, h)
		h.Set("X-Delivery", d.ID)
		h.Set("X-Scope", d.Scope)
	}
	return p
}

// boot starts a process.
func (w *World) boot() *host {
	h := &host{world: w, done: make(chan struct{}), bell: make(chan struct{}, 1)}
	d, err := webhook.New(&view{w.store, h}, profile(w.story.Standard), &webhook.Options{
		Transport: h, Poll: 5 * time.Second, Logger: w.log, Capacity: 16, PerLane: 4,
		Observer: &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) { w.books.ended(d.ID) }},
	})
	if err != nil {
		w.violated("New: %v", err)
		close(h.done)
		return h
	}
	h.d = d
	if h.m, err = d.Manager(); err != nil {
		w.violated("Manager: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() {
		defer close(h.done)
		if err := d.Run(ctx); err != nil {
			w.violated("Run: %v", err)
		}
	}()
	return h
}

// reap starts a new process for each that died at its crash point.
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
	w.old = append(w.old, fresh) // another step has replaced h
	fresh.killed.Store(true)
	fresh.stop()
}

func (w *World) kill(h *host) {
	w.disrupt()
	if !h.killed.Swap(true) {
		h.stop()
	}
}

// instantVar is a time that several goroutines read.
type instantVar struct {
	mu sync.Mutex
	t  time.Time
}

func (i *instantVar) get() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.t
}

func (i *instantVar) set(t time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.t = t
}
