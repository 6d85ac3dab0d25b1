package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// This example shows the calls of a Dispatcher: it asks for due lanes, claims deliveries, sends them
// and settles their outcomes.
func Example() {
	ctx := context.Background()
	store, err := memstore.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	hook := webhook.Webhook{ID: "wh_1", Scope: "acme", URL: "https://example.com/hook", Active: true}
	if err := store.Create(ctx, hook, 3); err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err = store.Enqueue(ctx, []webhook.Delivery{{
		ID: "dlv_1", EventID: "evt_1", WebhookID: hook.ID, Scope: hook.Scope,
		Body: []byte(`{"trigger":"taskSuccess"}`), CreatedAt: now, QueuedAt: now, Due: now,
	}})
	if err != nil {
		log.Fatal(err)
	}

	due, err := store.Due(ctx, webhook.DueQuery{Now: now, Limit: 500})
	if err != nil {
		log.Fatal(err)
	}
	until := now.Add(time.Minute)
	batch, err := store.Claim(ctx, webhook.Claim{Now: now, Until: until, Lease: 1, Lanes: []webhook.LaneClaim{{Lane: due.Lanes[0], Most: 4}}})
	if err != nil {
		log.Fatal(err)
	}
	d := batch.Deliveries[0]
	fmt.Printf("send %s to %s, lease %d until %s\n", d.Body, batch.Webhooks[0].URL, d.Lease, until.Format(time.TimeOnly))

	end := now.Add(200 * time.Millisecond)
	_, err = store.Settle(ctx, []webhook.Settlement{{
		ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered,
		Result: &webhook.Attempt{Number: 1, Status: 204, Start: now, Duration: end.Sub(now)},
	}})
	if err != nil {
		log.Fatal(err)
	}
	d, attempts, err := store.Delivery(ctx, "acme", d.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v after %d attempt with status %d\n", d.State, d.Tries, attempts[0].Status)
	// Output:
	// send {"trigger":"taskSuccess"} to https://example.com/hook, lease 1 until 03:05:05
	// delivered after 1 attempt with status 204
}

// A full Store refuses new deliveries and drops none.
func ExampleOptions() {
	store, err := memstore.New(&memstore.Options{MaxDeliveries: 1})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 2 {
		id := fmt.Sprintf("dlv_%d", i)
		_, err := store.Enqueue(context.Background(), []webhook.Delivery{{ID: id, EventID: id, WebhookID: "wh_1", Scope: "acme"}})
		fmt.Println(err, errors.Is(err, webhook.ErrFull))
	}
	// Output:
	// <nil> false
	// memstore: enqueue 1 deliveries: Options.MaxDeliveries: webhook: store is full, raise its bounds or wait until deliveries end true
}
