package jira_test

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

type try struct{ start, end time.Time }

// Every retry of 10,000 deliveries, each with its own seed, through the whole dispatcher, while
// attempts take from 0 to 30 seconds. Many dispatchers with few deliveries cost less than one with
// room for all of them.
func TestDelivery_retryWindows(t *testing.T) {
	t.Parallel()
	const rounds, deliveries = 100, 100
	tried := 0
	var gaps [5]map[time.Duration]bool
	for n := range gaps {
		gaps[n] = make(map[time.Duration]bool)
	}
	for range rounds {
		for id, ts := range failFor(t, deliveries) {
			tried++
			judgeRetries(t, id, ts)
			for n := range gaps {
				if n+1 < len(ts) {
					gaps[n][ts[n+1].start.Sub(ts[n].end)] = true
				}
			}
		}
	}
	if tried != rounds*deliveries {
		t.Errorf("%d deliveries were tried, want %d", tried, rounds*deliveries)
	}
	for n, seen := range gaps {
		if len(seen) < tried/2 {
			t.Errorf("retry %d came after only %d different waits", n+1, len(seen))
		}
	}
}

func judgeRetries(t *testing.T, id string, ts []try) {
	t.Helper()
	if len(ts) != 6 {
		t.Errorf("delivery %s was tried %d times, want 6", id, len(ts))
		return
	}
	if first := ts[1].start.Sub(ts[0].end); first < 10*time.Second {
		t.Errorf("delivery %s: first retry after %v, want at least 10 s", id, first)
	}
	if last := ts[5].start.Sub(ts[0].end); last < 15*time.Minute || last > 30*time.Minute {
		t.Errorf("delivery %s: last retry %v after the first failure, want 15 to 30 min", id, last)
	}
}

// failFor dispatches to a receiver that never accepts, and returns the attempts by
// identifier.
func failFor(t *testing.T, deliveries int) (tries map[string][]try) {
	t.Helper()
	tries = make(map[string][]try, deliveries)
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{}
		to.answer = func(_ int, r *http.Request) (int, error) {
			id := r.Header.Get(jira.IdentifierHeader)
			start := time.Now()
			h := fnv.New32a()
			_, _ = h.Write([]byte(id + r.Header.Get(jira.RetryHeader)))
			took := time.Duration(h.Sum32()%30_001) * time.Millisecond
			if took < 30*time.Second {
				time.Sleep(took)
			} else {
				<-r.Context().Done() // the deadline of the attempt
			}
			to.mu.Lock()
			tries[id] = append(tries[id], try{start, time.Now()})
			to.requests = nil // frees memory
			to.mu.Unlock()
			if err := r.Context().Err(); err != nil {
				return 0, err
			}
			return 503, nil
		}
		h, stop := newHost(t, jira.Profile(),
			webhook.Options{Capacity: deliveries, Breaker: webhook.Breaker{Failures: -1}}, to)
		defer stop()
		for i := range deliveries { // a failing webhook gets one request at a time
			h.add(webhook.Webhook{Scope: fmt.Sprint("tenant ", i)})
		}
		for i := range deliveries {
			e, err := jiraevent.New(fmt.Sprint("tenant ", i), jiraevent.Callback{Event: "server_upgraded"})
			if err != nil {
				t.Fatal(err)
			}
			h.dispatch(e)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
	})
	return tries
}

// Rule: a Retry-After of any time and length does not move the last retry out of its window.
func TestDelivery_retryAfterKeepsTheWindow(t *testing.T) {
	t.Parallel()
	for asks := 1; asks <= 5; asks++ {
		synctest.Test(t, func(t *testing.T) {
			to := &receiver{}
			to.answer = func(n int, _ *http.Request) (int, error) {
				to.mu.Lock()
				defer to.mu.Unlock()
				if to.header = nil; n+1 == asks {
					to.header = http.Header{"Retry-After": {"86400"}} // of the next answer
				}
				return 503, nil
			}
			if asks == 1 {
				to.header = http.Header{"Retry-After": {"86400"}}
			}
			h, stop := newHost(t, jira.Profile(), webhook.Options{}, to)
			defer stop()
			h.add(webhook.Webhook{})
			h.dispatch(event(t, sample(t, "sprint_started")))
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			var ts []try
			for _, r := range to.all() {
				ts = append(ts, try{r.At, r.At})
			}
			judgeRetries(t, "that waits", ts)
			if wait := ts[asks].start.Sub(ts[asks-1].end); wait < 10*time.Minute {
				t.Errorf("the retry after answer %d came after %v: Retry-After was not heeded", asks, wait)
			}
		})
	}
}
