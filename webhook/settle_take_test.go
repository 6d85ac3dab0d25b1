package webhook

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rule: no call of Settle holds two outcomes of one delivery, because the Store tells by
// the delivery's ID which were lost; each is written in its turn.
func TestSettler_oneOutcomeOfADelivery(t *testing.T) {
	t.Parallel()
	s := newSettler(&Dispatcher{})
	defer s.giveUp()
	add := func(id string, lease int64) {
		s.add(outcome{delivery: &Delivery{ID: id}, settlement: Settlement{ID: id, Lease: lease}})
	}
	type one struct {
		ID    string
		Lease int64
	}
	listed := func(batch []outcome) (out []one) {
		for _, o := range batch {
			out = append(out, one{o.settlement.ID, o.settlement.Lease})
		}
		return out
	}
	add("a", 1)
	add("b", 1)
	batch, _ := s.take(nil)
	add("a", 2) // the write of the batch failed, and its lease has ended meanwhile
	add("c", 1)
	for i, want := range [][]one{{{"a", 1}, {"b", 1}}, {{"a", 2}, {"c", 1}}, nil} {
		if i == 0 {
			batch, _ = s.take(batch)
		} else {
			batch, _ = s.take(emptied(batch))
		}
		if diff := cmp.Diff(want, listed(batch)); diff != "" {
			t.Errorf("batch %d (-want +got):\n%s", i, diff)
		}
	}
}
