package jira_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	m := new(jira.Memory)
	o := jira.Owner{Tenant: "acme", App: "one"}
	now := time.Now()
	var rs []jira.Registration
	for _, ago := range []time.Duration{-time.Hour, jira.RegistrationGrace - time.Hour, jira.RegistrationGrace + time.Hour} {
		rs = append(rs, jira.Registration{URL: "https://one.example.com/", ExpiresAt: now.Add(-ago)})
	}
	if _, err := m.Register(t.Context(), o, rs, now, 9); err != nil {
		t.Fatal(err)
	}
	fill(t, m, time.Hour, jira.FailureLife-time.Hour, jira.FailureLife+time.Hour)
	if err := jira.Prune(t.Context(), m, m, now); err != nil {
		t.Fatal(err)
	}
	left, err := m.Registrations(t.Context(), o)
	if err != nil || len(left) != 2 {
		t.Errorf("%d registrations are left, %v; want 2", len(left), err)
	}
	failures, err := m.Failures(t.Context(), o, time.Time{}, 9)
	if err != nil || len(failures) != 2 {
		t.Errorf("%d failures are left, %v; want 2", len(failures), err)
	}
	if err := jira.Prune(t.Context(), nil, nil, now); err != nil {
		t.Errorf("without stores: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{jira.Prune(ctx, m, nil, now), jira.Prune(ctx, nil, m, now)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Prune = %v, want the store's error", err)
		}
	}
}
