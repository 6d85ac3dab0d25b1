package jira

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is [Registrations], [Failures] and [PostFunctions] in memory, for tests and
// for hosts whose apps register anew after a restart. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex
	last     map[string]int64 // the latest ID, by tenant
	owners   map[Owner][]Registration
	failures map[Owner][]Failure // oldest first
	attached map[attachment]struct{}
	retired  map[webhookKey]struct{}
}

var (
	_ Registrations = (*Memory)(nil)
	_ Failures      = (*Memory)(nil)
	_ PostFunctions = (*Memory)(nil)
)

// Register implements [Registrations].
func (m *Memory) Register(ctx context.Context, o Owner, rs []Registration, now time.Time, max int) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	live := 0
	for _, r := range m.owners[o] {
		if !r.Live(now) {
			continue
		}
		if live++; len(rs) > 0 && r.URL != rs[0].URL {
			return nil, ErrOtherURL
		}
	}
	if m.owners == nil {
		m.last, m.owners = make(map[string]int64), make(map[Owner][]Registration)
	}
	ids := make([]int64, len(rs))
	for i, r := range rs {
		if live >= max {
			break
		}
		live++
		m.last[o.Tenant] = cmp.Or(m.last[o.Tenant], firstRegistration-1) + 1
		r = r.clone()
		r.ID = m.last[o.Tenant]
		ids[i] = r.ID
		m.owners[o] = append(m.owners[o], r)
	}
	return ids, nil
}

// Registrations implements [Registrations].
func (m *Memory) Registrations(ctx context.Context, o Owner) ([]Registration, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Registration, len(m.owners[o]))
	for i, r := range m.owners[o] {
		out[i] = r.clone()
	}
	return out, nil
}

// Delete implements [Registrations].
func (m *Memory) Delete(ctx context.Context, o Owner, ids []int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	named := make(map[int64]bool, len(ids))
	for _, id := range ids {
		named[id] = true
	}
	m.keep(o, func(r Registration) bool { return !named[r.ID] })
	return nil
}

// Refresh implements [Registrations].
func (m *Memory) Refresh(ctx context.Context, o Owner, ids []int64, now, until time.Time, max int) (refused []int64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.owners[o]
	live, url := 0, ""
	for _, r := range all {
		if r.Live(now) {
			live++
			url = r.URL
		}
	}
	for _, id := range once(slices.Clone(ids)) {
		i, found := slices.BinarySearchFunc(all, id, func(r Registration, id int64) int { return cmp.Compare(r.ID, id) })
		if !found {
			continue
		}
		r := &all[i]
		if !r.Live(now) {
			if live >= max || live > 0 && r.URL != url {
				refused = append(refused, id)
				continue
			}
			live++
			url = r.URL
		}
		r.ExpiresAt = until
	}
	return refused, nil
}

// Prune implements [Registrations].
func (m *Memory) Prune(ctx context.Context, before time.Time) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for o := range m.owners {
		n += m.keep(o, func(r Registration) bool { return !r.ExpiresAt.Before(before) })
	}
	return n, nil
}

// keep drops the registrations that keep refuses, and returns their number.
func (m *Memory) keep(o Owner, keep func(Registration) bool) (dropped int) {
	had := len(m.owners[o])
	left := slices.DeleteFunc(m.owners[o], func(r Registration) bool { return !keep(r) })
	if len(left) == 0 {
		delete(m.owners, o)
	} else {
		m.owners[o] = left
	}
	return had - len(left)
}

// clone returns a copy that shares no memory.
func (r Registration) clone() Registration {
	r.Events, r.FieldIDs, r.PropertyKeys = slices.Clone(r.Events), slices.Clone(r.FieldIDs), slices.Clone(r.PropertyKeys)
	return r
}
