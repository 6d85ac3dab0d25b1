package jira_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/registrationtest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	registrationtest.Run(t, func(*testing.T) jira.Registrations { return new(jira.Memory) })
}

func TestMemory_heedsItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var m jira.Memory
	now := time.Unix(0, 0)
	_, register := m.Register(ctx, jira.Owner{}, nil, now, 1)
	_, list := m.Registrations(ctx, jira.Owner{})
	_, refresh := m.Refresh(ctx, jira.Owner{}, nil, now, now, 1)
	_, prune := m.Prune(ctx, now)
	for name, err := range map[string]error{"Register": register, "Registrations": list, "Refresh": refresh, "Prune": prune,
		"Delete": m.Delete(ctx, jira.Owner{}, nil)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled", name, err)
		}
	}
}
