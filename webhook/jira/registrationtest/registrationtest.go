// Package registrationtest proves implementations of jira.Registrations,
// jira.Failures and jira.PostFunctions. It is for tests only:
//
//	registrationtest.Run(t, func(t *testing.T) jira.Registrations { return newMine(t) })
//	registrationtest.RunFailures(t, func(t *testing.T) jira.Failures { return newMine(t) })
//	registrationtest.RunPostFunctions(t, func(t *testing.T) jira.PostFunctions { return newMine(t) })
package registrationtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/jira"
)

var (
	acme  = jira.Owner{Tenant: "acme", App: "one"}
	other = jira.Owner{Tenant: "acme", App: "two"}
	beta  = jira.Owner{Tenant: "beta", App: "one"}
	now   = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
)

const url = "https://one.example.com/received"

// suite is a fresh implementation and a test of it.
type suite struct {
	*testing.T
	r jira.Registrations
}

// Run runs every case of jira.Registrations against an empty implementation, which make returns.
// Cases run in parallel.
func Run(t *testing.T, make func(t *testing.T) jira.Registrations) {
	each(t, func(t *testing.T) suite { return suite{t, make(t)} }, map[string]func(suite){
		"registered ones come back by ID":                 suite.roundTrip,
		"IDs begin at 1000 and are never used again":      suite.ids,
		"the limit counts live ones only":                 suite.limit,
		"what exceeds the limit has ID 0":                 suite.surplus,
		"the limit holds for concurrent calls":            suite.concurrent,
		"a second URL is refused while another is live":   suite.otherURL,
		"owners do not meet":                              suite.owners,
		"deletion ignores unknown and foreign IDs":        suite.deletion,
		"refresh sets the expiry and ignores unknown IDs": suite.refresh,
		"refresh past the limit is refused per ID":        suite.refreshLimit,
		"refresh of another URL is refused per ID":        suite.refreshURL,
		"prune removes what expired before":               suite.prune,
		"what is passed and returned is not shared":       suite.aliasing,
	})
}

// each runs the cases in parallel, each with a value of fresh.
func each[S any](t *testing.T, fresh func(*testing.T) S, cases map[string]func(S)) {
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(fresh(t))
		})
	}
}

// registration returns a registration that lives until a time; filter identifies it.
func registration(filter string, until time.Time) jira.Registration {
	return jira.Registration{URL: url, Filter: filter, Events: []string{"jira:issue_updated"}, CreatedAt: now, ExpiresAt: until}
}

// many makes live registrations.
func many(n int) []jira.Registration {
	rs := make([]jira.Registration, n)
	for i := range rs {
		rs[i] = registration(fmt.Sprint("project = P", i), now.Add(time.Hour))
	}
	return rs
}

func (s suite) register(o jira.Owner, max int, rs ...jira.Registration) []int64 {
	s.Helper()
	ids, err := s.r.Register(s.Context(), o, rs, now, max)
	if err != nil || len(ids) != len(rs) {
		s.Fatalf("Register = %v, %v; want %d IDs", ids, err, len(rs))
	}
	return ids
}

func (s suite) list(o jira.Owner) []jira.Registration {
	s.Helper()
	rs, err := s.r.Registrations(s.Context(), o)
	if err != nil {
		s.Fatalf("Registrations: %v", err)
	}
	return rs
}

func (s suite) listed(o jira.Owner) (ids []int64) {
	s.Helper()
	for _, r := range s.list(o) {
		ids = append(ids, r.ID)
	}
	return ids
}

func (s suite) same(what string, want, got any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (s suite) roundTrip() {
	full := jira.Registration{URL: url, Filter: "status = 'Dön\\'e'", Events: []string{"jira:issue_updated", "comment_created"},
		FieldIDs: []string{"summary"}, PropertyKeys: []string{"k"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	expired := registration("", now.Add(-time.Hour))
	ids := s.register(acme, 10, full, expired)
	full.ID, expired.ID = ids[0], ids[1]
	s.same("registrations", []jira.Registration{full, expired}, s.list(acme))
	if ids := s.register(acme, 10); len(ids) != 0 {
		s.Errorf("registering nothing gave %v", ids)
	}
}

func (s suite) ids() {
	s.same("first IDs", []int64{1000, 1001}, s.register(acme, 10, many(2)...))
	s.same("the tenant's other app", []int64{1002}, s.register(other, 10, many(1)...))
	if err := s.r.Delete(s.Context(), other, []int64{1002}); err != nil {
		s.Fatal(err)
	}
	s.same("after a deletion", []int64{1003}, s.register(other, 10, many(1)...))
}

func (s suite) limit() {
	s.register(acme, 3, registration("", now), registration("", now.Add(-time.Hour)), registration("", now.Add(time.Hour)))
	ids := s.register(acme, 3, many(3)...)
	if ids[0] == 0 || ids[1] == 0 || ids[2] != 0 {
		s.Errorf("IDs %v: want two beside the live one", ids)
	}
}

func (s suite) surplus() {
	s.same("IDs", []int64{1000, 1001, 0, 0}, s.register(acme, 2, many(4)...))
	s.same("IDs of a full owner", []int64{0}, s.register(acme, 2, many(1)...))
	s.same("stored", []int64{1000, 1001}, s.listed(acme))
}

func (s suite) concurrent() {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.r.Register(s.Context(), acme, many(3), now, 10); err != nil {
				s.Errorf("Register: %v", err)
			}
		})
	}
	wg.Wait()
	ids := s.listed(acme)
	unique := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) != 10 || len(unique) != 10 {
		s.Errorf("%d registrations with %d IDs, want 10", len(ids), len(unique))
	}
}

