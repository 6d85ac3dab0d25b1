package jira

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// attachment is one webhook at one transition.
type attachment struct {
	tenant  string
	at      Transition
	webhook string
}

// Attach implements [PostFunctions].
func (m *Memory) Attach(ctx context.Context, tenant string, t Transition, webhookID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, retired := m.retired[webhookKey{tenant, webhookID}]; retired {
		return ErrRetired
	}
	if m.attached == nil {
		m.attached = make(map[attachment]struct{})
	}
	m.attached[attachment{tenant, t, webhookID}] = struct{}{}
	return nil
}

// Detach implements [PostFunctions].
func (m *Memory) Detach(ctx context.Context, tenant string, t Transition, webhookID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.attached, attachment{tenant, t, webhookID})
	return nil
}

// Attached implements [PostFunctions].
func (m *Memory) Attached(ctx context.Context, tenant string, t Transition) (ids []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for a := range m.attached {
		if a.tenant == tenant && a.at == t {
			ids = append(ids, a.webhook)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Transitions implements [PostFunctions].
func (m *Memory) Transitions(ctx context.Context, tenant, webhookID string) (ts []Transition, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for a := range m.attached {
		if a.tenant == tenant && a.webhook == webhookID {
			ts = append(ts, a.at)
		}
	}
	slices.SortFunc(ts, func(a, b Transition) int {
		return cmp.Or(strings.Compare(a.Workflow, b.Workflow), strings.Compare(a.ID, b.ID))
	})
	return ts, nil
}

// Retire implements [PostFunctions].
func (m *Memory) Retire(ctx context.Context, tenant, webhookID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for a := range m.attached {
		if a.tenant == tenant && a.webhook == webhookID {
			return ErrAttached
		}
	}
	if m.retired == nil {
		m.retired = make(map[webhookKey]struct{})
	}
	m.retired[webhookKey{tenant, webhookID}] = struct{}{}
	return nil
}

// Restore implements [PostFunctions].
func (m *Memory) Restore(ctx context.Context, tenant, webhookID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.retired, webhookKey{tenant, webhookID})
	return nil
}
