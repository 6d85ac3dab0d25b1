package webhook_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Rule: 429 and 503 with Retry-After pause the whole webhook, other transient statuses
// delay the one delivery; the cap of the policy holds.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		status      int
		after       string
		first, last time.Duration // bounds of the retry, after the first attempt
		pauses      bool
	}{
		{"429 in seconds", 429, "60", 60 * time.Second, 61 * time.Second, true},
		{"503 in seconds", 503, "60", 60 * time.Second, 61 * time.Second, true},
		{"500 delays only itself", 500, "60", 60 * time.Second, 61 * time.Second, false},
		{"shorter than the slot", 429, "1", 5 * time.Second, 10 * time.Second, true},
		{"capped at 15 minutes", 503, "86400", 15 * time.Minute, 15*time.Minute + time.Second, true},
		{"20 digits", 503, "99999999999999999999", 15 * time.Minute, 15*time.Minute + time.Second, true},
		{"garbage", 429, "soon", 5 * time.Second, 10 * time.Second, false},
		{"negative", 429, "-5", 5 * time.Second, 10 * time.Second, false},
		{"zero", 429, "0", 5 * time.Second, 10 * time.Second, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: func(n int, _ request) answer {
				if n == 1 {
					return answer{status: c.status, after: c.after}
				}
				return answer{status: 200}
			}}
			inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
				h.add("one")
				h.dispatch(id("evt_1"))
				settled(100 * time.Millisecond)
				h.dispatch(id("evt_2"))
				settled(400 * time.Millisecond)
				if n := len(h.to.seen()); (n == 1) != c.pauses {
					t.Errorf("%d requests before the retry; pauses %v", n, c.pauses)
				}
				settled(time.Hour)
				var retried time.Time
				rs := h.to.seen()
				for _, r := range rs[1:] {
					if r.Header.Get("Webhook-Id") == "evt_1" {
						retried = r.At
					}
				}
				if gap := retried.Sub(rs[0].At); gap < c.first || gap > c.last {
					t.Errorf("retried after %v, want between %v and %v", gap, c.first, c.last)
				}
				if len(rs) != 3 {
					t.Errorf("%d requests, want 3", len(rs))
				}
			})
		})
	}
}

// Rule: a success of a request that was in flight before a pause does not end it.
func TestPauseOutlivesStragglers(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer {
		if n == 2 {
			return answer{status: 429, after: "60"}
		}
		return answer{status: 200, delay: time.Second}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		h.dispatch(id("evt_1"))
		h.dispatch(id("evt_2"))
		settled(2 * time.Second)
		h.dispatch(id("evt_3"))
		settled(50 * time.Second)
		if n := len(h.to.seen()); n != 2 {
			t.Errorf("%d requests during the pause, want the 2 before it", n)
		}
		settled(20 * time.Second)
		if n := len(h.to.seen()); n != 4 {
			t.Errorf("%d requests after the pause, want 4", n)
		}
	})
}

// Rule: Retry-After on anything but a transient status is ignored.
func TestRetryAfterIgnored(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 301, 400, 404} {
		to := &receiver{answer: func(int, request) answer { return answer{status: code, after: "600"} }}
		inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
			h.add("one")
			first := h.dispatch(id("evt_1"))
			settled(time.Second)
			h.dispatch(id("evt_2"))
			settled(time.Second)
			if n := len(h.to.seen()); n != 2 {
				t.Errorf("%d: %d requests, want 2 without a pause", code, n)
			}
			if _, as := h.delivery(first); as[0].RetryAfter != 0 {
				t.Errorf("%d: RetryAfter %v was recorded", code, as[0].RetryAfter)
			}
		})
	}
}
