package jira

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// AddFailure implements [Failures].
func (m *Memory) AddFailure(ctx context.Context, o Owner, f Failure) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.At, f.Body = f.At.Truncate(time.Millisecond), slices.Clone(f.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failures == nil {
		m.failures = make(map[Owner][]Failure)
	}
	fs := slices.DeleteFunc(m.failures[o], func(old Failure) bool { return old.ID == f.ID })
	at, _ := slices.BinarySearchFunc(fs, f, compareFailures)
	m.failures[o] = slices.Insert(fs, at, f)
	return nil
}

func compareFailures(a, b Failure) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
}

// Failures implements [Failures].
func (m *Memory) Failures(ctx context.Context, o Owner, after time.Time, limit int) ([]Failure, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fs := m.failures[o]
	from, _ := slices.BinarySearchFunc(fs, after, func(f Failure, after time.Time) int {
		if f.At.After(after) {
			return 1
		}
		return -1
	})
	fs = fs[from:]
	n := min(limit, len(fs))
	for n > 0 && n < len(fs) && fs[n].At.Equal(fs[n-1].At) {
		n++
	}
	out := slices.Clone(fs[:n])
	for i := range out {
		out[i].Body = slices.Clone(out[i].Body)
	}
	return out, nil
}

// PruneFailures implements [Failures].
func (m *Memory) PruneFailures(ctx context.Context, before time.Time) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for o, fs := range m.failures {
		left := slices.DeleteFunc(fs, func(f Failure) bool { return f.At.Before(before) })
		n += len(fs) - len(left)
		if m.failures[o] = left; len(left) == 0 {
			delete(m.failures, o)
		}
	}
	return n, nil
}
