package memstore_test

import (
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

// number returns a lease number, mostly above the last one.
func (m *model) number() int64 {
	m.numbers += int64(m.r.IntN(3))
	return m.numbers - int64(m.r.IntN(4)/3)
}

// ready reports whether the webhook of a pending delivery allows a claim.
func (m *model) ready(d *webhook.Delivery) bool {
	w := m.hook(d)
	return d.State == webhook.StatePending && (w == nil || w.Live(m.now))
}

// lanes returns the lanes that have pending deliveries, and the deliveries of each that are due at m.now.
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
	for pages := 0; ; pages++ {
		if pages > len(m.rows) {
			m.t.Fatalf("Due(%+v) has no end", q)
		}
		p, err := m.s.Due(m.t.Context(), q)
		if err != nil || len(p.Lanes) > q.Limit {
			m.t.Fatal(err, len(p.Lanes))
		}
		got, next = append(got, p.Lanes...), p.Next
		if q.Cursor = p.Cursor; q.Cursor == "" {
			break
		}
		q.Now = q.Now.Add(time.Microsecond) // as the clock does
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
	if m.r.IntN(4) == 0 && m.last.Lease > 0 { // repeats the claim, as if its answer were lost
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
	if diff := gocmp.Diff(want, unnumbered(b.Deliveries), cmpopts.EquateEmpty()); diff != "" {
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
