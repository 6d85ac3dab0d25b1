package memstore_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func (m *model) create() {
	if len(m.hooks) > 8 {
		return
	}
	m.names++
	w := webhook.Webhook{ID: fmt.Sprintf("wh_%d", m.names), Scope: []string{"a", "b"}[m.r.IntN(2)], Active: m.r.IntN(4) > 0}
	if err := m.s.Create(m.t.Context(), w, 0); err != nil {
		m.t.Fatal(err)
	}
	w.Version = 1
	m.hooks = append(m.hooks, w)
}

// change edits or deletes a webhook.
func (m *model) change() {
	if len(m.hooks) == 0 {
		return
	}
	i := m.r.IntN(len(m.hooks))
	w := m.hooks[i]
	if m.r.IntN(6) == 0 {
		if err := m.s.Delete(m.t.Context(), w.Scope, w.ID); err != nil {
			m.t.Fatal(err)
		}
		m.hooks = slices.Delete(m.hooks, i, i+1)
		for _, d := range m.rows {
			if d.WebhookID == w.ID && d.State == webhook.StatePending && !d.Held {
				end(d, webhook.StateFailed, webhook.CodeCancelled)
			}
		}
		return
	}
	w.Active = m.r.IntN(3) > 0
	w.ExpiresAt = time.Time{}
	if m.r.IntN(3) == 0 {
		w.ExpiresAt = m.now.Add(time.Duration(m.r.IntN(200)-50) * time.Second)
	}
	if err := m.s.Update(m.t.Context(), w); err != nil {
		m.t.Fatal(err)
	}
	w.Version++
	m.hooks[i] = w
}

func end(d *webhook.Delivery, s webhook.State, c webhook.Code) {
	d.State, d.LastCode, d.Held = s, c, false
}

func (m *model) enqueue() {
	var ds []webhook.Delivery
	for range 1 + m.r.IntN(6) {
		scope, id := "a", "wh_unknown"
		if len(m.hooks) > 0 && m.r.IntN(12) > 0 {
			w := m.hooks[m.r.IntN(len(m.hooks))]
			scope, id = w.Scope, w.ID
		}
		event := fmt.Sprintf("evt_%d", m.r.IntN(60))
		d := webhook.Delivery{ID: scope + event + id, EventID: event, WebhookID: id, Scope: scope, Type: "t",
			Lane: []string{id, id, "shared"}[m.r.IntN(3)], CreatedAt: m.now, QueuedAt: m.now,
			Due: m.now.Add(time.Duration(m.r.IntN(40)-20) * time.Second)}
		ds = append(ds, d)
	}
	added, err := m.s.Enqueue(m.t.Context(), ds)
	if err != nil {
		m.t.Fatal(err)
	}
	for i, d := range ds {
		fresh := !slices.ContainsFunc(m.rows, func(o *webhook.Delivery) bool { return o.ID == d.ID })
		if added[i] != fresh {
			m.t.Fatalf("added[%d] = %t, want %t", i, added[i], fresh)
		}
		if fresh {
			m.rows = append(m.rows, &d)
		}
	}
}

func (m *model) claim() {
	c := webhook.Claim{Now: m.now, Until: m.now.Add(30 * time.Second), Limit: 1 + m.r.IntN(8), PerLane: 1 + m.r.IntN(3)}
	if len(m.hooks) > 0 && m.r.IntN(2) == 0 {
		c.Room = map[string]int{m.hooks[m.r.IntN(len(m.hooks))].ID: m.r.IntN(4), "shared": m.r.IntN(5)}
	}
	ready := make(map[string][]*webhook.Delivery)
	var next time.Time
	for _, d := range m.rows {
		switch w := m.hook(d); {
		case d.State != webhook.StatePending:
		case w == nil && (!d.Held || !d.Due.After(m.now)):
			end(d, webhook.StateFailed, webhook.CodeCancelled)
		case w == nil || !w.Live(m.now):
		case !d.Due.After(m.now):
			ready[d.Lane] = append(ready[d.Lane], d)
		}
	}
	want := 0
	for lane, ds := range ready {
		slices.SortStableFunc(ds, func(a, b *webhook.Delivery) int { return a.Due.Compare(b.Due) })
		want += min(len(ds), c.RoomFor(lane))
	}
	b, err := m.s.Claim(m.t.Context(), c)
	if err != nil {
		m.t.Fatal(err)
	}
	if want = min(want, c.Limit); len(b.Deliveries) != want {
		m.t.Fatalf("claimed %d, want %d", len(b.Deliveries), want)
	}
	taken := make(map[string]int)
	for _, got := range b.Deliveries {
		lane := ready[got.Lane]
		if len(lane) == 0 || lane[0].ID != got.ID {
			m.t.Fatalf("claimed %s, which is not the oldest of its lane", got.ID)
		}
		d := lane[0]
		ready[got.Lane] = lane[1:]
		if taken[got.Lane]++; taken[got.Lane] > c.RoomFor(got.Lane) {
			m.t.Fatalf("took %d of lane %s, room for %d", taken[got.Lane], got.Lane, c.RoomFor(got.Lane))
		}
		if d.Held {
			d.Interrupted++
		}
		d.Held, d.Due = true, c.Until
		d.Lease++
		if diff := gocmp.Diff(*d, got, cmpopts.EquateEmpty()); diff != "" {
			m.t.Fatalf("claimed: (-want +got)\n%s", diff)
		}
	}
	for _, d := range m.rows {
		if w := m.hook(d); d.State == webhook.StatePending && w != nil && w.Live(m.now) && d.Due.After(m.now) &&
			(next.IsZero() || d.Due.Before(next)) {
			next = d.Due
		}
	}
	if !b.Next.Equal(next) {
		m.t.Fatalf("Next %v, want %v", b.Next, next)
	}
}

