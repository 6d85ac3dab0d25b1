package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// faulty loses the n-th answer after a call began.
type faulty struct {
	*sqlstore.Store
	w                *wire
	enqueue, claim   atomic.Int64
	handedOff, after atomic.Int64
}

func (f *faulty) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	for i := range ds {
		if ds[i].Held {
			f.handedOff.Add(1)
		}
	}
	if n := f.enqueue.Swap(0); n > 0 {
		f.w.lose.Store(n)
		defer f.w.lose.Store(-1)
	}
	return f.Store.Enqueue(ctx, ds)
}

func (f *faulty) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	if f.claim.Load() > 0 {
		f.w.lose.Store(f.claim.Swap(0))
		defer f.w.lose.Store(-1)
	}
	b, err := f.Store.Claim(ctx, c)
	if err != nil {
		f.after.Add(1)
	}
	return b, err
}

// eventually waits until a condition holds, with a limit for a busy machine.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > limit {
			t.Errorf("%s: not after %v", what, limit)
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

func (r *network) count(event string) int {
	n := 0
	for _, s := range r.requests() {
		if s.event == event {
			n++
		}
	}
	return n
}

// TestWireLostEnqueue: the connection ends between the statement and its answer. An error other
// than ErrUnknown stored nothing. A stored delivery arrives once, without waiting for a lease.
func TestWireLostEnqueue(t *testing.T) {
	t.Parallel()
	w, s, _ := wired(t)
	f := &faulty{Store: s, w: w}
	h := newHost(t, f, &webhook.Options{Poll: 500 * time.Millisecond})
	h.add("ops", "taskSuccess")
	h.run()
	stored := 0
	for n := range 12 {
		id := fmt.Sprint("lost-", n)
		ev, err := payload.New("acme", success(id), payload.WithAnyProcessID(), payload.WithID(id))
		if err != nil {
			t.Fatal(err)
		}
		f.enqueue.Store(int64(1 + n%3))
		_, err = h.hooks.Dispatch(t.Context(), ev)
		is := len(h.list(webhook.Query{EventID: id})) > 0
		switch {
		case err != nil && is && !errors.Is(err, webhook.ErrUnknown):
			t.Errorf("event %s is stored, and Dispatch said: %v", id, err)
		case err != nil && is:
			stored++
		}
		if is {
			took := eventually(t, "event "+id, 9*time.Second, func() bool { return h.net.count(id) > 0 }) // a lease lasts 40 s
			t.Logf("%s: %v, sent after %v", id, err, took.Round(time.Millisecond))
		}
	}
	if stored == 0 || f.handedOff.Load() == 0 {
		t.Errorf("%d stored without an answer, %d handed off: the case did not occur", stored, f.handedOff.Load())
	}
	eventually(t, "all is settled", 20*time.Second, func() bool { return len(h.list(webhook.Query{States: []webhook.State{webhook.StatePending}})) == 0 })
	for _, d := range h.list(webhook.Query{}) {
		if n := h.net.count(d.EventID); n != 1 || d.Interrupted != 0 {
			t.Errorf("event %s was sent %d times, with %d interruptions", d.EventID, n, d.Interrupted)
		}
	}
}

// TestWireLostClaim: the answer of a claim is lost. It costs a call, not a lease.
func TestWireLostClaim(t *testing.T) {
	t.Parallel()
	w, s, direct := wired(t)
	f := &faulty{Store: s, w: w}
	h := newHost(t, f, &webhook.Options{Poll: 500 * time.Millisecond})
	h.add("ops", "taskSuccess")
	h.run()
	other := newHost(t, openStore(t, direct).(bubbleStore).Store, nil) // never runs
	for n := range 6 {
		id := fmt.Sprint("claimed-", n)
		f.claim.Store(int64(1 + n%3))
		other.dispatch(id, payload.WithID(id))
		took := eventually(t, "event "+id, 30*time.Second, func() bool { return h.net.count(id) > 0 }) // a lease lasts 60 s
		t.Logf("%s: sent after %v", id, took.Round(time.Millisecond))
	}
	if f.after.Load() == 0 {
		t.Error("no claim lost its answer")
	}
	eventually(t, "all is settled", 20*time.Second, func() bool { return len(h.list(webhook.Query{States: []webhook.State{webhook.StatePending}})) == 0 })
	for _, d := range h.list(webhook.Query{}) {
		if d.State != webhook.StateDelivered || d.Interrupted != 0 || d.Tries != 1 {
			t.Errorf("event %s is %v after %d tries and %d interruptions", d.EventID, d.State, d.Tries, d.Interrupted)
		}
	}
	t.Logf("%d claims lost their answers", f.after.Load())
}

// TestWireLateCommit: a process that never runs commits five seconds after its Enqueue, later than
// a look with Since reaches back. The delivery is sent within six seconds of the commit, without a
// wake-up.
func TestWireLateCommit(t *testing.T) {
	t.Parallel()
	_, s, direct := wired(t)
	h := newHost(t, s, nil)
	h.add("ops", "taskSuccess")
	h.run()
	db, err := direct.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	inner, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := newHost(t, inner, nil)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := payload.New("acme", success("late"), payload.WithAnyProcessID(), payload.WithID("late"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.hooks.DispatchTx(t.Context(), inner.Tx(tx), ev); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	took := eventually(t, "the late commit", 20*time.Second, func() bool { return h.net.count("late") > 0 })
	t.Logf("sent %v after its commit", took.Round(time.Millisecond))
	if took > 6*time.Second+grace {
		t.Errorf("sent %v after its commit, want at most 6 s", took)
	}
}

// grace is the allowance for a busy machine.
const grace = 2 * time.Second

// TestWireLongOutage: the database is away for longer than a lease while the answers come in. The
// successes are written before the first claim after the outage, so nothing is sent again.
func TestWireLongOutage(t *testing.T) {
	t.Parallel()
	w, s, direct := wired(t)
	const lease = 12 * time.Second
	h := newHost(t, s, &webhook.Options{Timeout: 1900 * time.Millisecond, Lease: lease})
	const hooks = 8
	for i := range hooks {
		h.add(fmt.Sprint("w", i), "taskSuccess")
	}
	gone := make(chan struct{})
	h.net.answer = func(n int, _ sent) (int, time.Duration) {
		if n == hooks {
			close(gone)
		}
		return 200, time.Second
	}
	h.run()
	time.Sleep(500 * time.Millisecond)
	h.dispatch("t1", payload.WithID("outage"))
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Fatal("not every webhook got a request")
	}
	w.interrupt(true)
	time.Sleep(lease + 2*time.Second)
	w.interrupt(false)
	watch := newHost(t, openStore(t, direct).(bubbleStore).Store, nil)
	eventually(t, "all is settled", 30*time.Second, func() bool { return len(watch.list(webhook.Query{States: []webhook.State{webhook.StatePending}})) == 0 })
	for _, d := range watch.list(webhook.Query{}) {
		if d.State != webhook.StateDelivered {
			t.Errorf("%s is %v %q", d.WebhookID, d.State, d.LastCode)
		}
	}
	if n := len(h.net.requests()); n != hooks {
		t.Errorf("%d requests, want %d: what was delivered was sent again", n, hooks)
	}
}
