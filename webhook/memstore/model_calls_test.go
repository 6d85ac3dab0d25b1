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
		d.FinishedAt = m.now
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

// number is a lease number, above the last one as a rule.
func (m *model) number() int64 {
	m.numbers += int64(m.r.IntN(3))
	return m.numbers - int64(m.r.IntN(4)/3)
}

// ready tells whether a pending delivery may be claimed by its webhook.
func (m *model) ready(d *webhook.Delivery) bool {
	w := m.hook(d)
	return d.State == webhook.StatePending && (w == nil || w.Live(m.now))
}

// lanes are the lanes of which something is pending, and what is due of each, by m.now.
func (m *model) lanes() (names []webhook.Lane, due map[webhook.Lane][]*webhook.Delivery) {
	due = make(map[webhook.Lane][]*webhook.Delivery)
	for _, d := range m.rows {
		if d.State == webhook.StatePending && !slices.Contains(names, d.Lane()) {
			names = append(names, d.Lane())
		}
		if m.ready(d) && !d.Due.After(m.now) {
			due[d.Lane()] = append(due[d.Lane()], d)
		}
	}
	for _, ds := range due {
		slices.SortStableFunc(ds, func(a, b *webhook.Delivery) int { return a.Due.Compare(b.Due) })
	}
	return names, due
}

func (m *model) look() {
	_, due := m.lanes()
	q := webhook.DueQuery{Now: m.now, Limit: 1 + m.r.IntN(4)}
	if m.r.IntN(3) == 0 {
		q.Since = m.now.Add(-time.Duration(m.r.IntN(20)) * time.Second)
	}
	if d := m.pick(); d != nil && m.r.IntN(4) == 0 {
		q.Scope, q.WebhookID = d.Scope, d.WebhookID
	}
	asked := func(d *webhook.Delivery) bool {
		return q.WebhookID == "" || d.Scope == q.Scope && d.WebhookID == q.WebhookID
	}
	var got []webhook.Lane
	var next time.Time
	for {
		p, err := m.s.Due(m.t.Context(), q)
		if err != nil || len(p.Lanes) > q.Limit {
			m.t.Fatal(err, len(p.Lanes))
		}
		got, next = append(got, p.Lanes...), p.Next
		if q.Cursor = p.Cursor; q.Cursor == "" {
			break
		}
	}
	for i, l := range got {
		if len(due[l]) == 0 || !asked(due[l][0]) || slices.Contains(got[:i], l) {
			m.t.Fatalf("Due(%+v) names %v, of which %d are due", q, l, len(due[l]))
		}
	}
	for l, ds := range due {
		newest := slices.ContainsFunc(ds, func(d *webhook.Delivery) bool { return q.Since.IsZero() || d.Due.After(q.Since) })
		if asked(ds[0]) && newest && !slices.Contains(got, l) {
			m.t.Fatalf("Due(%+v) does not name %v", q, l)
		}
	}
	var want time.Time
	for _, d := range m.rows {
		if asked(d) && m.ready(d) && d.Due.After(m.now) && (want.IsZero() || d.Due.Before(want)) {
			want = d.Due
		}
	}
	if !want.IsZero() && (next.After(want) || !next.After(m.now)) {
		m.t.Fatalf("Next is %v, want after %v and no later than %v", next, m.now, want)
	}
}

func (m *model) claim() {
	c := webhook.Claim{Now: m.now, Until: m.now.Add(30 * time.Second), Lease: m.number(), MaxBytes: m.r.IntN(3) * 50}
	if m.r.IntN(4) == 0 && m.last.Lease > 0 { // its answer was lost
		c = m.last
		c.Until = c.Until.Add(time.Duration(m.r.IntN(2)) * time.Second)
	} else {
		names, _ := m.lanes()
		m.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, l := range names[:min(len(names), 1+m.r.IntN(4))] {
			c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: l, Most: 1 + m.r.IntN(4)})
		}
	}
	m.last = c
	now := m.now
	m.now = c.Now
	want, short := m.taken(c)
	m.now = now
	b, err := m.s.Claim(m.t.Context(), c)
	if err != nil {
		m.t.Fatal(err)
	}
	if diff := gocmp.Diff(want, b.Deliveries, cmpopts.EquateEmpty()); diff != "" {
		m.t.Fatalf("claimed: (-want +got)\n%s", diff)
	}
	if diff := gocmp.Diff(short, b.Short, cmpopts.EquateEmpty()); diff != "" {
		m.t.Fatalf("short: (-want +got)\n%s", diff)
	}
	for _, d := range want {
		has := slices.ContainsFunc(b.Webhooks, func(w webhook.Webhook) bool { return w.ID == d.WebhookID && w.Scope == d.Scope })
		if has != (m.hook(&d) != nil) {
			m.t.Fatalf("webhook %s of a delivery is returned %t", d.WebhookID, has)
		}
	}
}

