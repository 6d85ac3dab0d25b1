package stores_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestHistoryStatements: pages of many sizes and with many filters share a few statements. The Store
// and the drivers keep each statement that they have seen.
func TestHistoryStatements(t *testing.T) {
	d := newPostgres(t)
	d.migrated(t, nil)
	texts := make(map[string]bool)
	s, err := sqlstore.New(d.watched(t, func(query string) { texts[query] = true }), sqlstore.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := func(q webhook.Query) {
		q.Scope = "acme"
		if _, _, err := s.Deliveries(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	list(webhook.Query{})
	before := len(texts)
	for i := range 100 {
		list(webhook.Query{Limit: 1 + i})
		list(webhook.Query{States: slices.Repeat([]webhook.State{webhook.StateFailed}, 1+i), Codes: slices.Repeat([]webhook.Code{webhook.CodeStatus}, 1+i)})
		list(webhook.Query{Type: "taskSuccess", Since: time.Unix(int64(i), 0), Until: time.Unix(int64(i), 1000)})
	}
	if n := len(texts) - before; n > 2 {
		t.Errorf("300 pages with two filters needed %d statements more than a page without", n)
	}
}
