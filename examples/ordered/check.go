package main

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// settle waits until nothing is pending.
func settle(ctx context.Context, hooks *webhook.Dispatcher) error {
	manager, err := hooks.Manager()
	if err != nil {
		return err
	}
	for {
		waiting, _, err := manager.Deliveries(ctx, webhook.Query{Scope: scope, States: []webhook.State{webhook.StatePending}, Limit: 1})
		if err != nil || len(waiting) == 0 {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("delivery %s is still pending: %w", waiting[0].ID, ctx.Err())
		}
	}
}

// check compares the accepted requests with the expected ones.
func check(to *endpoint, board, mirror string) error {
	to.mu.Lock()
	defer to.mu.Unlock()
	last := map[string]map[int]int{"board": {}, "mirror": {}} // the latest edit of an issue that arrived
	numbers := map[string]map[int]string{"board": {}, "mirror": {}}
	count := map[string]int{}
	for _, e := range to.arrived {
		had, number := last[e.webhook][e.Issue], numbers[e.webhook][e.Issue]
		switch {
		case e.webhook == "mirror" && e.Edit != had+1:
			return fmt.Errorf("mirror: edit %d of issue %d came after edit %d", e.Edit, e.Issue, had)
		case e.Edit <= had || e.number <= number:
			return fmt.Errorf("%s: edit %d of issue %d, number %s, came after edit %d, number %s", e.webhook, e.Edit, e.Issue, e.number, had, number)
		}
		last[e.webhook][e.Issue], numbers[e.webhook][e.Issue] = e.Edit, e.number
		count[e.webhook]++
	}
	for issue := 1; issue <= issues; issue++ {
		if last["board"][issue] != edits || last["mirror"][issue] != edits {
			return fmt.Errorf("issue %d: the board has edit %d and the mirror edit %d, want %d", issue, last["board"][issue], last["mirror"][issue], edits)
		}
	}
	fmt.Printf("board, webhook %s: %d requests after the endpoint was back, one for each issue, with its latest state\n", board, count["board"])
	fmt.Printf("mirror, webhook %s: %d requests, the edits of each issue in order\n", mirror, count["mirror"])
	if count["board"] != issues || count["mirror"] != issues*edits {
		return fmt.Errorf("the board got %d requests and the mirror %d, want %d and %d", count["board"], count["mirror"], issues, issues*edits)
	}
	return nil
}
