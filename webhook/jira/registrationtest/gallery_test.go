package registrationtest_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/registrationtest"
)

// broken is a Memory that breaks one rule.
type broken struct {
	jira.Memory
	faults
}

// faults are functions that replace the methods of a broken store.
type faults struct {
	register func(*broken, context.Context, jira.Owner, []jira.Registration, time.Time, int) ([]int64, error)
	list     func(*broken, context.Context, jira.Owner) ([]jira.Registration, error)
	remove   func(*broken, context.Context, jira.Owner, []int64) error
	refresh  func(*broken, context.Context, jira.Owner, []int64, time.Time, time.Time, int) ([]int64, error)
	add      func(*broken, context.Context, jira.Owner, jira.Failure) error
	failures func(*broken, context.Context, jira.Owner, time.Time, int) ([]jira.Failure, error)
	detach   func(*broken, context.Context, string, jira.Transition, string) error
	attach   func(*broken, context.Context, string, jira.Transition, string) error
	retire   func(*broken, context.Context, string, string) error
}

func (b *broken) Register(ctx context.Context, o jira.Owner, rs []jira.Registration, now time.Time, max int) ([]int64, error) {
	if b.register != nil {
		return b.register(b, ctx, o, rs, now, max)
	}
	return b.Memory.Register(ctx, o, rs, now, max)
}

func (b *broken) Registrations(ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
	if b.list != nil {
		return b.list(b, ctx, o)
	}
	return b.Memory.Registrations(ctx, o)
}

func (b *broken) Delete(ctx context.Context, o jira.Owner, ids []int64) error {
	if b.remove != nil {
		return b.remove(b, ctx, o, ids)
	}
	return b.Memory.Delete(ctx, o, ids)
}

func (b *broken) Refresh(ctx context.Context, o jira.Owner, ids []int64, now, until time.Time, max int) ([]int64, error) {
	if b.refresh != nil {
		return b.refresh(b, ctx, o, ids, now, until, max)
	}
	return b.Memory.Refresh(ctx, o, ids, now, until, max)
}

func (b *broken) AddFailure(ctx context.Context, o jira.Owner, f jira.Failure) error {
	if b.add != nil {
		return b.add(b, ctx, o, f)
	}
	return b.Memory.AddFailure(ctx, o, f)
}

func (b *broken) Failures(ctx context.Context, o jira.Owner, after time.Time, limit int) ([]jira.Failure, error) {
	if b.failures != nil {
		return b.failures(b, ctx, o, after, limit)
	}
	return b.Memory.Failures(ctx, o, after, limit)
}

func (b *broken) Attach(ctx context.Context, tenant string, t jira.Transition, webhook string) error {
	if b.attach != nil {
		return b.attach(b, ctx, tenant, t, webhook)
	}
	return b.Memory.Attach(ctx, tenant, t, webhook)
}

func (b *broken) Detach(ctx context.Context, tenant string, t jira.Transition, webhook string) error {
	if b.detach != nil {
		return b.detach(b, ctx, tenant, t, webhook)
	}
	return b.Memory.Detach(ctx, tenant, t, webhook)
}

func (b *broken) Retire(ctx context.Context, tenant, webhook string) error {
	if b.retire != nil {
		return b.retire(b, ctx, tenant, webhook)
	}
	return b.Memory.Retire(ctx, tenant, webhook)
}