func (s suite) otherURL() {
	s.register(acme, 10, many(1)...)
	second := registration("", now.Add(time.Hour))
	second.URL = "https://two.example.com/"
	if ids, err := s.r.Register(s.Context(), acme, []jira.Registration{second}, now, 10); !errors.Is(err, jira.ErrOtherURL) {
		s.Errorf("Register with another URL = %v, %v; want ErrOtherURL", ids, err)
	}
	s.same("stored", []int64{1000}, s.listed(acme))
	if _, err := s.r.Register(s.Context(), acme, []jira.Registration{second}, now.Add(time.Hour), 10); err != nil {
		s.Errorf("Register once the other has expired: %v", err)
	}
}

func (s suite) owners() {
	a, b := s.register(acme, 1, many(1)...), s.register(beta, 1, many(1)...)
	c := s.register(other, 1, many(1)...)
	for _, o := range []jira.Owner{other, beta} {
		if err := s.r.Delete(s.Context(), o, []int64{a[0] + 100}); err != nil {
			s.Fatal(err)
		}
	}
	if err := s.r.Delete(s.Context(), other, a); err != nil {
		s.Fatal(err)
	}
	if _, err := s.r.Refresh(s.Context(), other, a, now, now.Add(48*time.Hour), 9); err != nil {
		s.Fatal(err)
	}
	s.same("of acme", a, s.listed(acme))
	s.same("of beta", b, s.listed(beta))
	s.same("of the tenant's other app", c, s.listed(other))
	for _, r := range s.list(acme) {
		if !r.ExpiresAt.Equal(now.Add(time.Hour)) {
			s.Errorf("another app's refresh moved the expiry to %v", r.ExpiresAt)
		}
	}
	if got := s.list(jira.Owner{Tenant: "nobody"}); len(got) != 0 {
		s.Errorf("an unknown owner has %v", got)
	}
}

func (s suite) deletion() {
	ids := s.register(acme, 10, many(3)...)
	for range 2 {
		if err := s.r.Delete(s.Context(), acme, []int64{ids[1], 999_999}); err != nil {
			s.Fatal(err)
		}
	}
	s.same("left", []int64{ids[0], ids[2]}, s.listed(acme))
}

func (s suite) refresh() {
	ids := s.register(acme, 10, registration("", now.Add(time.Hour)), registration("", now.Add(-time.Hour)), registration("", now.Add(time.Hour)))
	until := now.Add(48 * time.Hour)
	refused, err := s.r.Refresh(s.Context(), acme, []int64{ids[1], ids[0], 999_999, ids[0]}, now, until, 10)
	if err != nil || len(refused) != 0 {
		s.Errorf("Refresh = %v, %v", refused, err)
	}
	var got []time.Time
	for _, r := range s.list(acme) {
		got = append(got, r.ExpiresAt.UTC())
	}
	s.same("expiries", []time.Time{until, until, now.Add(time.Hour)}, got)
}

func (s suite) refreshLimit() {
	old := registration("", now.Add(-time.Hour))
	ids := s.register(acme, 3, registration("", now.Add(time.Hour)), old, old)
	refused, err := s.r.Refresh(s.Context(), acme, []int64{ids[2], ids[1], ids[0]}, now, now.Add(48*time.Hour), 2)
	if err != nil {
		s.Fatal(err)
	}
	s.same("refused", []int64{ids[1]}, refused)
	live := 0
	for _, r := range s.list(acme) {
		if r.Live(now) {
			live++
		}
	}
	if live != 2 {
		s.Errorf("%d are live, want 2", live)
	}
}

func (s suite) refreshURL() {
	old := registration("", now.Add(-time.Hour))
	ids := s.register(acme, 10, old)
	second := registration("", now.Add(time.Hour))
	second.URL = "https://two.example.com/"
	s.register(acme, 10, second)
	refused, err := s.r.Refresh(s.Context(), acme, ids, now, now.Add(48*time.Hour), 10)
	if err != nil {
		s.Fatal(err)
	}
	s.same("refused", ids, refused)
}

func (s suite) prune() {
	ids := s.register(acme, 10, registration("", now), registration("", now.Add(-time.Second)), registration("", now.Add(time.Hour)))
	s.register(beta, 10, registration("", now.Add(-time.Second)))
	n, err := s.r.Prune(s.Context(), now)
	if err != nil || n != 2 {
		s.Errorf("Prune = %d, %v; want 2", n, err)
	}
	s.same("left", []int64{ids[0], ids[2]}, s.listed(acme))
	s.same("left of beta", []int64(nil), s.listed(beta))
}

func (s suite) aliasing() {
	r := registration("", now.Add(time.Hour))
	s.register(acme, 10, r)
	r.Events[0] = "changed by the caller"
	for range 2 {
		rs := s.list(acme)
		if len(rs) != 1 || len(rs[0].Events) != 1 {
			s.Fatalf("registrations %v", rs)
		}
		s.same("events", []string{"jira:issue_updated"}, slices.Clone(rs[0].Events))
		rs[0].Events[0] = "changed by the reader"
	}
}