// taken applies a claim to the model and returns its answer.
func (m *model) taken(c webhook.Claim) (all []webhook.Delivery, short []webhook.Lane) {
	_, due := m.lanes()
	size := 0
	for _, l := range c.Lanes {
		var again []*webhook.Delivery
		for _, d := range m.rows {
			if d.Lane() == l.Lane && m.ready(d) && d.Held && d.Lease == c.Lease && d.Due.After(c.Now) {
				again = append(again, d)
			}
		}
		ds := append(again, due[l.Lane]...)
		for i, d := range ds[:min(len(ds), l.Most)] {
			if c.MaxBytes > 0 && size+len(d.Body) > c.MaxBytes && len(all) > 0 {
				short = append(short, l.Lane)
				break
			}
			size += len(d.Body)
			former := c.Now
			if i >= len(again) {
				if former = d.Due; d.Held {
					d.Interrupted++
				}
				d.Lease = max(d.Lease+1, c.Lease)
			}
			d.Held, d.Due = true, c.Until
			got := *d
			got.Due = former
			all = append(all, got)
		}
	}
	return all, short
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
		m.end(d, webhook.StatePending, "")
		d.Tries, d.Interrupted, d.FirstFailure, d.FinishedAt, d.Due, d.QueuedAt = 0, 0, time.Time{}, time.Time{}, due, due
	}
	if err := m.s.Requeue(m.t.Context(), d.Scope, d.ID, due); !errors.Is(err, want) {
		m.t.Fatalf("Requeue: %v, want %v", err, want)
	}
}

func (m *model) sweep() {
	sw := webhook.Sweep{Now: m.now, Gone: m.r.IntN(2) == 0}
	limit := func(seconds int) (t time.Time) {
		if m.r.IntN(2) == 0 {
			t = m.now.Add(time.Duration(1+m.r.IntN(seconds)) * time.Second)
		}
		return t
	}
	sw.LatestRetry, sw.LatestLease = limit(60), limit(40)
	if m.r.IntN(2) == 0 {
		sw.QueuedBefore = m.now.Add(-time.Duration(m.r.IntN(300)) * time.Second)
	}
	var got []string
	for most := 1 + m.r.IntN(5); ; {
		ended, more, err := m.s.Sweep(m.t.Context(), sw, most)
		if err != nil || len(ended) > most || more && len(ended) < most {
			m.t.Fatalf("Sweep ended %d of %d, more %t, %v", len(ended), most, more, err)
		}
		for _, d := range ended {
			got = append(got, d.ID+string(d.LastCode))
		}
		if !more {
			break
		}
	}
	var want []string
	for _, d := range m.rows {
		past := func(t time.Time) bool { return !t.IsZero() && d.Due.After(t) }
		code := webhook.Code("")
		switch {
		case d.State != webhook.StatePending:
			continue
		case d.Held && d.Due.After(m.now):
			if past(sw.LatestLease) {
				d.Due = sw.LatestLease
			}
			continue
		case sw.Gone && m.hook(d) == nil:
			code = webhook.CodeCancelled
		case d.QueuedAt.Before(sw.QueuedBefore):
			code = webhook.CodeExpired
		case !d.Held && d.Tries > 0 && past(sw.LatestRetry):
			d.Due = sw.LatestRetry
			continue
		case !d.Held && d.Tries == 0 && d.Due.Equal(d.CreatedAt) && past(sw.LatestLease):
			d.Due = m.now
			continue
		default:
			continue
		}
		if d.Held {
			d.Interrupted++
		}
		m.end(d, webhook.StateFailed, code)
		want = append(want, d.ID+string(code))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.t.Fatalf("a sweep ended %v, want %v", got, want)
	}
}
