package storetest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

func livenessCases() []testCase {
	return []testCase{
		{"liveness/drains", "claims take everything that is due, each delivery once", testDrains},
		{"liveness/abandoned-work-returns", "no due delivery stays unclaimed for longer than a lease", testAbandonedWorkReturns},
		{"liveness/next-is-enough", "queries at the times of Next alone find every retry", testNextIsEnough},
		{"liveness/enqueue-while-claiming", "deliveries that are enqueued during claims are found", testEnqueueWhileClaiming},
		{"liveness/several-claimers", "several claimers that fail, retry and abandon leases end every delivery", testSeveralClaimers},
	}
}

// tally counts how often each delivery ended.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (t *tally) add(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = make(map[string]int)
	}
	t.n[id]++
}

func (t *tally) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.n)
}

// wantOnce checks that each delivery ended once.
func (e *env) wantOnce(t *tally, want []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	missing := 0
	for _, id := range want {
		switch n := t.n[id]; {
		case n == 0:
			missing++
		case n > 1:
			e.errorf("delivery %s was claimed and delivered %d times", id, n)
		}
	}
	if missing > 0 {
		e.errorf("%d of %d deliveries were never claimed", missing, len(want))
	}
}

// some claims a few deliveries of each lane that Due names.
func (e *env) some(now time.Time, most int) ([]webhook.Delivery, time.Time, error) {
	p, err := e.tryWalk(webhook.DueQuery{Now: now, Limit: 3}, func(*webhook.DueQuery) {})
	if err != nil || len(p.Lanes) == 0 {
		return nil, p.Next, err
	}
	slices.SortFunc(p.Lanes, func(a, b webhook.Lane) int { return cmp.Compare(a.WebhookID+a.Class, b.WebhookID+b.Class) })
	b, err := e.tryBatch(webhook.Claim{Now: now, Lanes: asked(most, slices.Compact(p.Lanes)...)})
	return b.Deliveries, p.Next, err
}

func testDrains(e *env) {
	var want []string
	for _, n := range []int{1, 40, 3, 17, 8} {
		want = append(want, e.queue(e.hook(), n)...)
	}
	var got tally
	for i := range 2 * len(want) {
		now := e.at(time.Duration(i) * 10 * time.Millisecond)
		ds, _, err := e.some(now, 2)
		if e.ok(err, "Due or Claim"); len(ds) == 0 {
			break
		}
		for _, d := range ds {
			got.add(d.ID)
			e.settle(delivered(d, now))
		}
	}
	e.wantOnce(&got, want)
}

func testAbandonedWorkReturns(e *env) {
	a, b := e.hook(), e.hook()
	want := append(e.queue(a, 5), e.queue(b, 5)...)
	for i := range 4 {
		e.wantIDs("everything, at the end of each lease", e.claim(e.at(time.Duration(i)*lease)), want...)
	}
}

func testNextIsEnough(e *env) {
	var want []string
	for range 3 {
		want = append(want, e.queue(e.hook(), 4)...)
	}
	var got tally
	now := e.base
	for range 40 * len(want) {
		ds, next, err := e.some(now, 2)
		e.ok(err, "Due or Claim")
		var ss []webhook.Settlement
		for i, d := range ds {
			if d.Tries < 3 {
				// The waits differ, so that Next takes many values.
				ss = append(ss, retried(d, now, now.Add(time.Duration(1+i+d.Tries)*7*time.Second)))
				continue
			}
			got.add(d.ID)
			ss = append(ss, delivered(d, now))
		}
		if len(ss) > 0 {
			e.settle(ss...)
			continue // a host that found work asks again at once
		}
		if got.len() == len(want) {
			break
		}
		if !next.After(now) || next.After(e.at(24*time.Hour)) {
			e.fatalf("at %v, with %d of %d delivered, Next is %v: the rest would wait for ever", now, got.len(), len(want), next)
		}
		now = next
	}
	e.wantOnce(&got, want)
}

func testEnqueueWhileClaiming(e *env) {
	hooks := []webhook.Webhook{e.hook(), e.hook(), e.hook()}
	const producers, each = 2, 40
	var want []string
	batches := make([][]webhook.Delivery, producers)
	for p := range batches {
		for i := range each {
			batches[p] = append(batches[p], e.fresh(hooks[i%len(hooks)], 1)...)
		}
		want = append(want, ids(batches[p])...)
	}
	var got tally
	e.parallel(producers+3, func(i int) {
		if i < producers {
			for _, d := range batches[i] {
				if _, err := e.enqueue(e.ctx, d); err != nil {
					e.errorf("Enqueue: %v", err)
					return
				}
			}
			return
		}
		for range 200 {
			if got.len() == len(want) || !e.deliverSome(e.base, &got) {
				return
			}
		}
	})
	// The claimers may stop early; the deliveries that they left must still be there.
	for range len(want) {
		if got.len() == len(want) || !e.deliverSome(e.at(time.Second), &got) {
			break
		}
	}
	e.wantOnce(&got, want)
}

// deliverSome claims a few deliveries and settles them as delivered. It returns false on an error.
func (e *env) deliverSome(now time.Time, got *tally) bool {
	ds, _, err := e.some(now, 2)
	if err != nil {
		e.errorf("Due or Claim: %v", err)
		return false
	}
	ss := make([]webhook.Settlement, len(ds))
	for i, d := range ds {
		got.add(d.ID)
		ss[i] = delivered(d, now)
	}
	if len(ss) == 0 {
		return true
	}
	if _, err := e.store.Settle(e.ctx, ss); err != nil {
		e.errorf("Settle: %v", err)
		return false
	}
	return true
}

func testSeveralClaimers(e *env) {
	var want []string
	for range 4 {
		want = append(want, e.queue(e.hook(), 10)...)
	}
	claims := make(map[string]int)
	var got tally
	// Each round lasts one lease. A claimer delivers deliveries that had two leases before. It
	// retries some of the others and abandons some, as a crashed process does.
	for round := range 8 {
		now := e.at(time.Duration(round) * lease)
		e.parallel(4, func(int) {
			for range 2 * len(want) {
				ds, _, err := e.some(now, 1)
				if err != nil {
					e.errorf("Due or Claim: %v", err)
					return
				}
				if len(ds) == 0 {
					return
				}
				var ss []webhook.Settlement
				for i, d := range ds {
					e.mu.Lock()
					claims[d.ID]++
					n := claims[d.ID]
					e.mu.Unlock()
					switch {
					case n > 2:
						got.add(d.ID)
						ss = append(ss, delivered(d, now))
					case i%2 == 0:
						ss = append(ss, retried(d, now, now.Add(lease)))
					}
				}
				if lost, err := e.store.Settle(e.ctx, ss); err != nil || len(lost) != 0 {
					e.errorf("Settle: lost %v, %v", lost, err)
					return
				}
			}
		})
	}
	e.wantOnce(&got, want)
}
