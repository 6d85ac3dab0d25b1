package oracle

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

var errDead = errors.New("oracle: the process is dead")

// process is one host. After its death its calls have no effect.
type process struct {
	h       *history
	d       *webhook.Dispatcher
	m       *webhook.Manager
	killed  atomic.Bool
	crashAt atomic.Pointer[string]
	cancel  context.CancelFunc
	done    chan struct{}
}

func (h *history) boot() *process {
	p := &process{h: h, done: make(chan struct{})}
	d, err := webhook.New(&view{h.store, p}, profile(), &webhook.Options{Transport: p, Poll: 5 * time.Second, Breaker: webhook.Breaker{Failures: -1}})
	if err != nil {
		h.t.Fatal(err)
	}
	p.d = d
	if p.m, err = d.Manager(); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	h.mu.Lock()
	h.all = append(h.all, p)
	h.mu.Unlock()
	go func() {
		defer close(p.done)
		if err := d.Run(ctx); err != nil {
			h.problem("Run: %v", err)
		}
	}()
	return p
}

func (p *process) dead() bool { return p.killed.Load() }

// at reports whether the process dies here.
func (p *process) at(point string) bool {
	if at := p.crashAt.Load(); at != nil && *at == point {
		p.killed.Store(true)
	}
	return p.dead()
}

// stop ends Run, also in a dead process: its goroutines go on without effect.
func (p *process) stop() {
	p.cancel()
	<-p.done
}

// kill ends a host, at once or at its next step of some kind, and starts another in its place.
func (h *history) kill(i int) {
	h.mu.Lock()
	p := h.hosts[i]
	h.kills++
	point := []string{"", "before Enqueue", "after Enqueue", "after Claim", "before Settle", "after Settle"}[h.r.IntN(6)]
	h.mu.Unlock()
	if point == "" {
		p.killed.Store(true)
	} else {
		p.crashAt.Store(&point)
		h.sleep(20 * time.Second)
		p.killed.Store(true)
	}
	fresh := h.boot()
	h.mu.Lock()
	h.hosts[i] = fresh
	h.mu.Unlock()
	p.stop()
}

// view is the Store of one process. Calls take time, so that those of several processes overlap.
type view struct {
	*memstore.Store
	p *process
}

// call does the work in the middle of a slow call.
func (v *view) call(name string, work func() error) error {
	h := v.p.h
	h.sleep(20 * time.Millisecond)
	if v.p.at("before " + name) {
		return errDead
	}
	err := work()
	if v.p.at("after " + name) {
		return errDead
	}
	h.sleep(20 * time.Millisecond)
	return err
}

func (v *view) Enqueue(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	err = v.call("Enqueue", func() (err error) {
		if v.p.h.broken {
			for i := range ds {
				ds[i].Key = ""
			}
		}
		added, err = v.Store.Enqueue(ctx, ds)
		return err
	})
	return added, err
}

func (v *view) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	err = v.call("Due", func() (err error) {
		p, err = v.Store.Due(ctx, q)
		return err
	})
	return p, err
}

func (v *view) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	err = v.call("Claim", func() (err error) {
		b, err = v.Store.Claim(ctx, c)
		return err
	})
	return b, err
}

func (v *view) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	err = v.call("Settle", func() error {
		return v.p.h.ends(func() (ids []string, err error) {
			for _, s := range ss {
				ids = append(ids, s.ID)
			}
			lost, err = v.Store.Settle(ctx, ss)
			return ids, err
		})
	})
	return lost, err
}

func (v *view) Sweep(ctx context.Context, s webhook.Sweep, limit int) (ds []webhook.Delivery, more bool, err error) {
	err = v.call("Sweep", func() error {
		return v.p.h.ends(func() (ids []string, err error) {
			ds, more, err = v.Store.Sweep(ctx, s, limit)
			for _, d := range ds {
				ids = append(ids, d.ID)
			}
			return ids, err
		})
	})
	return ds, more, err
}

func (v *view) Cancel(ctx context.Context, scope, id string, now time.Time) (d webhook.Delivery, did bool, err error) {
	err = v.call("Cancel", func() error {
		return v.p.h.ends(func() (ids []string, err error) {
			d, did, err = v.Store.Cancel(ctx, scope, id, now)
			return []string{id}, err
		})
	})
	return d, did, err
}

// ends makes a call that may end deliveries, and records the deliveries that it ended.
func (h *history) ends(do func() ([]string, error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	call := h.tick()
	ids, err := do()
	for _, id := range ids {
		d, _, unknown := h.store.Delivery(context.Background(), scope, id)
		if unknown == nil && d.State != webhook.StatePending && !h.over[d.EventID] {
			h.over[d.EventID] = true
			h.record(ended, d.EventID, call)
		}
	}
	return err
}
