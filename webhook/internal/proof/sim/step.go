package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

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
		if w.draw(2, "who", s.At) == 0 { // by this host, or by another process
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

// edited reads a webhook again; a deleted one comes back unchanged, and Update refuses it.
func (w *World) edited(hook webhook.Webhook, change func(*webhook.Webhook)) webhook.Webhook {
	if now, err := w.store.Webhook(context.Background(), hook.Scope, hook.ID); err == nil {
		hook = now
	}
	change(&hook)
	return hook
}

func hookPath(n int) string { return fmt.Sprintf("/automation/webhooks/canary-path/%d", n) }

// dispatch sends event n to all webhooks of a scope and records the accepted deliveries.
func (w *World) dispatch(h *host, n int) {
	at := time.Now()
	r, err := h.d.Dispatch(context.Background(), w.event(n, n))
	w.books.say(n, w.scope(n), err == nil || h.dead() || errors.Is(err, webhook.ErrUnknown))
	if err != nil {
		if !w.disrupted() {
			w.violated("Dispatch: %v", err)
		}
		return // with ErrUnknown it may have been stored
	}
	if h.dead() {
		return // the process died before its caller got the result
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
