package webhook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: a webhook that hangs holds its own lane only.
func TestHungWebhookDelaysNoOther(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.HasSuffix(r.URL, "hung") {
			return answer{delay: time.Hour}
		}
		return answer{status: 200, delay: 10 * time.Millisecond}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Capacity: 8}, func(h *host) {
		h.add("hung", func(w *webhook.Webhook) { w.Events = []string{"taskFailure"} })
		h.add("well")
		for i := range 200 {
			e, err := payload.New(scope, payload.TaskFailure{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"}, id("evt_%d", i))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Dispatch(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		// 200 deliveries, 4 at a time, 10 ms each: half a second when nothing is in the way.
		settled(600 * time.Millisecond)
		if n := len(h.to.seen(automation + "well")); n != 200 {
			t.Errorf("%d of 200 arrived beside a webhook that hangs", n)
		}
		if n := len(h.to.seen(automation + "hung")); n != 1 {
			t.Errorf("%d requests in flight to the webhook that hangs, want 1: nothing has made its window grow", n)
		}
	})
}

// Rule: a request that leaves a full lane starts the next delivery of the lane, without waiting for
// a poll.
func TestFullLaneGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 10 * time.Millisecond} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour, PerLane: 1}, func(h *host) {
		h.add("one")
		for i := range 20 {
			h.dispatch(id("evt_%d", i))
		}
		settled(200 * time.Millisecond)
		if n := len(h.to.seen()); n != 20 {
			t.Errorf("%d of 20 arrived after 20 times 10 ms", n)
		}
	})
}

// Rule: at most Capacity requests are in flight in all, and PerLane for one lane.
func TestLimitsHold(t *testing.T) {
	t.Parallel()
	running, perURL, most, mostPerURL := 0, map[string]int{}, 0, 0
	var h *host
	to := &receiver{}
	to.answer = func(_ int, r request) answer {
		to.mu.Lock()
		running++
		perURL[r.URL]++
		most, mostPerURL = max(most, running), max(mostPerURL, perURL[r.URL])
		to.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		to.mu.Lock()
		running--
		perURL[r.URL]--
		to.mu.Unlock()
		return answer{status: 200}
	}
	p := webhook.Automation()
	p.Form.MaxPerScope = 0
	inBubble(t, p, &webhook.Options{Transport: to, Capacity: 10, PerLane: 3}, func(hh *host) {
		h = hh
		for i := range 7 {
			h.add(fmt.Sprint("hook", i))
		}
		for i := range 30 {
			if _, err := h.Dispatch(context.Background(), success(t, id("evt_%d", i))); err != nil {
				t.Fatal(err)
			}
		}
		settled(time.Minute)
		if n := len(h.to.seen()); n != 210 {
			t.Errorf("%d of 210 arrived", n)
		}
		if most != 10 || mostPerURL > 3 {
			t.Errorf("at most %d in flight and %d to one webhook, want 10 and no more than 3", most, mostPerURL)
		}
	})
}

// Rule: a waiting retry holds no slot.
func TestWaitingRetryHoldsNoSlot(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.HasSuffix(r.URL, "bad") {
			return answer{status: 500}
		}
		return answer{status: 200}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Capacity: 1, Poll: time.Hour}, func(h *host) {
		h.add("bad")
		h.dispatch(id("evt_0"))
		settled(time.Second)
		if n := h.Status().InFlight; n != 0 {
			t.Errorf("%d in flight while a retry waits", n)
		}
		h.add("well")
		h.dispatchAll(id("evt_1"))
		settled(time.Second)
		if n := len(h.to.seen(automation + "well")); n != 1 {
			t.Errorf("%d requests to the other webhook, want 1", n)
		}
	})
}
