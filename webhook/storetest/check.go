package storetest

import (
	"errors"
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

func hookIDs(ws []webhook.Webhook) []string {
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.ID
	}
	return out
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// diff compares two values with labels in the place of names, so that a difference
// shows no hashes. The values may be names, lists of names, deliveries, webhooks or lanes.
func (e *env) diff(want, got any) string {
	named := func(a, b string) bool { return a != b && (e.labelled(a) != a || e.labelled(b) != b) }
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), sameSecret,
		cmp.FilterValues(named, cmpopts.AcyclicTransformer("label", e.labelled)))
}

// sameSecret compares secrets by value; a difference shows no value.
var sameSecret = cmp.Comparer(func(a, b webhook.Secret) bool { return a.Equal(b) })

// wantIDs ends the case unless got has exactly the wanted IDs, in any order.
func (e *env) wantIDs(what string, got []webhook.Delivery, want ...string) {
	if diff := e.diff(e.listed(sorted(want)), e.listed(sorted(ids(got)))); diff != "" {
		e.fatalf("%s: (-want +got)\n%s", what, diff)
	}
}

// wantOrder ends the case unless got has exactly the wanted IDs, in this order.
func (e *env) wantOrder(what string, got []webhook.Delivery, want ...string) {
	if diff := e.diff(e.listed(want), e.listed(ids(got))); diff != "" {
		e.fatalf("%s: (-want +got)\n%s", what, diff)
	}
}

// listed returns the labels of names.
func (e *env) listed(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = e.labelled(name)
	}
	return out
}

// want reports a difference, and the case continues.
func (e *env) want(what string, want, got any) {
	if diff := e.diff(want, got); diff != "" {
		e.errorf("%s: (-want +got)\n%s", what, diff)
	}
}

// wantLanes reports lanes that differ; order and repetitions do not count.
func (e *env) wantLanes(what string, got []webhook.Lane, want ...webhook.Lane) {
	flat := func(ls []webhook.Lane) []string {
		var out []string
		for _, l := range ls {
			out = append(out, fmt.Sprintf("%s %s %q", e.labelled(l.Scope), e.labelled(l.WebhookID), l.Class))
		}
		return slices.Compact(sorted(out))
	}
	e.want(what, flat(want), flat(got))
}

// wantErr reports an error that is not the wanted one.
func (e *env) wantErr(op string, got, want error) {
	if !errors.Is(got, want) {
		e.errorf("%s: error %v, want %v", op, got, want)
	}
}

// one ends the case unless there is a single delivery, and returns it.
func (e *env) one(what string, ds []webhook.Delivery) webhook.Delivery {
	if len(ds) != 1 {
		e.fatalf("%s: got %d deliveries, want 1", what, len(ds))
	}
	return ds[0]
}

// count ends the case unless there are n deliveries, and returns them.
func (e *env) count(what string, n int, ds []webhook.Delivery) []webhook.Delivery {
	if len(ds) != n {
		e.fatalf("%s: got %d deliveries, want %d", what, len(ds), n)
	}
	return ds
}

// none ends the case if there is a delivery.
func (e *env) none(what string, ds []webhook.Delivery) { e.count(what, 0, ds) }

// attempt is the record of a request that ended at the given time.
func attempt(number int, code webhook.Code, end time.Time) *webhook.Attempt {
	a := &webhook.Attempt{Number: number, Code: code, Start: end.Add(-time.Second), Duration: time.Second, Status: 200}
	if code != webhook.CodeOK {
		a.Status, a.Snippet = 503, "busy"
	}
	return a
}

// settlement is the outcome of a delivery's latest lease.
func settlement(d webhook.Delivery, state webhook.State, due time.Time) webhook.Settlement {
	return webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: state, Due: due}
}

// delivered, failed and retried settle a claimed delivery after a request that ended at end;
// released returns the lease without a request.
func delivered(d webhook.Delivery, end time.Time) webhook.Settlement {
	x := settlement(d, webhook.StateDelivered, end)
	x.Result = attempt(d.Attempts+1, webhook.CodeOK, end)
	return x
}

func failed(d webhook.Delivery, end time.Time) webhook.Settlement {
	x := settlement(d, webhook.StateFailed, end)
	x.Code, x.Result = webhook.CodeStatus, attempt(d.Attempts+1, webhook.CodeStatus, end)
	return x
}

func retried(d webhook.Delivery, end, due time.Time) webhook.Settlement {
	x := settlement(d, webhook.StatePending, due)
	x.Code, x.Result = webhook.CodeStatus, attempt(d.Attempts+1, webhook.CodeStatus, end)
	return x
}

func released(d webhook.Delivery, due time.Time) webhook.Settlement {
	return settlement(d, webhook.StatePending, due)
}

// stored returns a delivery and its attempts from the history; ok is false for a Store without History.
func (e *env) stored(scope, id string) (d webhook.Delivery, as []webhook.Attempt, ok bool) {
	h, ok := e.store.(webhook.History)
	if !ok {
		return d, nil, false
	}
	d, as, err := h.Delivery(e.ctx, scope, id)
	e.ok(err, "Delivery "+id)
	return d, as, true
}

// wantState checks the state of a delivery in the history, if the Store has one.
func (e *env) wantState(scope, id string, state webhook.State, code webhook.Code) {
	if d, _, ok := e.stored(scope, id); ok && (d.State != state || d.LastCode != code) {
		e.errorf("delivery %s is %s, want %s", id, describe(d.State, d.LastCode), describe(state, code))
	}
}

func describe(s webhook.State, c webhook.Code) string { return fmt.Sprintf("%v with code %q", s, c) }
