package stores_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestOrderPlans: statements that keep keys in order use the indexes of keys, for any number of
// waiting deliveries in one key, with PostgreSQL's statistics and without.
func TestOrderPlans(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "order_", 20)
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "order_"})
	if err != nil {
		t.Fatal(err)
	}
	giant := f.ordered("giant")
	f.key(giant, 20_000, now().Add(-time.Hour))
	f.store = s
	for _, known := range []bool{false, true} {
		if known {
			if _, err := db.Exec("ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		tracer.reset()
		f.head(giant, 1)
		f.lease++
		at := now()
		if _, err := s.Claim(t.Context(), webhook.Claim{Now: at, Until: at.Add(time.Second), Lease: at.UnixMicro()<<11 + f.lease,
			Lanes: []webhook.LaneClaim{{Lane: laneOf(giant), Most: 1, Take: webhook.TakeNewest}}}); err != nil {
			t.Fatal(err)
		}
		for statement, parts := range map[string][]string{
			"greatest(was":          {"using order_key on order_delivery", "Tid Scan on order_delivery"},
			"false AS superseded\n": {"using order_turn on order_delivery", "using order_key on order_delivery", "using order_busy on order_delivery"},
			"of_class":              {"using order_turn on order_delivery", "using order_key on order_delivery", "using order_unit on order_delivery"},
		} {
			plan := explain(t, d, tracer.find(strings.TrimSpace(statement)), generic)
			wantInPlan(t, plan, parts...)
			for _, bad := range []string{"Seq Scan on order_delivery", "order_log", "order_webhook_log", "order_time"} {
				if strings.Contains(plan, bad) {
					t.Errorf("analyzed %t: the statement with %q uses %q:\n%s", known, statement, bad, plan)
				}
			}
		}
		if plan := explain(t, d, tracer.find("greatest(was"), generic); strings.Contains(plan, "order_turn") {
			t.Errorf("analyzed %t: letting the next one go reads what waits:\n%s", known, plan)
		}
		time.Sleep(time.Until(at.Add(time.Second))) // the lease ends, and the next round claims a head again
		f.head(giant, 1)
	}
}
