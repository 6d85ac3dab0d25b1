package webhook_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// broken is a Store that breaks its contract: its claims answer as change makes of them.
type broken struct {
	*memstore.Store
	change func(*webhook.Batch)
}

func (s *broken) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	s.change(&b)
	return b, err
}

// Rule: a Store that answers what it must not is contained: nothing goes to another tenant's
// webhook, nothing goes out twice, nothing is lost, and the log has one line.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		change   func(*webhook.Batch)
		requests int
		state    webhook.State
		line     string
	}{
		{"another tenant's webhook", func(b *webhook.Batch) {
			for i := range b.Webhooks {
				b.Webhooks[i].Scope, b.Webhooks[i].URL = "other", automation+"other"
			}
		}, 0, webhook.StatePending, "webhook of another scope"},
		{"a delivery twice", func(b *webhook.Batch) { b.Deliveries = append(b.Deliveries, b.Deliveries...) },
			1, webhook.StateDelivered, "twice in one answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &broken{newStore(t), tt.change}, webhook.Automation(), nil)
				h.add("one")
				d := h.dispatch() // Run is not under way, so it is claimed
				h.start()
				defer h.stop()
				settled(5 * time.Minute)
				if n := len(h.to.seen()); n != tt.requests {
					t.Errorf("%d requests, want %d", n, tt.requests)
				}
				if got, _ := h.delivery(d); got.State != tt.state {
					t.Errorf("%v, want %v", got.State, tt.state)
				}
				if n := strings.Count(h.log.String(), tt.line); n != 1 {
					t.Errorf("%d lines in the log, want 1:\n%s", n, h.log)
				}
			})
		})
	}
}
