package registrationtest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
)

// RunFailures runs every case against an empty implementation of jira.Failures, which make returns.
// Cases run in parallel.
func RunFailures(t *testing.T, make func(t *testing.T) jira.Failures) {
	each(t, func(t *testing.T) failures { return failures{suite{T: t}, make(t)} }, map[string]func(failures){
		"failures come back whole, to the millisecond": failures.roundTrip,
		"oldest first, and by ID within a millisecond": failures.order,
		"pages never split a millisecond":              failures.pages,
		"the same ID again replaces":                   failures.replaced,
		"failures of other owners stay out":            failures.owners,
		"prune removes what is older":                  failures.prune,
		"what is passed and returned is not shared":    failures.aliasing,
	})
}

// failures is a fresh implementation and a test of it.
type failures struct {
	suite
	f jira.Failures
}

func failure(id string, at time.Time) jira.Failure { return jira.Failure{ID: id, URL: url, At: at} }

func (s failures) add(o jira.Owner, fs ...jira.Failure) {
	s.Helper()
	for _, f := range fs {
		if err := s.f.AddFailure(s.Context(), o, f); err != nil {
			s.Fatalf("AddFailure: %v", err)
		}
	}
}

func (s failures) list(o jira.Owner, after time.Time, limit int) []jira.Failure {
	s.Helper()
	fs, err := s.f.Failures(s.Context(), o, after, limit)
	if err != nil {
		s.Fatalf("Failures: %v", err)
	}
	for i := range fs {
		fs[i].At = fs[i].At.UTC()
	}
	return fs
}

func (s failures) listed(o jira.Owner, after time.Time, limit int) (ids []string) {
	s.Helper()
	for _, f := range s.list(o, after, limit) {
		ids = append(ids, f.ID)
	}
	return ids
}

func (s failures) roundTrip() {
	full := jira.Failure{ID: "dlv_1", URL: url + "?a=ü", Body: []byte("{\"a\":\"\x00ü\"}"), At: now.Add(1500 * time.Microsecond)}
	bare := failure("dlv_2", now.Add(time.Second))
	s.add(acme, full, bare)
	full.At = now.Add(time.Millisecond)
	s.same("failures", []jira.Failure{full, bare}, s.list(acme, time.Time{}, 10))
}

func (s failures) order() {
	s.add(acme, failure("c", now.Add(time.Second)), failure("b", now), failure("a", now.Add(time.Second)), failure("d", now.Add(-time.Hour)))
	s.same("IDs", []string{"d", "b", "a", "c"}, s.listed(acme, time.Time{}, 10))
	s.same("IDs after a time", []string{"a", "c"}, s.listed(acme, now, 10))
	s.same("IDs after the last", []string(nil), s.listed(acme, now.Add(time.Second), 10))
}

func (s failures) pages() {
	for i := range 6 { // 0, 1 2, 3 4 5
		s.add(acme, failure(fmt.Sprint(i), now.Add(time.Duration((i+1)/2*10)*time.Millisecond).Add(time.Duration(i)*time.Microsecond)))
	}
	s.add(acme, failure("6", now.Add(20*time.Millisecond)))
	for _, tc := range []struct {
		after time.Time
		limit int
		want  []string
	}{
		{time.Time{}, 1, []string{"0"}},
		{time.Time{}, 2, []string{"0", "1", "2"}},
		{time.Time{}, 3, []string{"0", "1", "2"}},
		{time.Time{}, 4, []string{"0", "1", "2", "3", "4", "6"}},
		{now.Add(20 * time.Millisecond), 1, []string{"5"}},
		{now.Add(10 * time.Millisecond), 1, []string{"3", "4", "6"}},
	} {
		s.same(fmt.Sprint(tc.limit, " after ", tc.after), tc.want, s.listed(acme, tc.after, tc.limit))
	}
}

func (s failures) replaced() {
	s.add(acme, failure("a", now), failure("b", now.Add(time.Second)), failure("a", now.Add(time.Minute)))
	s.add(other, failure("a", now))
	s.same("IDs", []string{"b", "a"}, s.listed(acme, time.Time{}, 10))
	s.same("of another app", []string{"a"}, s.listed(other, time.Time{}, 10))
}

func (s failures) owners() {
	s.add(acme, failure("a", now))
	s.add(beta, failure("b", now))
	for o, want := range map[jira.Owner][]string{acme: {"a"}, beta: {"b"}, other: nil, {Tenant: "nobody"}: nil} {
		s.same(fmt.Sprint(o), want, s.listed(o, time.Time{}, 10))
	}
}

func (s failures) prune() {
	s.add(acme, failure("a", now.Add(-time.Second)), failure("b", now))
	s.add(beta, failure("c", now.Add(-time.Hour)))
	if n, err := s.f.PruneFailures(s.Context(), now); err != nil || n != 2 {
		s.Errorf("PruneFailures = %d, %v; want 2", n, err)
	}
	s.same("left", []string{"b"}, slices.Concat(s.listed(acme, time.Time{}, 10), s.listed(beta, time.Time{}, 10)))
}

func (s failures) aliasing() {
	f := failure("a", now)
	f.Body = []byte("body")
	s.add(acme, f)
	f.Body[0] = 'X'
	for range 2 {
		fs := s.list(acme, time.Time{}, 1)
		if len(fs) != 1 || !bytes.Equal(fs[0].Body, []byte("body")) {
			s.Fatalf("failures %v", fs)
		}
		fs[0].Body[0] = 'Y'
	}
}