func (m *model) settle() {
	var ss []webhook.Settlement
	for range 1 + m.r.IntN(4) {
		d := m.pick()
		if d == nil || d.Lease == 0 {
			continue
		}
		x := webhook.Settlement{ID: d.ID, Lease: d.Lease - int64(m.r.IntN(2)), State: webhook.State(m.r.IntN(3)),
			Due: m.now.Add(time.Duration(m.r.IntN(60)) * time.Second)}
		if m.r.IntN(3) > 0 {
			x.Result = &webhook.Attempt{Start: m.now, Number: d.Tries + 1}
		}
		if x.State != webhook.StateDelivered {
			x.Code = webhook.CodeStatus
			if x.Result != nil {
				x.Result.Code = x.Code
			}
		}
		ss = append(ss, x)
	}
	lost, err := m.s.Settle(m.t.Context(), ss)
	if err != nil {
		m.t.Fatal(err)
	}
	var wantLost []string
	for _, x := range ss {
		d := m.rows[slices.IndexFunc(m.rows, func(d *webhook.Delivery) bool { return d.ID == x.ID })]
		key := fmt.Sprint(d.ID, x.Lease)
		if x.Lease >= 1 && (x.Result != nil && m.tried[key] || x.Result == nil && x.Lease == d.Lease && !d.Held) { // a repeat
			if x.Lease < d.Lease {
				wantLost = append(wantLost, x.ID)
			}
			continue
		}
		m.tried[key] = m.tried[key] || x.Result != nil
		mine := x.Lease == d.Lease && (d.Held || d.State != webhook.StatePending)
		if !mine {
			wantLost = append(wantLost, x.ID)
		}
		if x.Lease < 1 || d.State != webhook.StatePending || !mine && x.State != webhook.StateDelivered {
			continue
		}
		d.State, d.Held = x.State, false
		if x.State == webhook.StatePending {
			d.Due = x.Due
		} else {
			d.FinishedAt = x.Due
		}
		if x.Code != "" || x.State == webhook.StateDelivered {
			d.LastCode = x.Code
		}
		if x.Result != nil {
			d.Tries++
			if x.Result.Code != "" && d.FirstFailure.IsZero() {
				d.FirstFailure = m.now
			}
		}
	}
	if !slices.Equal(lost, wantLost) {
		m.t.Fatalf("lost %v, want %v", lost, wantLost)
	}
}

func (m *model) requeueOrCancel() {
	d := m.pick()
	if d == nil {
		return
	}
	var want error
	if m.r.IntN(2) == 0 {
		if d.Held {
			want = webhook.ErrHeld
		} else if d.State == webhook.StatePending {
			end(d, webhook.StateFailed, webhook.CodeCancelled)
		}
		if err := m.s.Cancel(m.t.Context(), d.Scope, d.ID); !errors.Is(err, want) {
			m.t.Fatalf("Cancel: %v, want %v", err, want)
		}
		return
	}
	due := m.now.Add(time.Duration(m.r.IntN(30)) * time.Second)
	switch {
	case m.hook(d) == nil:
		want = webhook.ErrNotFound
	case d.Held:
		want = webhook.ErrHeld
	default:
		end(d, webhook.StatePending, "")
		d.Tries, d.Interrupted, d.FirstFailure, d.FinishedAt, d.Due, d.QueuedAt = 0, 0, time.Time{}, time.Time{}, due, due
	}
	if err := m.s.Requeue(m.t.Context(), d.Scope, d.ID, due); !errors.Is(err, want) {
		m.t.Fatalf("Requeue: %v, want %v", err, want)
	}
}

func (m *model) sweep() {
	sw := webhook.Sweep{Now: m.now}
	if m.r.IntN(2) == 0 {
		sw.QueuedBefore = m.now.Add(-time.Duration(m.r.IntN(300)) * time.Second)
	}
	if m.r.IntN(2) == 0 {
		sw.LatestDue = m.now.Add(time.Duration(m.r.IntN(60)) * time.Second)
	}
	if err := m.s.Sweep(m.t.Context(), sw); err != nil {
		m.t.Fatal(err)
	}
	for _, d := range m.rows {
		switch {
		case d.State != webhook.StatePending:
		case m.hook(d) == nil && (!d.Held || !d.Due.After(m.now)):
			end(d, webhook.StateFailed, webhook.CodeCancelled)
		case (!d.Held || !d.Due.After(m.now)) && d.QueuedAt.Before(sw.QueuedBefore):
			if d.Held {
				d.Interrupted++
			}
			end(d, webhook.StateFailed, webhook.CodeExpired)
		case !sw.LatestDue.IsZero() && d.Due.After(sw.LatestDue) && (d.Held || d.Tries > 0 || d.Lease > 0 && !d.Due.Equal(d.QueuedAt)):
			d.Due = sw.LatestDue
		}
	}
}
