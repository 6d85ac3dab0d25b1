package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func ids(ds []webhook.Delivery) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.ID
	}
	return out
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// wantIDs ends the case unless the deliveries are these, in any order.
func (e *env) wantIDs(what string, got []webhook.Delivery, want ...string) {
	if diff := cmp.Diff(sorted(want), sorted(ids(got)), cmpopts.EquateEmpty()); diff != "" {
		e.fatalf("%s: (-want +got)\n%s", what, diff)
	}
}

// wantOrder ends the case unless the deliveries are these, in this order.
func (e *env) wantOrder(what string, got []webhook.Delivery, want ...string) {
	if diff := cmp.Diff(want, ids(got), cmpopts.EquateEmpty()); diff != "" {
		e.fatalf("%s: (-want +got)\n%s", what, diff)
	}
}

// want reports a difference and goes on.
func (e *env) want(what string, want, got any) {
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), sameSecret); diff != "" {
		e.errorf("%s: (-want +got)\n%s", what, diff)
	}
}

// sameSecret compares secrets by what they hold; a difference shows none of it.
var sameSecret = cmp.Comparer(func(a, b webhook.Secret) bool { return a.Equal(b) })

// one ends the case unless there is a single delivery, and returns it.
func (e *env) one(what string, ds []webhook.Delivery) webhook.Delivery {
	if len(ds) != 1 {
		e.fatalf("%s: got %d deliveries, want 1", what, len(ds))
	}
	return ds[0]
}

// none ends the case if there is a delivery.
func (e *env) none(what string, ds []webhook.Delivery) {
	if len(ds) != 0 {
		e.fatalf("%s: got %d deliveries, want none", what, len(ds))
	}
}

// attempt is the record of a request that ended at the given time.
func attempt(number int, code webhook.Code, end time.Time) *webhook.Attempt {
	a := &webhook.Attempt{Number: number, Code: code, Start: end.Add(-time.Second), Duration: time.Second, Status: 200}
	if code != webhook.CodeOK {
		a.Status, a.Snippet = 503, "busy"
	}
	return a
}

// delivered, failed and retried settle a claimed delivery after a request that ended at end;
// released gives the lease back without one.
func delivered(d webhook.Delivery, end time.Time) webhook.Settlement {
	return webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StateDelivered, Due: end,
		Result: attempt(d.Tries+1, webhook.CodeOK, end)}
}

func failed(d webhook.Delivery, end time.Time) webhook.Settlement {
	return webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StateFailed, Due: end, Code: webhook.CodeStatus,
		Result: attempt(d.Tries+1, webhook.CodeStatus, end)}
}

func retried(d webhook.Delivery, end, due time.Time) webhook.Settlement {
	return webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StatePending, Due: due, Code: webhook.CodeStatus,
		Result: attempt(d.Tries+1, webhook.CodeStatus, end)}
}

func released(d webhook.Delivery, due time.Time) webhook.Settlement {
	return webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StatePending, Due: due}
}

// stored returns a delivery and its attempts from the history; ok is false for a Store without one.
func (e *env) stored(scope, id string) (d webhook.Delivery, as []webhook.Attempt, ok bool) {
	h, ok := e.store.(webhook.History)
	if !ok {
		return d, nil, false
	}
	d, as, err := h.Delivery(e.ctx, scope, id)
	e.ok(err, "Delivery "+id)
	return d, as, true
}

// wantState checks how the history tells that a delivery stands, if there is one.
func (e *env) wantState(scope, id string, state webhook.State, code webhook.Code) {
	if d, _, ok := e.stored(scope, id); ok && (d.State != state || d.LastCode != code) {
		e.errorf("delivery %s is %s, want %s", id, describe(d.State, d.LastCode), describe(state, code))
	}
}

func describe(s webhook.State, c webhook.Code) string { return fmt.Sprintf("%v with code %q", s, c) }
