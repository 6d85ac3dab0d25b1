package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Option adjusts a run.
type Option func(*config)

type config struct {
	seed  func(ctx context.Context, ws []webhook.Webhook) error
	seal  func(ctx context.Context, w webhook.Webhook, sealed bool) error
	lose  func(lost bool)
	limit time.Duration
}

func configOf(opts []Option) config {
	c := config{limit: 30 * time.Second}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// WithWebhooks sets a function that stores the webhooks of the cases, for a Store without
// [webhook.Registry]. seed must store ws, and replace webhooks whose IDs exist already.
func WithWebhooks(seed func(ctx context.Context, ws []webhook.Webhook) error) Option {
	return func(c *config) { c.seed = seed }
}

// WithUnreadable adds cases for secrets that the Store cannot open: seal makes a stored webhook
// unreadable, as a missing key does, or with sealed false readable again.
func WithUnreadable(seal func(ctx context.Context, w webhook.Webhook, sealed bool) error) Option {
	return func(c *config) { c.seal = seal }
}

// WithLostAnswers proves that a Store returns [webhook.ErrUnknown] where it must. After
// lose(true) the Store's connection executes all statements, but the answers to every
// statement that writes, and to every commit, are lost; lose(false) ends that.
func WithLostAnswers(lose func(lost bool)) Option {
	return func(c *config) { c.lose = lose }
}

// WithTimeout sets the time limit of one case; the default is 30 s.
func WithTimeout(d time.Duration) Option {
	return func(c *config) { c.limit = d }
}

// group is the cases of one interface.
type group struct {
	name  string // of the interface
	has   func(webhook.Store) bool
	cases []testCase
}

// groups are all groups in the order in which RunAll runs them.
func groups() []group {
	return []group{
		{"webhook.Store", func(webhook.Store) bool { return true }, storeCases()},
		{"webhook.Registry", implements[webhook.Registry], registryCases()},
		{"webhook.History", implements[webhook.History], historyCases()},
		{"webhook.Overview", implements[webhook.Overview], overviewCases()},
		{"webhook.Counters", counts, countersCases()},
		{"webhook.Marks", implements[webhook.Marks], marksCases()},
		{"webhook.Pruner", implements[webhook.Pruner], prunerCases()},
		{"webhook.HealthStore", implements[webhook.HealthStore], healthCases()},
		{"webhook.Sweeper", implements[webhook.Sweeper], sweeperCases()},
		{"webhook.KeyOrder", implements[webhook.KeyOrder], orderCases()},
		{"webhook.Clock", implements[webhook.Clock], clockCases()},
		{"webhook.Binder", implements[webhook.Binder], binderCases()},
		{"webhook.Stats", implements[webhook.Stats], statsCases()},
	}
}

// lacking returns a message for a Store that lacks the interface of the group, or "".
func (g group) lacking(s webhook.Store) string {
	if g.has(s) {
		return ""
	}
	return fmt.Sprintf("storetest: %T does not implement %s", s, g.name)
}

func implements[T any](s webhook.Store) bool {
	_, ok := s.(T)
	return ok
}

// Run proves the rules of [webhook.Store].
func Run(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Store", open, opts)
}

// RunRegistry proves the rules of [webhook.Registry], which the Store must implement.
func RunRegistry(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Registry", open, opts)
}

// RunHistory proves the rules of [webhook.History], which the Store must implement.
func RunHistory(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.History", open, opts)
}

// RunOverview proves the rules of [webhook.Overview], which the Store must implement.
func RunOverview(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Overview", open, opts)
}

// RunCounters proves the rules of [webhook.Counters], which the Store must implement and be
// configured for.
func RunCounters(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Counters", open, opts)
}

// RunMarks proves the rules of [webhook.Marks], which the Store must implement.
func RunMarks(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Marks", open, opts)
}

// RunPruner proves the rules of [webhook.Pruner], which the Store must implement.
func RunPruner(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Pruner", open, opts)
}

// RunHealth proves the rules of [webhook.HealthStore], which the Store must implement.
func RunHealth(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.HealthStore", open, opts)
}

// RunSweeper proves the rules of [webhook.Sweeper], which the Store must implement.
func RunSweeper(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Sweeper", open, opts)
}

// RunClock proves the rules of [webhook.Clock], which the Store must implement.
func RunClock(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Clock", open, opts)
}

// RunStats proves the rules of [webhook.Stats], which the Store must implement.
func RunStats(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Stats", open, opts)
}

// RunBinder proves the rules of [webhook.Binder], which the Store must implement. open must
// return a Store that is not bound to a Profile.
func RunBinder(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.Binder", open, opts)
}

// RunAll proves [webhook.Store] and each capability that the Store implements. A
// [webhook.Notifier] connects two Stores; [RunNotifier] proves it. [RunDurable] proves a Store
// that is opened again, and [RunShared] proves two Stores on one database.
func RunAll(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	s := open(t)
	for _, g := range groups() {
		if g.has(s) {
			runGroup(t, g.name, open, opts)
		}
	}
}

func runGroup(t *testing.T, name string, open func(t *testing.T) webhook.Store, opts []Option) {
	t.Helper()
	c := configOf(opts)
	day := 0
	for _, g := range groups() {
		for _, tc := range g.cases {
			day++
			if g.name != name {
				continue
			}
			t.Run(tc.name, func(t *testing.T) {
				s := open(t)
				if lacks := g.lacking(s); lacks != "" {
					t.Fatal(lacks)
				}
				for _, failure := range tc.run(s, c, day) {
					t.Error(failure)
				}
			})
		}
	}
}
