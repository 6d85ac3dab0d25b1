package stores_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestPruneBatches: Prune removes the events of all scopes in a few transactions, of which each waits for
// the disk. The next event that exceeds the limit ends a call; the first one is removed as a whole.
func TestPruneBatches(t *testing.T) {
	d := newPostgres(t)
	newField(t, d, "prune_", 1)
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Prefix: "prune_"})
	if err != nil {
		t.Fatal(err)
	}
	const scopes, events = 10, 40
	at := now().Add(-time.Hour)
	add := func(scope, event string, deliveries int) {
		t.Helper()
		var ds []webhook.Delivery
		for i := range deliveries {
			hook := fmt.Sprint("wh", i)
			ds = append(ds, webhook.Delivery{ID: webhook.DeliveryID(scope, event, hook), EventID: event, WebhookID: hook, Scope: scope,
				Type: "taskSuccess", Body: benchBody, CreatedAt: at, QueuedAt: at, Due: at})
		}
		if _, err := s.Enqueue(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("UPDATE prune_delivery SET state = 1, finished = due"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range scopes * events {
		add(fmt.Sprint("tenant", i%scopes), fmt.Sprint("evt", i), 1)
	}
	tracer.reset()
	prune := func(limit, want int) {
		t.Helper()
		if n, err := s.Prune(t.Context(), now(), limit); err != nil || n != want {
			t.Errorf("Prune(%d) = %d, %v; want %d", limit, n, err, want)
		}
	}
	prune(1000, scopes*events)
	if n := len(tracer.list); n > 2*scopes {
		t.Errorf("%d statements for %d events of %d scopes", n, scopes*events, scopes)
	}
	for event, deliveries := range []int{5, 2, 2} {
		at = at.Add(time.Second)
		add("tenant0", fmt.Sprint("evt_of_", event), deliveries)
	}
	prune(3, 5)
	prune(3, 2)
	prune(3, 2)
	prune(3, 0)
}
