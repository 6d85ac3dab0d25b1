package webhook_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

func TestDelivers(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		id := h.dispatch(payload.WithID("evt_1"))
		settled(0)
		got := h.to.seen()
		if len(got) != 1 {
			t.Fatalf("%d requests, want 1", len(got))
		}
		want := map[string][]string{
			"Content-Type":               {"application/json"},
			"User-Agent":                 {"Postrider/1 (+https://github.com/postrider/postrider)"},
			"Webhook-Id":                 {"evt_1"},
			"X-Automation-Webhook-Token": {token},
		}
		if diff := cmp.Diff(want, map[string][]string(got[0].Header)); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		body := `{"trigger":"taskSuccess","processId":"` + processID + `","name":"Deactivate","actionTypes":["addToGroups"],"deepLink":"https://your-site.atlassian.net/jira/settings?a=1&b=2"}`
		if got[0].Body != body || got[0].URL != automation+"one" {
			t.Errorf("request %+v", got[0])
		}
		if got := h.outcome(id); got != "delivered tries=1" {
			t.Error(got)
		}
		if _, as := h.delivery(id); len(as) != 1 || as[0].Status != 200 || as[0].Number != 1 || !as[0].OK() {
			t.Errorf("attempts %+v", as)
		}
	})
}

// The schedule of automation: three retries in their slots, the same identifier and
// bytes each time, then the end.
func TestRetriesThenGivesUp(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: status(503)}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		id := h.dispatch()
		settled(time.Hour)
		rs := to.seen()
		if len(rs) != 4 {
			t.Fatalf("%d requests, want 1 and 3 retries", len(rs))
		}
		slots := [][2]time.Duration{{5 * time.Second, 10 * time.Second}, {30 * time.Second, time.Minute}, {2 * time.Minute, 5 * time.Minute}}
		for i, gap := range gaps(rs) {
			if gap < slots[i][0] || gap > slots[i][1] {
				t.Errorf("retry %d after %v, want it within %v", i+1, gap, slots[i])
			}
		}
		if ids := header(rs, "Webhook-Id"); len(ids) != 1 {
			t.Errorf("identifiers %v, want one", ids)
		}
		for _, r := range rs {
			if r.Body != rs[0].Body {
				t.Errorf("body changed to %s", r.Body)
			}
		}
		if got := h.outcome(id); got != "failed status exhausted tries=4" {
			t.Error(got)
		}
	})
}

// Each outcome is either retried or ends the delivery at once.
func TestTransience(t *testing.T) {
	t.Parallel()
	cases := map[int]struct{ automation, standard string }{
		0:   {"failed protocol exhausted tries=4", "failed protocol exhausted tries=10"},
		101: {"failed status tries=1", "failed status exhausted tries=10"},
		200: {"delivered tries=1", "delivered tries=1"},
		204: {"delivered tries=1", "delivered tries=1"},
		299: {"delivered tries=1", "delivered tries=1"},
		301: {"failed redirect tries=1", "failed redirect tries=1"},
		308: {"failed redirect tries=1", "failed redirect tries=1"},
		400: {"failed status tries=1", "failed status exhausted tries=10"},
		401: {"failed status tries=1", "failed status exhausted tries=10"},
		408: {"failed status exhausted tries=4", "failed status exhausted tries=10"},
		409: {"failed status exhausted tries=4", "failed status exhausted tries=10"},
		410: {"failed status tries=1", "failed status tries=1"},
		422: {"failed status tries=1", "failed status exhausted tries=10"},
		425: {"failed status exhausted tries=4", "failed status exhausted tries=10"},
		429: {"failed status exhausted tries=4", "failed status exhausted tries=10"},
		500: {"failed status exhausted tries=4", "failed status exhausted tries=10"},
		599: {"failed status exhausted tries=4", "failed status exhausted tries=10"},
		600: {"failed status tries=1", "failed status exhausted tries=10"},
	}
	for code, want := range cases {
		t.Run(statusName(code), func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: status(code)}
			inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
				h.add("one")
				id := h.dispatch()
				settled(time.Hour)
				if got := h.outcome(id); got != want.automation {
					t.Errorf("automation: %s, want %s", got, want.automation)
				}
			})
			to = &receiver{answer: status(code)}
			inLongBubble(t, webhook.Standard(), &webhook.Options{Transport: to}, func(h *host) {
				h.add("one", standardHook)
				id := h.dispatch()
				settled(6 * 24 * time.Hour)
				if got := h.outcome(id); got != want.standard {
					t.Errorf("standard: %s, want %s", got, want.standard)
				}
			})
		})
	}
}

func standardHook(w *webhook.Webhook) {
	w.URL = "https://hooks.example.com/in/" + w.Name
	w.Secrets = []webhook.Secret{webhook.NewSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")}
}

func statusName(code int) string {
	if code == 0 {
		return "connection breaks"
	}
	return string(rune('0'+code/100)) + string(rune('0'+code/10%10)) + string(rune('0'+code%10))
}

// A repeated Dispatch adds nothing and names the same delivery.
func TestDispatchTwice(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		first := h.dispatch(payload.WithID("evt_1"))
		settled(time.Minute)
		r, err := h.Dispatch(context.Background(), success(t, payload.WithID("evt_1")))
		if err != nil {
			t.Fatal(err)
		}
		want := webhook.Receipt{Events: []webhook.EventReceipt{{ID: "evt_1", Matched: 1, Added: 0, Deliveries: []string{first}}}}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("receipt (-want +got):\n%s", diff)
		}
		settled(time.Minute)
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}
