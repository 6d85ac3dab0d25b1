package memstore_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

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

func (m *model) end(d *webhook.Delivery, s webhook.State, c webhook.Code) {
	d.State, d.LastCode, d.Held = s, c, false
	if s != webhook.StatePending {
		d.FinishedAt, d.Due = m.now, m.now
	}
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
			Class: []string{"", "", "second"}[m.r.IntN(3)], CreatedAt: m.now, QueuedAt: m.now,
			Due: m.now.Add(time.Duration(m.r.IntN(40)-20) * time.Second), Body: make([]byte, m.r.IntN(40))}
		if m.r.IntN(4) == 0 {
			d.Held, d.Lease, d.Due = true, m.number(), m.now.Add(30*time.Second)
		}
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

func (m *model) settle() {
	var ss []webhook.Settlement
	for range 1 + m.r.IntN(4) {
		d := m.pick()
		if d == nil || d.Lease == 0 {
			continue
		}
		x := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease - int64(m.r.IntN(2)), State: webhook.State(m.r.IntN(3)),
			Due: m.now.Add(time.Duration(m.r.IntN(60)) * time.Second)}
		if m.r.IntN(3) > 0 {
			x.Result = &webhook.Attempt{Start: m.now, Number: d.Attempts + 1}
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
		if x.Lease >= 1 && (x.Result != nil && m.tried[key] || x.Result == nil && x.Lease == d.Lease && !d.Held) { // a repeated settlement
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
			d.FinishedAt, d.Due = x.Due, x.Due
		}
		if x.Code != "" || x.State == webhook.StateDelivered {
			d.LastCode = x.Code
		}
		if x.Result != nil {
			d.Tries++
			d.Attempts++
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
	if m.r.IntN(2) == 0 {
		want, ended := error(nil), d.State == webhook.StatePending
		if d.Held && d.Due.After(m.now) {
			want, ended = webhook.ErrHeld, false
		} else if ended {
			if d.Held {
				d.Interrupted++
			}
			m.end(d, webhook.StateFailed, webhook.CodeCancelled)
		}
		got, is, err := m.s.Cancel(m.t.Context(), d.Scope, d.ID, m.now)
		if !errors.Is(err, want) || is != ended || err == nil && (got.ID != d.ID || got.State != d.State || got.Body != nil) {
			m.t.Fatalf("Cancel: %v %v, ended %t, %v, want %t, %v", got.ID, got.State, is, err, ended, want)
		}
		return
	}
	var want error
	due := m.now.Add(time.Duration(m.r.IntN(30)) * time.Second)
	switch {
	case m.hook(d) == nil:
		want = webhook.ErrNotFound
	case d.Held:
		want = webhook.ErrHeld
	default:
		m.end(d, webhook.StatePending, "") // the attempts stay
		d.Tries, d.Interrupted, d.FirstFailure, d.FinishedAt, d.Due, d.QueuedAt = 0, 0, time.Time{}, time.Time{}, due, due
	}
	if err := m.s.Requeue(m.t.Context(), d.Scope, d.ID, due); !errors.Is(err, want) {
		m.t.Fatalf("Requeue: %v, want %v", err, want)
	}
}
