package webhook_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// overheard is a Store that remembers what the latest claim asked for.
type overheard struct {
	*memstore.Store
	claim atomic.Pointer[webhook.Claim]
}

func (s *overheard) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	s.claim.Store(&c)
	return s.Store.Claim(ctx, c)
}

// Rule: a claim tells the Store which lanes have no room, so that it brings others.
func TestClaimTellsFullLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &overheard{Store: newStore(t)}
		to := &receiver{answer: func(int, request) answer { return answer{delay: time.Hour} }}
		h := newHost(t, store, webhook.Automation(), &webhook.Options{Transport: to, PerLane: 4})
		full := h.add("hung")
		h.start()
		defer func() { h.stop() }()
		for i := range 4 { // no more than its room: nothing is left to claim
			h.dispatch(id("evt_%d", i))
		}
		settled(time.Second)
		h.Wake()
		settled(0)
		c := store.claim.Load()
		if got := c.RoomFor(full.ID); got != 0 {
			t.Errorf("the claim asks for %d of a lane with 4 of 4 in flight, want 0", got)
		}
		if got := c.RoomFor("another"); got != 4 {
			t.Errorf("the claim asks for %d of an idle lane, want PerLane 4", got)
		}
	})
}
