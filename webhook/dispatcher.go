package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"

	"golang.org/x/sync/semaphore"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// Dispatcher accepts events and sends them. Make one with [New] for each Store. All
// methods are safe for concurrent use.
type Dispatcher struct {
	store Store
	// capabilities of the Store, nil where it lacks them
	registry Registry
	history  History
	pruner   Pruner
	notifier Notifier
	clock    Clock
	sweeper  Sweeper
	health   HealthStore
	cache    WebhookCache
	marks    Marks
	keys     KeyOrder

	profile      Profile
	o            Options
	log          *slog.Logger
	calls        *semaphore.Weighted // bounds the Dispatch calls that wait for the Store
	sender       *sender
	engine       *engine
	status       status
	certWarnings certificateWarnings

	running   atomic.Bool
	clockUsed atomic.Bool // the Store's clock was used since it was read
	dbTime    atomic.Pointer[instant]
	sending   atomic.Pointer[context.Context] // of requests; ends when the drain period is over
	storing   atomic.Pointer[context.Context] // of calls to the Store; ends when Run gives up on it
}

const maxCalls = 512

// New returns a Dispatcher for a Store that serves the Profile. It does no I/O and
// starts nothing: Dispatch works at once, sending begins with [Dispatcher.Run]. Nil
// options mean the defaults. Impossible settings are refused with an [ErrInvalid] that names the
// field, a Store that belongs to another Profile with [ErrProfile].
func New(store Store, p Profile, opts *Options) (*Dispatcher, error) {
	if v := reflect.ValueOf(store); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("%w Store: New needs one and got nil, check the error of the Store's constructor", ErrInvalid)
	}
	p.addCatalogueEvents()
	d := &Dispatcher{store: store, profile: p, calls: semaphore.NewWeighted(maxCalls)}
	if r, ok := store.(Registry); ok {
		d.registry = containedRegistry{r}
	}
	if h, ok := store.(History); ok {
		d.history = containedHistory{h}
	}
	d.pruner, _ = store.(Pruner)
	d.notifier, _ = store.(Notifier)
	d.clock, _ = store.(Clock)
	d.sweeper, _ = store.(Sweeper)
	d.health, _ = store.(HealthStore)
	d.cache, _ = store.(WebhookCache)
	d.marks, _ = store.(Marks)
	if k, ok := store.(KeyOrder); ok {
		d.keys = containedKeyOrder{k}
	}
	if c, ok := store.(interface{ Notifies() bool }); ok {
		notifies, err := protectRead("Notifies", func() (bool, error) { return c.Notifies(), nil })
		if err != nil {
			return nil, err
		}
		if !notifies {
			d.notifier = nil
		}
	}

	d.o = opts.withDefaults(d.notifier != nil)
	if err := d.o.check(); err != nil {
		return nil, err
	}
	if err := p.check(&d.o); err != nil {
		return nil, err
	}
	if b, ok := store.(Binder); ok {
		if err := protect("Bind", func() error { return b.Bind(p.Name) }); err != nil {
			return nil, fmt.Errorf("webhook: profile %q: %w", p.Name, err)
		}
	}
	d.log = d.o.Logger
	d.sender = newSender(&d.profile, &d.o)
	d.engine = newEngine(d)
	return d, nil
}

// check refuses a Profile that cannot work.
func (p *Profile) check(o *Options) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w Profile: "+format, append([]any{ErrInvalid}, args...)...)
	}
	if !validName(p.Name) {
		return refuse("Name %q must be 1 to 40 letters, digits, - or _", p.Name)
	}
	if err := p.Allow.Validate(); err != nil {
		return refuse("Allow: %w", err)
	}
	if err := p.Form.AllowToken.Validate(); err != nil {
		return refuse("Form.AllowToken: %w", err)
	}
	if i := slices.IndexFunc(p.Form.Auth, func(s AuthScheme) bool { return !s.known() }); i >= 0 {
		return refuse("Form.Auth: %q is no scheme", p.Form.Auth[i])
	}
	if err := p.Retry.Validate(); err != nil {
		return refuse("Retry: %w", err)
	}
	switch {
	case o.History > 0 && p.Retry.Horizon() > o.History:
		return refuse("Retry reaches %v beyond the first failure, Options.History keeps %v only", p.Retry.Horizon(), o.History)
	case p.Retry.Horizon() > p.maxAge():
		return refuse("Retry reaches %v beyond the first failure, MaxAge %v ends deliveries before", p.Retry.Horizon(), p.maxAge())
	case slices.ContainsFunc(p.Form.Events, func(e string) bool { return strings.Contains(e, "*") }):
		return refuse(`Form.Events must hold no "*": it is for a webhook's Events`)
	case p.Form.MaxPerScope < 0:
		return refuse("Form.MaxPerScope %d must not be negative", p.Form.MaxPerScope)
	case p.MaxBody < 0 || p.MaxBody > maxFanOut:
		return refuse("MaxBody %d must be between 0 and %d", p.MaxBody, maxFanOut)
	case p.MaxAge < 0:
		return refuse("MaxAge %v must not be negative", p.MaxAge)
	case p.DisableAfter < 0:
		return refuse("DisableAfter %v must not be negative", p.DisableAfter)
	}
	if i := slices.IndexFunc(p.Form.Orders, func(o OrderPolicy) bool { return !o.known() }); i >= 0 {
		return refuse("Form.Orders has %q, allowed are skip, block and hold", p.Form.Orders[i])
	}
	return nil
}

func validName(s string) bool { return s != "" && len(s) <= 40 && isName(s) }

// isName reports whether a text holds only ASCII letters, digits, - and _.
func isName(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !ascii.IsAlnum(byte(r)) && r != '-' && r != '_' })
}

// Wake makes Run look for work now, here and, where the Store is a [Notifier], on the other
// hosts. A host calls it after it committed a transaction with [Dispatcher.DispatchTx], also
// in a process without Run; without it the next poll finds the work.
func (d *Dispatcher) Wake() {
	d.engine.post(scheduler.Woken{})
	d.engine.post(scheduler.Announced{})
}

// SetPaused stops and resumes sending in this process. While paused, Run starts no new attempts and
// gives back its claimed deliveries. Requests in flight continue, and Dispatch accepts events.
func (d *Dispatcher) SetPaused(paused bool) { d.engine.post(scheduler.Paused{On: paused}) }

// Profile returns a copy of the Profile that the Dispatcher was made with.
func (d *Dispatcher) Profile() Profile {
	p := d.profile
	p.Form.Events, p.Form.Auth = slices.Clone(p.Form.Events), slices.Clone(p.Form.Auth)
	p.Form.Orders = slices.Clone(p.Form.Orders)
	return p
}

// protect calls a Store and turns a panic into an error.
func protect(what string, call func() error) (err error) {
	defer contain("Store."+what, &err)
	return call()
}