// gallery has a store for each mistake, and the case that must find it.
var gallery = map[string]struct {
	faults
	found string
}{
	"counts expired ones": {faults{register: func(b *broken, ctx context.Context, o jira.Owner, rs []jira.Registration, now time.Time, max int) ([]int64, error) {
		return b.Memory.Register(ctx, o, rs, now.Add(-1000*time.Hour), max)
	}}, "the limit counts live ones only"},
	"heeds no limit": {faults{register: func(b *broken, ctx context.Context, o jira.Owner, rs []jira.Registration, now time.Time, _ int) ([]int64, error) {
		return b.Memory.Register(ctx, o, rs, now, 1<<30)
	}}, "what exceeds the limit has ID 0"},
	"counts before it adds": {faults{register: func(b *broken, ctx context.Context, o jira.Owner, rs []jira.Registration, now time.Time, max int) ([]int64, error) {
		have, err := b.Memory.Registrations(ctx, o)
		if err != nil {
			return nil, err
		}
		time.Sleep(time.Millisecond)
		ids, err := b.Memory.Register(ctx, o, rs[:min(len(rs), max-len(have))], now, 1<<30)
		return slices.Concat(ids, make([]int64, len(rs)-len(ids))), err
	}}, "the limit holds for concurrent calls"},
	"one namespace for all apps": {faults{list: func(b *broken, ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
		one, err := b.Memory.Registrations(ctx, jira.Owner{Tenant: o.Tenant, App: "one"})
		if err != nil || o.App == "one" {
			return one, err
		}
		two, err := b.Memory.Registrations(ctx, o)
		return append(one, two...), err
	}}, "owners do not meet"},
	"gives IDs again": {faults{remove: func(b *broken, ctx context.Context, o jira.Owner, ids []int64) error {
		first := jira.Owner{Tenant: o.Tenant, App: "one"}
		have, err := b.Memory.Registrations(ctx, first)
		if err != nil || o == first || len(have) < 2 {
			return b.Memory.Delete(ctx, o, ids)
		}
		b.Memory = jira.Memory{} // and starts to count again
		_, err = b.Memory.Register(ctx, first, have, time.Time{}, len(have))
		return err
	}}, "IDs begin at 1000 and are never used again"},
	"deletes nothing": {faults{remove: func(*broken, context.Context, jira.Owner, []int64) error { return nil }}, "deletion ignores unknown and foreign IDs"},
	"refreshes past the limit": {faults{refresh: func(b *broken, ctx context.Context, o jira.Owner, ids []int64, now, until time.Time, _ int) ([]int64, error) {
		return b.Memory.Refresh(ctx, o, ids, now, until, 1<<30)
	}}, "refresh past the limit is refused per ID"},
	"forgets the filter": {faults{list: func(b *broken, ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
		rs, err := b.Memory.Registrations(ctx, o)
		for i := range rs {
			rs[i].Filter = ""
		}
		return rs, err
	}}, "registered ones come back by ID"},
	"cuts pages at the limit": {faults{failures: func(b *broken, ctx context.Context, o jira.Owner, after time.Time, limit int) ([]jira.Failure, error) {
		fs, err := b.Memory.Failures(ctx, o, after, limit)
		return fs[:min(limit, len(fs))], err
	}}, "pages never split a millisecond"},
	"newest failures first": {faults{failures: func(b *broken, ctx context.Context, o jira.Owner, after time.Time, limit int) ([]jira.Failure, error) {
		fs, err := b.Memory.Failures(ctx, o, after, limit)
		slices.Reverse(fs)
		return fs, err
	}}, "oldest first, and by ID within a millisecond"},
	"shows failures to all": {faults{
		add: func(b *broken, ctx context.Context, _ jira.Owner, f jira.Failure) error {
			return b.Memory.AddFailure(ctx, jira.Owner{}, f)
		},
		failures: func(b *broken, ctx context.Context, _ jira.Owner, after time.Time, limit int) ([]jira.Failure, error) {
			return b.Memory.Failures(ctx, jira.Owner{}, after, limit)
		},
	}, "failures of other owners stay out"},
	"detaches everywhere": {faults{detach: func(b *broken, ctx context.Context, tenant string, _ jira.Transition, webhook string) error {
		ts, err := b.Transitions(ctx, tenant, webhook)
		for _, t := range ts {
			err = b.Memory.Detach(ctx, tenant, t, webhook)
		}
		return err
	}}, "detaching ends one attachment only"},
	"joins workflow and ID": {faults{attach: func(b *broken, ctx context.Context, tenant string, t jira.Transition, webhook string) error {
		return b.Memory.Attach(ctx, tenant, jira.Transition{Workflow: t.Workflow + t.ID}, webhook)
	}}, "workflow and ID are told apart"},
	"retires what is attached": {faults{retire: func(*broken, context.Context, string, string) error { return nil }}, "what transitions trigger is not retired"},
	"attaches what is retired": {faults{retire: func(b *broken, ctx context.Context, tenant, webhook string) error {
		ts, err := b.Transitions(ctx, tenant, webhook)
		if err == nil && len(ts) > 0 {
			err = jira.ErrAttached
		}
		return err
	}}, "nothing is attached to what is retired"},
	"looks before it retires": {faults{
		attach: func(b *broken, ctx context.Context, tenant string, t jira.Transition, webhook string) error {
			if err := b.Memory.Attach(ctx, tenant, t, webhook); err != nil {
				return err
			}
			return b.Memory.Restore(ctx, tenant, webhook)
		},
		retire: func(b *broken, ctx context.Context, tenant, webhook string) error {
			ts, err := b.Transitions(ctx, tenant, webhook)
			if err != nil || len(ts) > 0 {
				return jira.ErrAttached
			}
			time.Sleep(time.Millisecond) // a transition is attached meanwhile
			_ = b.Memory.Retire(ctx, tenant, webhook)
			return nil
		},
	}, "retiring and attaching at once: one of them"},
}

const exhibit = "POSTRIDER_BROKEN_STORE"

// Rule: the suite finds every broken store, by the case about its mistake.
func TestGallery(t *testing.T) {
	t.Parallel()
	for name, g := range gallery {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestExhibit$")
			cmd.Env = append(os.Environ(), exhibit+"="+name)
			out, err := cmd.CombinedOutput()
			want := "--- FAIL: TestExhibit/" + strings.ReplaceAll(g.found, " ", "_") + " "
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%q did not fail (%v):\n%s", want, err, out)
			}
		})
	}
}

// TestExhibit runs the suite against the store that TestGallery names, in its own process, because
// it has to fail. Without a name it runs the suite against a correct store.
func TestExhibit(t *testing.T) {
	name := os.Getenv(exhibit)
	fresh := func() *broken { return &broken{faults: gallery[name].faults} }
	registrationtest.Run(t, func(*testing.T) jira.Registrations { return fresh() })
	registrationtest.RunFailures(t, func(*testing.T) jira.Failures { return fresh() })
	registrationtest.RunPostFunctions(t, func(*testing.T) jira.PostFunctions { return fresh() })
}
