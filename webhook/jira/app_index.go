package jira

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// MaxFilterBytes bounds the filters of an app's live registrations on a tenant, all
// together: a hundred of the longest.
const MaxFilterBytes = MaxRegistrations * jql.MaxLength

const (
	// loadTimeout bounds the look at the registrations of one app.
	loadTimeout = 5 * time.Second
	// indexPatience is how long an event waits for registrations that have changed
	// before it takes what was known of them. Usually it takes far less to look.
	indexPatience = 5 * time.Millisecond
	// firstPatience is how long it waits where nothing was known, for all apps of its
	// tenant together.
	firstPatience = 2 * time.Second
	// maxApps and maxAppBytes bound what is kept of all apps: so many, with so many
	// bytes of filters. What is forgotten is read again.
	maxApps     = 10_000
	maxAppBytes = 64 << 20
)

var (
	errTooLong = fmt.Errorf("jira: the filters of the app's registrations have more than %d bytes", MaxFilterBytes)
	errSlow    = errors.New("jira: the registrations of the app could not be read in time")
)

// apps knows the registrations behind the webhooks of apps. Reading filters is work that
// an app sets the price of, so it is done when a registration is made, see prepare, or in
// a goroutine of its own, once for all that ask; meanwhile events meet what was known
// before. Only the first event after a start waits for it.
type apps struct {
	store   Registrations // nil: there are none
	grammar jql.Grammar
	applies map[string]bool // the events to which JQL applies
	subject func(*payload.Event) (*jql.Prepared, error)
	mu      sync.Mutex
	known   map[Owner]*appState
	size    int // of what is known, in bytes
}

// appState is what is known of one app.
type appState struct {
	current  *registered // nil before the first look
	prepared *registered // made when the webhook was last changed here, for its next version
	flight   *flight     // a look under way
}

// flight is a look at the registrations of one app.
type flight struct {
	done   chan struct{}
	result *registered
	err    error
}

// of returns the registrations behind a webhook. It waits until a time at most.
func (a *apps) of(w *webhook.Webhook, until time.Time) (*registered, error) {
	if a.store == nil {
		return nil, errNoRegistrations
	}
	o := ownerOf(w)
	a.mu.Lock()
	r := a.fitting(o, w)
	a.mu.Unlock()
	if r != nil {
		return r, nil
	}
	return a.await(o, w, until)
}

// begin starts to look at the registrations behind a webhook, if they are not known.
func (a *apps) begin(w *webhook.Webhook) {
	if a.store == nil {
		return
	}
	o := ownerOf(w)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fitting(o, w) == nil {
		a.flight(o, w)
	}
}

// flight returns the look that is under way, or starts one.
func (a *apps) flight(o Owner, w *webhook.Webhook) (s *appState, f *flight) {
	s = a.state(o)
	if s.flight == nil {
		s.flight = &flight{done: make(chan struct{})}
		go a.look(o, *w, s.flight)
	}
	return s, s.flight
}

func ownerOf(w *webhook.Webhook) Owner { return Owner{Tenant: w.Scope, App: w.Attributes[AttrApp]} }

// fitting returns what is known for this version, if it is.
func (a *apps) fitting(o Owner, w *webhook.Webhook) *registered {
	s := a.known[o]
	if s == nil {
		return nil
	}
	if p := s.prepared; !s.current.fits(w) && p.fits(w) {
		a.keep(o, s, p, nil)
	}
	if s.current.fits(w) {
		return s.current
	}
	return nil
}

// await looks at the registrations, or waits for a look that is under way. It takes what
// was known before where that takes too long or fails.
func (a *apps) await(o Owner, w *webhook.Webhook, until time.Time) (r *registered, err error) {
	for range 2 { // the first look may have begun before the registrations changed
		a.mu.Lock()
		if r = a.fitting(o, w); r != nil {
			a.mu.Unlock()
			return r, nil
		}
		s, f := a.flight(o, w)
		old := s.current
		a.mu.Unlock()
		patience := time.Until(until)
		if old != nil {
			patience = indexPatience
		}
		if err = f.wait(patience); err != nil && old != nil {
			return old, nil
		} else if err != nil {
			return nil, &appError{fmt.Errorf("jira: registrations of webhook %s: %w", w.ID, err)}
		}
		if r = f.result; r.fits(w) {
			break
		}
	}
	return r, nil
}

// wait waits for the end of a look. One that has ended counts, however late it is asked.
func (f *flight) wait(patience time.Duration) error {
	timer := time.NewTimer(max(0, patience))
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
		select {
		case <-f.done:
		default:
			return errSlow
		}
	}
	return f.err
}

// look reads the registrations for a version of the webhook.
func (a *apps) look(o Owner, w webhook.Webhook, f *flight) {
	defer close(f.done)
	f.result, f.err = a.read(o)
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(o)
	s.flight = nil
	if f.err == nil {
		f.result.webhook, f.result.stamp = w.ID, stampOf(&w)
		a.keep(o, s, f.result, s.prepared)
	}
}

// prepare reads the registrations of an app whose webhook is about to be stored, so that
// the next event finds them read. What goes wrong here goes wrong again when they are
// needed.
func (a *apps) prepare(w *webhook.Webhook) {
	if a.store == nil {
		return
	}
	o := ownerOf(w)
	r, err := a.read(o)
	if err != nil {
		return
	}
	r.webhook, r.stamp = w.ID, stampOf(w)
	if !w.CreatedAt.Equal(w.UpdatedAt) || w.Version > 1 {
		r.stamp.version++ // an edit stores the next version
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state(o)
	a.keep(o, s, s.current, r)
}

// read reads all live registrations of an app, and the filters that were not read before.
func (a *apps) read(o Owner) (r *registered, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("jira: Registrations panicked")
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	all, err := a.store.Registrations(ctx, o)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	var before []*registered
	if s := a.known[o]; s != nil {
		before = append(before, s.prepared, s.current)
	}
	a.mu.Unlock()
	now := time.Now()
	r = &registered{byID: make(map[int64]*compiledRegistration, len(all))}
	for _, one := range all {
		if one.Live(now) {
			r.add(one, before, &a.grammar)
		}
	}
	return r, nil
}
