package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func storeCases() []testCase {
	return slices.Concat(enqueueCases(), claimCases(), batchCases(), leaseCases(), fairnessCases(), settleCases(), fencingCases(), livenessCases())
}

func enqueueCases() []testCase {
	return []testCase{
		{"enqueue/all-or-none", "an Enqueue that fails stores nothing, one that succeeds stores everything", testAllOrNone},
		{"enqueue/nothing", "an Enqueue of nothing succeeds", testEnqueueNothing},
		{"enqueue/once-across-calls", "the same (Scope, EventID, WebhookID) is stored once and left as it is", testOnceAcrossCalls},
		{"enqueue/once-within-call", "the same (Scope, EventID, WebhookID) twice in one call is stored once", testOnceWithinCall},
		{"enqueue/once-after-end", "an event whose delivery has ended is not accepted again while it is in the history", testOnceAfterEnd},
		{"enqueue/all-three-count", "deliveries that differ in scope, event or webhook are different", testAllThreeCount},
		{"enqueue/concurrent-once", "of concurrent Enqueues of one delivery exactly one adds it", testConcurrentOnce},
		{"enqueue/webhooks-of-scope", "Webhooks returns those of the scope, inactive and expired ones too, and no others", testWebhooksOfScope},
		{"enqueue/round-trip", "a delivery comes back as it was enqueued, byte for byte", testRoundTrip},
		{"enqueue/body-sizes", "an empty body and one of a megabyte come back as they were", testBodySizes},
		{"enqueue/keeps-no-reference", "changing what was passed to Enqueue changes nothing that is stored", testKeepsNoReference},
		{"enqueue/hands-out-copies", "changing a map that was handed out changes nothing that is stored", testHandsOutCopies},
	}
}

// fadingContext ends after it was asked a number of times, so that a call is cut off in its middle
// without a clock.
type fadingContext struct {
	context.Context
	left   *atomic.Int64
	cancel context.CancelFunc
}

func (c fadingContext) fade() {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
}
func (c fadingContext) Err() error            { c.fade(); return c.Context.Err() }
func (c fadingContext) Done() <-chan struct{} { c.fade(); return c.Context.Done() }

func testAllOrNone(e *env) {
	w := e.hook()
	const size = 20
	for asked := range int64(12) {
		now := e.at(time.Duration(asked) * time.Second)
		ds := e.freshAt(now, w, size)
		ctx, cancel := context.WithCancel(e.ctx)
		fading := fadingContext{ctx, new(atomic.Int64), cancel}
		fading.left.Store(asked)
		_, err := e.store.Enqueue(fading, ds)
		cancel()
		kept := 0
		for _, d := range e.claim(now) {
			if slices.ContainsFunc(ds, func(o webhook.Delivery) bool { return o.ID == d.ID }) {
				kept++
			}
			e.settle(delivered(d, now))
		}
		switch {
		case err == nil && kept != size:
			e.fatalf("an Enqueue of %d that succeeded stored %d", size, kept)
		case kept != 0 && kept != size:
			e.fatalf("an Enqueue of %d that ended with %q stored %d of them", size, err, kept)
		}
	}
	ds := e.freshAt(e.at(time.Minute), w, size)
	e.put(ds...) // and the Store goes on
	e.wantIDs("claim after failed Enqueues", e.claim(e.at(time.Minute)), ids(ds)...)
}

func testEnqueueNothing(e *env) {
	added, err := e.store.Enqueue(e.ctx, nil)
	if err != nil || len(added) != 0 {
		e.errorf("Enqueue(nil) = %v, %v; want no elements and no error", added, err)
	}
}

func testOnceAcrossCalls(e *env) {
	w := e.hook()
	d := e.fresh(w, 1)[0]
	e.put(d)
	again := d
	again.Body, again.Type, again.Due = []byte("another body"), "taskFailure", e.at(-time.Hour)
	other := e.fresh(w, 1)[0]
	added, err := e.store.Enqueue(e.ctx, []webhook.Delivery{again, other})
	e.ok(err, "Enqueue")
	e.want("added", []bool{false, true}, added)
	got := e.claim(e.base)
	e.wantIDs("claim", got, d.ID, other.ID)
	for _, g := range got {
		if g.ID == d.ID && (!bytes.Equal(g.Body, d.Body) || g.Type != d.Type) {
			e.errorf("the repeated Enqueue changed what was stored: body %q, type %q", g.Body, g.Type)
		}
	}
}

