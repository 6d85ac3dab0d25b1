package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/examples/internal/receiver"
	"github.com/postrider/postrider/webhook"
)

// settle waits until nothing is pending.
func settle(ctx context.Context, hooks *webhook.Dispatcher, endpoint *receiver.Receiver) error {
	manager, err := hooks.Manager()
	if err != nil {
		return err
	}
	for {
		_, news := endpoint.Requests()
		waiting, _, err := manager.Deliveries(ctx, webhook.Query{Scope: scope, States: []webhook.State{webhook.StatePending}, Limit: 1})
		if err != nil || len(waiting) == 0 {
			return err
		}
		select {
		case <-news:
		case <-time.After(100 * time.Millisecond): // what was superseded ends without a request
		case <-ctx.Done():
			return fmt.Errorf("delivery %s is still pending: %w", waiting[0].ID, ctx.Err())
		}
	}
}

// check compares what the endpoint accepted with what it should have.
func check(endpoint *receiver.Receiver, board, mirror string) error {
	all, _ := endpoint.Requests()
	last := map[string]map[int]int{"board": {}, "mirror": {}} // the latest edit of an issue that arrived
	numbers := map[string]map[int]string{"board": {}, "mirror": {}}
	count := map[string]int{}
	for _, r := range all {
		if r.Status != http.StatusOK {
			continue
		}
		var e edited
		if err := json.Unmarshal(r.Body, &e); err != nil {
			return err
		}
		to := r.Webhook()
		had, number := last[to][e.Issue], numbers[to][e.Issue]
		switch {
		case to == "mirror" && e.Edit != had+1:
			return fmt.Errorf("mirror: edit %d of issue %d came after edit %d", e.Edit, e.Issue, had)
		case e.Edit <= had || r.Identifier <= number:
			return fmt.Errorf("%s: edit %d of issue %d, number %s, came after edit %d, number %s", to, e.Edit, e.Issue, r.Identifier, had, number)
		}
		last[to][e.Issue], numbers[to][e.Issue] = e.Edit, r.Identifier
		count[to]++
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
