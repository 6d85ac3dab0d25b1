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
	registrationtest.RunFailures(t, func(*testing.T) jira.Failures { return new(jira.Memory) })
	registrationtest.RunPostFunctions(t, func(*testing.T) jira.PostFunctions { return new(jira.Memory) })
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
	_, failures := m.Failures(ctx, jira.Owner{}, now, 1)
	_, pruneFailures := m.PruneFailures(ctx, now)
	_, attached := m.Attached(ctx, "", jira.Transition{})
	_, transitions := m.Transitions(ctx, "", "")
	for name, err := range map[string]error{"Register": register, "Registrations": list, "Refresh": refresh, "Prune": prune,
		"Delete": m.Delete(ctx, jira.Owner{}, nil), "Failures": failures, "PruneFailures": pruneFailures, "Attached": attached,
		"Transitions": transitions, "AddFailure": m.AddFailure(ctx, jira.Owner{}, jira.Failure{}),
		"Attach": m.Attach(ctx, "", jira.Transition{}, ""), "Detach": m.Detach(ctx, "", jira.Transition{}, "")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled", name, err)
		}
	}
}
