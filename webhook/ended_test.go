package webhook_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: the end of a delivery is reported once, for each cause: an answer, a cancellation, the end
// of its webhook, its age.
func TestEveryEndIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		runs bool
		end  func(t *testing.T, h *host, w webhook.Webhook, id string)
		want string
	}{
		{"an answer", true, func(*testing.T, *host, webhook.Webhook, string) {}, "delivered"},
		{"a cancellation", false, func(t *testing.T, h *host, _ webhook.Webhook, id string) {
			for range 2 {
				if err := h.hooks.Cancel(t.Context(), scope, id); err != nil {
					t.Error(err)
				}
			}
		}, "failed cancelled"},
		{"a deleted webhook", false, func(t *testing.T, h *host, w webhook.Webhook, _ string) {
			if err := h.hooks.Delete(t.Context(), scope, w.ID); err != nil {
				t.Error(err)
			}
		}, "failed cancelled"},
		{"its age", true, func(*testing.T, *host, webhook.Webhook, string) { time.Sleep(8 * 24 * time.Hour) }, "failed expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				told := map[string][]string{}
				h := newHost(t, &notified{Store: newStore(t)}, webhook.Automation(), &webhook.Options{Observer: &webhook.Observer{
					Settled: func(_ context.Context, d webhook.Delivery) {
						mu.Lock()
						defer mu.Unlock()
						told[d.ID] = append(told[d.ID], d.State.String())
						if d.LastCode != "" {
							told[d.ID][len(told[d.ID])-1] += " " + string(d.LastCode)
						}
					},
				}})
				w := h.add("one")
				want := map[string][]string{}
				for i := range 3 {
					id := h.dispatch(payload.WithID(fmt.Sprint("evt-", i)))
					want[id] = []string{c.want}
				}
				if c.want == "failed expired" {
					if err := h.hooks.SetActive(t.Context(), scope, w.ID, false); err != nil {
						t.Fatal(err)
					}
				}
				if c.runs {
					h.start()
					defer func() { h.stop() }()
				}
				for id := range want {
					c.end(t, h, w, id)
					if c.name != "a cancellation" {
						break
					}
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if diff := cmp.Diff(want, told); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