func testOnceWithinCall(e *env) {
	ds := e.fresh(e.hook(), 2)
	added, err := e.store.Enqueue(e.ctx, []webhook.Delivery{ds[0], ds[0], ds[1], ds[0]})
	e.ok(err, "Enqueue")
	e.want("added", []bool{true, false, true, false}, added)
	e.wantIDs("claim", e.claim(e.base), ids(ds)...)
}

func testOnceAfterEnd(e *env) {
	d := e.fresh(e.hook(), 1)[0]
	e.put(d)
	e.settle(delivered(e.one("claim", e.claim(e.base)), e.at(time.Second)))
	added, err := e.store.Enqueue(e.ctx, []webhook.Delivery{d})
	e.ok(err, "Enqueue")
	e.want("added", []bool{false}, added)
	e.none("claim", e.claim(e.at(time.Minute)))
}

func testAllThreeCount(e *env) {
	a1, a2, b := e.keep(e.draft("a")), e.keep(e.draft("a")), e.keep(e.draft("b"))
	one, two := "evt_"+e.id+"_one", "evt_"+e.id+"_two"
	ds := []webhook.Delivery{e.delivery(a1, one), e.delivery(a1, two), e.delivery(a2, one), e.delivery(b, one)}
	added, err := e.store.Enqueue(e.ctx, ds)
	e.ok(err, "Enqueue")
	e.want("added", []bool{true, true, true, true}, added)
	e.wantIDs("claim", e.claim(e.base), ids(ds)...)
}

func testConcurrentOnce(e *env) {
	d := e.fresh(e.hook(), 1)[0]
	var firsts atomic.Int64
	e.parallel(16, func(int) {
		added, err := e.store.Enqueue(e.ctx, []webhook.Delivery{d})
		if err != nil {
			e.errorf("Enqueue: %v", err)
		} else if len(added) == 1 && added[0] {
			firsts.Add(1)
		}
	})
	if n := firsts.Load(); n != 1 {
		e.errorf("%d of 16 concurrent Enqueues added the delivery, want 1", n)
	}
	e.wantIDs("claim", e.claim(e.base), d.ID)
}

func testWebhooksOfScope(e *env) {
	off, expired := e.draft("a"), e.draft("a")
	off.Active = false
	expired.ExpiresAt = e.at(-time.Hour)
	want := []string{e.keep(e.draft("a")).ID, e.keep(off).ID, e.keep(expired).ID}
	e.keep(e.draft("b"))
	ws, err := e.store.Webhooks(e.ctx, e.scope("a"))
	e.ok(err, "Webhooks")
	var got []string
	for _, w := range ws {
		got = append(got, w.ID)
	}
	e.want("webhooks of the scope", sorted(want), sorted(got))
	ws, err = e.store.Webhooks(e.ctx, e.scope("nobody"))
	if err != nil || len(ws) != 0 {
		e.errorf("Webhooks of an unknown scope = %d webhooks, %v; want none and no error", len(ws), err)
	}
}

// odd is text that careless encodings damage.
const odd = "ä€𝄞 '\"`\\ %s ${x} <&> \u2028 \t\r\n \u202e \U0010FFFF"

// ignoreClaim leaves out what a claim sets.
var ignoreClaim = cmpopts.IgnoreFields(webhook.Delivery{}, "Lease", "Held", "Due")

