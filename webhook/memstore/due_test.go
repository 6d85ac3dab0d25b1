package memstore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

// TestBackwardClock: a call whose Now is before that of an earlier call sees the deliveries that are due at its Now.
func TestBackwardClock(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	w := webhook.Webhook{ID: "short", Scope: "bench", Active: true, ExpiresAt: base.Add(30 * time.Second)}
	if err := s.Create(t.Context(), w, 0); err != nil {
		t.Fatal(err)
	}
	fill(t, s, "wh_1", 0, 1, base)
	fill(t, s, "wh_1", 1, 2, base.Add(time.Minute))
	fill(t, s, "short", 0, 1, base)
	due := func(now time.Time) (names []string, next time.Time) {
		p, err := s.Due(t.Context(), webhook.DueQuery{Now: now, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Lanes {
			names = append(names, l.WebhookID)
		}
		slices.Sort(names)
		return names, p.Next
	}
	if names, _ := due(base.Add(time.Minute)); !slices.Equal(names, []string{"wh_1"}) {
		t.Fatalf("due at the later time: %v", names)
	}
	names, next := due(base)
	if diff := cmp.Diff([]string{"short", "wh_1"}, names); diff != "" {
		t.Errorf("due at the earlier time: (-want +got)\n%s", diff)
	}
	if want := base.Add(time.Minute); next.After(want) || !next.After(base) {
		t.Errorf("Next is %v, want after %v and no later than %v", next, base, want)
	}
	if got := claimAt(t, s, base); len(got) != 2 {
		t.Errorf("claimed %d at the earlier time, want 2", len(got))
	}
}

// TestInactiveIsNotNext: deliveries to an inactive webhook do not wake a host.
func TestInactiveIsNotNext(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "on")
	if err := s.Create(t.Context(), webhook.Webhook{ID: "off", Scope: "bench"}, 0); err != nil {
		t.Fatal(err)
	}
	fill(t, s, "off", 0, 3, base.Add(time.Minute))
	fill(t, s, "on", 0, 1, base.Add(time.Hour))
	p, err := s.Due(t.Context(), webhook.DueQuery{Now: base, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := base.Add(time.Hour); !p.Next.Equal(want) {
		t.Errorf("Next is %v, want %v", p.Next, want)
	}
}

// TestWalks: two walks over the pages of different queries each see every lane, although the Store
// keeps the lanes of one walk only.
func TestWalks(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var want []string
	for i := range 9 {
		id := fmt.Sprintf("wh_%d", i)
		hook(t, s, id)
		fill(t, s, id, 0, 1, base)
		want = append(want, id)
	}
	qs := []webhook.DueQuery{{Now: base, Limit: 2}, {Now: base.Add(time.Second), Limit: 2}}
	names := make([][]string, len(qs))
	for range 6 {
		for i, q := range qs {
			if q.Cursor == "" && len(names[i]) > 0 {
				continue
			}
			p, err := s.Due(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range p.Lanes {
				names[i] = append(names[i], l.WebhookID)
			}
			qs[i].Cursor, qs[i].Now = p.Cursor, q.Now.Add(time.Microsecond)
		}
	}
	for i := range names {
		slices.Sort(names[i])
		if diff := cmp.Diff(want, names[i]); diff != "" {
			t.Errorf("lanes of walk %d: (-want +got)\n%s", i+1, diff)
		}
	}
}

// TestWalkIsKept: the lanes of a walk are collected at its first page and at its last one, although
// the clock goes on from page to page.
func TestWalkIsKept(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for i := range 9 {
		id := fmt.Sprintf("wh_%d", i)
		hook(t, s, id)
		fill(t, s, id, 0, 1, base)
	}
	hook(t, s, "soon")
	fill(t, s, "soon", 0, 1, base.Add(3*time.Microsecond))
	q := webhook.DueQuery{Now: base, Limit: 2}
	lanes := 0
	var kept any
	for i := range 4 {
		p, err := s.Due(t.Context(), q)
		if err != nil || p.Cursor == "" {
			t.Fatalf("page %+v, %v", p, err)
		}
		lanes += len(p.Lanes)
		if i > 0 && s.Walk() != kept {
			t.Errorf("page %d collects the lanes of the Store again", i+1)
		}
		kept = s.Walk()
		q.Cursor, q.Now = p.Cursor, q.Now.Add(time.Microsecond)
	}
	p, err := s.Due(t.Context(), q)
	if err != nil || p.Cursor != "" || lanes+len(p.Lanes) != 9 {
		t.Fatalf("the last page is %+v, %v", p, err)
	}
	if !p.Next.After(q.Now) || p.Next.After(q.Now.Add(time.Microsecond)) {
		t.Errorf("Next is %v, want a time right after %v: a lane has become due during the walk", p.Next, q.Now)
	}
}
