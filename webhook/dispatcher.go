package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/limiter"
)

// Dispatcher accepts events and sends them. Make one with [New] for each Store. All
// methods are safe for concurrent use.
type Dispatcher struct {
	store    Store
	registry Registry    // this and the following may be nil: what the Store can do
	history  History     //
	pruner   Pruner      //
	notifier Notifier    //
	clock    Clock       //
	sweeper  Sweeper     //
	health   HealthStore //

	profile Profile
	o       Options
	log     *slog.Logger
	limiter *limiter.Limiter
	sender  *sender
	keeper  *keeper
	calls   chan struct{} // bounds the Dispatch calls that wait for the Store

	running atomic.Bool
	paused  atomic.Bool
	wake    chan struct{}
	dbTime  atomic.Pointer[instant]

	mu     sync.Mutex // guards status
	status Status
}

// instant is a reading of the Store's clock beside the process's own.
type instant struct{ store, process time.Time }

const maxCalls = 512

// New returns a Dispatcher for a Store that serves the Profile. It does no I/O and
// starts nothing: Dispatch works at once, sending begins with [Dispatcher.Run]. Nil
// options mean the defaults. Impossible settings are refused with the name of the
// field, a Store that belongs to another Profile with [ErrProfile].
func New(store Store, p Profile, opts *Options) (*Dispatcher, error) {
	if store == nil {
		return nil, errors.New("webhook: New needs a Store")
	}
	d := &Dispatcher{store: store, profile: p, wake: make(chan struct{}, 1), calls: make(chan struct{}, maxCalls)}
	d.registry, _ = store.(Registry)
	d.history, _ = store.(History)
	d.pruner, _ = store.(Pruner)
	d.notifier, _ = store.(Notifier)
	d.clock, _ = store.(Clock)
	d.sweeper, _ = store.(Sweeper)
	d.health, _ = store.(HealthStore)
	if c, ok := store.(interface{ Notifies() bool }); ok && !c.Notifies() {
		d.notifier = nil
	}

	d.o = opts.withDefaults(d.notifier != nil)
	if err := d.o.check(); err != nil {
		return nil, err
	}
	if err := p.check(&d.o); err != nil {
		return nil, err
	}
	var err error
	d.limiter, err = limiter.New(&limiter.Options{
		Total: d.o.Capacity, PerKey: d.o.PerLane, Rate: d.o.Rate, Burst: d.o.Burst,
	})
	if err != nil {
		return nil, fmt.Errorf("webhook: invalid Options: %w", err)
	}
	if b, ok := store.(Binder); ok {
		if err := b.Bind(p.Name); err != nil {
			return nil, fmt.Errorf("webhook: profile %q: %w", p.Name, err)
		}
	}
	d.log = d.o.Logger
	d.sender = newSender(&d.profile, &d.o)
	d.keeper = &keeper{}
	return d, nil
}

// check refuses a Profile that cannot work.
func (p *Profile) check(o *Options) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("webhook: invalid Profile: "+format, args...)
	}
	if !validName(p.Name) {
		return refuse("Name %q must be 1 to 40 letters, digits, - or _", p.Name)
	}
	if err := p.Allow.Validate(); err != nil {
		return refuse("Allow: %w", err)
	}
	if err := p.Retry.Validate(); err != nil {
		return refuse("Retry: %w", err)
	}
	switch {
	case o.History > 0 && p.Retry.Horizon() > o.History:
		return refuse("Retry reaches %v beyond the first failure, Options.History keeps %v only", p.Retry.Horizon(), o.History)
	case p.Retry.Horizon() > p.maxAge():
		return refuse("Retry reaches %v beyond the first failure, MaxAge %v ends deliveries before", p.Retry.Horizon(), p.maxAge())
	case p.MaxPerScope < 0:
		return refuse("MaxPerScope %d must not be negative", p.MaxPerScope)
	case p.MaxBody < 0 || p.MaxBody > maxFanOut:
		return refuse("MaxBody %d must be between 0 and %d", p.MaxBody, maxFanOut)
	case p.MaxAge < 0:
		return refuse("MaxAge %v must not be negative", p.MaxAge)
	case p.DisableAfter < 0:
		return refuse("DisableAfter %v must not be negative", p.DisableAfter)
	}
	return nil
}

func validName(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// now is the time that is passed to the Store: the database's, where the Store tells
// it, and else the process's. Between two readings of the database's clock the monotonic
// clock counts on, so that a jump of the wall clock changes nothing.
func (d *Dispatcher) now() time.Time {
	if i := d.dbTime.Load(); i != nil {
		return i.store.Add(time.Since(i.process))
	}
	return time.Now().UTC().Round(0)
}

// Wake makes Run look for work now. Hosts call it after they committed a transaction
// with [Dispatcher.DispatchTx]; without it the next poll finds the work.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// SetPaused is a stop switch: while true, Run starts no new attempts. What is in flight
// goes on, and Dispatch keeps accepting. It concerns this process only.
func (d *Dispatcher) SetPaused(paused bool) {
	d.paused.Store(paused)
	d.Wake()
}

// Status is what a readiness probe wants to know.
type Status struct {
	// Running: Run is under way. Paused: SetPaused(true) is in force.
	Running, Paused bool
	// InFlight is the number of requests under way, tests included.
	InFlight int
	// LastClaim is when the Store last answered a claim.
	LastClaim time.Time
	// StoreError is why the Store cannot be used right now, nil when it can.
	StoreError error
	// OldestDue is how far behind the queue is: the earliest due time of what the
	// latest claim took. Zero when it found nothing, or the Store cannot tell.
	OldestDue time.Time
}

// Profile returns a copy of the Profile that the Dispatcher was made with.
func (d *Dispatcher) Profile() Profile {
	p := d.profile
	p.Events = slices.Clone(p.Events)
	return p
}

// Status returns how this process is doing. It does no I/O.
func (d *Dispatcher) Status() Status {
	d.mu.Lock()
	s := d.status
	d.mu.Unlock()
	s.Running, s.Paused, s.InFlight = d.running.Load(), d.paused.Load(), d.limiter.InFlight()
	return s
}

func (d *Dispatcher) setStatus(change func(*Status)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.status)
}

const storeTimeout = 10 * time.Second

// storeContext is for bookkeeping that must happen although ctx may have ended.
func (d *Dispatcher) storeContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
}

// protect contains a Store that panics.
func protect(what string, call func() error) (err error) {
	defer contain("Store."+what, &err)
	return call()
}