func testRoundTrip(e *env) {
	w := e.hook()
	d := e.fresh(w, 1)[0]
	d.Body = make([]byte, 512)
	for i := range d.Body {
		d.Body[i] = byte(i)
	}
	d.Type, d.Lane = "kind/"+odd, w.ID+"/lane "+odd
	d.Vars = map[string]string{"plain": "value", "": "empty key", odd: odd, "empty": ""}
	d.Carry = map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", odd: odd}
	d.CreatedAt = e.at(-time.Hour + 123456*time.Microsecond)
	d.QueuedAt = d.CreatedAt
	plain := e.fresh(w, 1)[0]
	e.put(d, plain)
	for _, got := range e.claim(e.base) {
		want := d
		if got.ID == plain.ID {
			want = plain
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), ignoreClaim); diff != "" {
			e.errorf("claimed delivery: (-want +got)\n%s", diff)
		}
		if h, _, ok := e.stored(d.Scope, got.ID); ok {
			if diff := cmp.Diff(want, h, cmpopts.EquateEmpty(), ignoreClaim); diff != "" {
				e.errorf("delivery in the history: (-want +got)\n%s", diff)
			}
		}
	}
}

func testBodySizes(e *env) {
	ds := e.fresh(e.hook(), 4)
	ds[0].Body, ds[1].Body, ds[2].Body = nil, []byte{}, []byte{0}
	ds[3].Body = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	e.put(ds...)
	got := e.claim(e.base)
	e.wantIDs("claim", got, ids(ds)...)
	for i, d := range ds {
		at := slices.IndexFunc(got, func(g webhook.Delivery) bool { return g.ID == d.ID })
		if !bytes.Equal(got[at].Body, d.Body) {
			e.errorf("body %d of %d bytes came back with %d, or with other content", i, len(d.Body), len(got[at].Body))
		}
	}
}

func testKeepsNoReference(e *env) {
	ds := e.fresh(e.hook(), 1)
	ds[0].Vars, ds[0].Carry = map[string]string{"k": "v"}, map[string]string{"k": "v"}
	e.put(ds...)
	id, body := ds[0].ID, string(ds[0].Body)
	copy(ds[0].Body, "scribble")
	ds[0].Vars["k"], ds[0].Carry["k"], ds[0].ID = "scribble", "scribble", "scribble"
	got := e.one("claim", e.claim(e.base))
	e.want("claimed", []string{id, body, "v", "v"}, []string{got.ID, string(got.Body), got.Vars["k"], got.Carry["k"]})
}

func testHandsOutCopies(e *env) {
	w := e.draft("a")
	w.Headers, w.Attributes = map[string]string{"X-Test": "v"}, map[string]string{"k": "v"}
	w = e.keep(w)
	d := e.fresh(w, 1)[0]
	d.Vars, d.Carry = map[string]string{"k": "v"}, map[string]string{"k": "v"}
	e.put(d)
	for i := range 3 {
		now := e.at(time.Duration(i) * lease)
		b := e.batch(webhook.Claim{Now: now})
		got := e.one("claim", b.Deliveries)
		if len(b.Webhooks) != 1 || len(b.Webhooks[0].Events) != 1 || len(b.Webhooks[0].Secrets) != 1 {
			e.fatalf("claim %d: want the delivery's webhook with its event and secret", i+1)
		}
		hook := b.Webhooks[0]
		e.want(fmt.Sprintf("maps of claim %d", i+1), []string{"v", "v", "v", "v", "taskSuccess"},
			[]string{got.Vars["k"], got.Carry["k"], hook.Headers["X-Test"], hook.Attributes["k"], hook.Events[0]})
		if !hook.Secrets[0].Equal(w.Secrets[0]) {
			e.errorf("claim %d: the secret has changed", i+1)
		}
		for _, m := range []map[string]string{got.Vars, got.Carry, hook.Headers, hook.Attributes} {
			if m != nil {
				m["k"], m["X-Test"] = "scribble", "scribble"
			}
		}
		hook.Events[0], hook.Secrets[0] = "scribble", webhook.NewSecret("scribble")
	}
	if ws, err := e.store.Webhooks(e.ctx, w.Scope); err != nil && !errors.Is(err, context.Canceled) {
		e.errorf("Webhooks: %v", err)
	} else {
		for _, got := range ws {
			got.Events = append(got.Events[:0], "scribble")
		}
	}
	if ws, _ := e.store.Webhooks(e.ctx, w.Scope); len(ws) != 1 || !slices.Equal(ws[0].Events, []string{"taskSuccess"}) {
		e.errorf("writing into the Events of Webhooks changed what is stored")
	}
}
