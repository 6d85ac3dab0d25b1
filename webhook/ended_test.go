package webhook_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: every end of a delivery is told once, whatever ended it: an answer, a Cancel, the
// deletion of its webhook, or its age.
func TestEveryEndIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		told := map[string][]webhook.Code{}
		to := &receiver{answer: func(int, request) answer { return answer{status: 503} }}
		h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to, Observer: &webhook.Observer{
			Settled: func(_ context.Context, d webhook.Delivery) {
				mu.Lock()
				defer mu.Unlock()
				told[d.ID] = append(told[d.ID], d.LastCode)
			}}})
		off := h.add("off", func(w *webhook.Webhook) { w.Events = []string{"taskFailure"} })
		gone := h.add("gone", func(w *webhook.Webhook) { w.Events = []string{"taskSuccess"} })
		h.start()
		defer h.stop()
		want := map[string]webhook.Code{}
		want[h.dispatch(id("evt_failed"))] = webhook.CodeStatus
		time.Sleep(time.Hour)
		cancelled := h.dispatch(id("evt_cancelled"))
		settled(time.Second)
		if err := h.hooks.Cancel(t.Context(), scope, cancelled); err != nil {
			t.Fatal(err)
		}
		want[cancelled] = webhook.CodeCancelled
		deleted := h.dispatch(id("evt_deleted"))
		settled(time.Second)
		if err := h.hooks.Delete(t.Context(), scope, gone.ID); err != nil {
			t.Fatal(err)
		}
		want[deleted] = webhook.CodeCancelled
		failure, err := payload.New(scope, payload.TaskFailure{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"}, id("evt_old"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := h.Dispatch(t.Context(), failure)
		if err != nil || len(r.Events[0].Deliveries) != 1 {
			t.Fatalf("receipt %+v, %v, want one delivery", r, err)
		}
		old := r.Events[0].Deliveries[0]
		settled(time.Second)
		h.active(off, false)
		want[old] = webhook.CodeExpired
		time.Sleep(8 * 24 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for id, code := range want {
			if got := told[id]; len(got) != 1 || got[0] != code {
				t.Errorf("%s: told %q, want %q once", id, got, code)
			}
		}
		if len(told) != len(want) {
			t.Errorf("%d deliveries were told of, want %d", len(told), len(want))
		}
	})
}

// foreign is a Store that hands out the webhook of another tenant beside a delivery.
type foreign struct {
	*memstore.Store
	other webhook.Webhook
}

func (s *foreign) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	for i := range b.Webhooks {
		b.Webhooks[i].Scope, b.Webhooks[i].URL = s.other.Scope, s.other.URL
	}
	return b, err
}

// Rule: a delivery goes to a webhook of its own tenant only, whatever a Store answers.
func TestForeignWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &foreign{Store: newStore(t), other: webhook.Webhook{Scope: "other", URL: automation + "other"}}
		h := newHost(t, s, webhook.Automation(), nil)
		h.add("one")
		h.dispatch() // Run is not under way, so it is claimed
		h.start()
		defer h.stop()
		settled(time.Minute)
		if rs := h.to.seen(); len(rs) != 0 {
			t.Errorf("%d requests to another tenant's webhook", len(rs))
		}
	})
}
