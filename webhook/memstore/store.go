package memstore

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Store keeps webhooks and deliveries in memory. It implements [webhook.Store],
// [webhook.Registry], [webhook.History], [webhook.Overview], [webhook.Counters],
// [webhook.Pruner], [webhook.Marks], [webhook.HealthStore], [webhook.Sweeper],
// [webhook.KeyOrder], [webhook.Stats] and [webhook.Binder].
//
// All methods are safe for concurrent use; they wait for a mutex only. A method whose
// context has ended does nothing and returns the context's error. Arguments are copied.
// Results share no memory with the Store but Delivery.Body, which is read-only for all
// callers. Times are kept to the nanosecond, in UTC.
type Store struct {
	opts Options

	mu     sync.Mutex
	closed bool
	contents
}

// contents is everything that a Store forgets when it is closed.
type contents struct {
	profile string
	scopes  map[string]*scope
	hooks   map[string]*target // existing webhooks by ID
	targets map[targetKey]*target
	rows    map[string]*row // by Delivery.ID
	lanes   map[webhook.Lane]*lane
	health  map[string]webhook.Health // by Webhook.ID; no entry means OK

	due  heap[*lane, byHead]          // lanes with pending rows whose webhook is not inactive
	done heap[*event, byLastFinished] // events whose deliveries all ended
	walk walk                         // of the latest Due with several pages

	load
	sequence, laneIDs int64
	changes           int64 // of webhooks, in all scopes
	bytes             int64 // of all deliveries, see Options.MaxBytes
	marks             heap[*mark, byEnd]
	marksSwept        int // marks that were left after expired ones were last cleared

	// Bounds that a sweep checks before it reads all rows.
	oldestQueued, latestDue, earliestEnd instant
}

// load counts the deliveries of the Store or of a scope.
type load struct {
	pending, ended int
	pendingBytes   int64
}

var (
	_ webhook.Store       = (*Store)(nil)
	_ webhook.Registry    = (*Store)(nil)
	_ webhook.History     = (*Store)(nil)
	_ webhook.Overview    = (*Store)(nil)
	_ webhook.Counters    = (*Store)(nil)
	_ webhook.Pruner      = (*Store)(nil)
	_ webhook.Marks       = (*Store)(nil)
	_ webhook.HealthStore = (*Store)(nil)
	_ webhook.Sweeper     = (*Store)(nil)
	_ webhook.KeyOrder    = (*Store)(nil)
	_ webhook.Stats       = (*Store)(nil)
	_ webhook.Binder      = (*Store)(nil)
)

// New returns an empty Store. It starts no goroutine. An impossible setting is refused
// with the name of its field.
func New(o *Options) (*Store, error) {
	opts := o.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	return &Store{opts: opts, contents: contents{
		scopes: make(map[string]*scope), hooks: make(map[string]*target), targets: make(map[targetKey]*target),
		rows: make(map[string]*row), lanes: make(map[webhook.Lane]*lane), health: make(map[string]webhook.Health),
		sequence:     time.Now().UnixMicro(), // receivers compare the numbers, also across a restart
		oldestQueued: forever, latestDue: never, earliestEnd: forever,
	}}, nil
}

// Close forgets everything. Afterwards every method, Close included, returns
// [webhook.ErrClosed].
func (s *Store) Close() error {
	if err := s.lock(context.Background()); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.closed, s.contents = true, contents{}
	return nil
}

// lock begins a method. Without an error the caller must unlock s.mu.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return webhook.ErrClosed
	}
	return nil
}

// Bind implements [webhook.Binder]: the first Profile's name is remembered, any
// other is refused with [webhook.ErrProfile].
func (s *Store) Bind(profile string) error {
	if err := s.lock(context.Background()); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.profile = cmp.Or(s.profile, profile)
	if s.profile != profile {
		return fmt.Errorf("memstore: bind %q, serves %q: %w", profile, s.profile, webhook.ErrProfile)
	}
	return nil
}

// scope holds the data of one installation or tenant.
type scope struct {
	load
	name    string
	hooks   []*target // oldest first
	changes int64     // the number of the latest change of a webhook
	events  map[string]*event
	done    heap[*event, byLastOfScope]
	marks   map[string]*mark
	log     []*row // by (created, seq), with removed rows
	removed int    // number of removed rows in log
}

func (s *Store) scope(name string) *scope {
	sc := s.scopes[name]
	if sc == nil {
		sc = &scope{name: name, events: make(map[string]*event), marks: make(map[string]*mark)}
		s.scopes[name] = sc
	}
	return sc
}

// release removes a scope that is empty.
func (s *Store) release(sc *scope) {
	if len(sc.hooks) == 0 && len(sc.events) == 0 && len(sc.marks) == 0 {
		delete(s.scopes, sc.name)
	}
}

// Format writes the name of the type for every verb: a Store holds webhooks with their
// credentials.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "memstore.Store") }
