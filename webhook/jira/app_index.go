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

// MaxFilterBytes bounds the filters of an app's live registrations on a tenant together: a hundred
// of the longest.
const MaxFilterBytes = MaxRegistrations * jql.MaxLength

const (
	// loadTimeout bounds reading the registrations of one app.
	loadTimeout = 5 * time.Second
	// indexPatience is how long an event waits for changed registrations before it uses the old
	// ones. Reading them usually takes far less.
	indexPatience = 5 * time.Millisecond
	// firstPatience is how long an event waits without old registrations, for all apps of its
	// tenant together.
	firstPatience = 2 * time.Second
	// maxApps and maxAppBytes bound the kept registrations of all apps, in apps and in bytes of
	// filters. Dropped ones are read again.
	maxApps     = 10_000
	maxAppBytes = 64 << 20
)

var (
	errTooLong = fmt.Errorf("jira: the filters of the app's registrations have more than %d bytes", MaxFilterBytes)
	errPanic   = errors.New("jira: Registrations panicked or ended its goroutine")
	errSlow    = errors.New("jira: the registrations of the app could not be read in time")
)

// apps keeps the registrations behind the webhooks of apps. An app decides how long parsing its
// filters takes. It is therefore done when a registration is made, see prepare, or in a goroutine
// of its own, once for all that wait; meanwhile events use the old registrations. Only the first
// event after a start waits for it.
type apps struct {
	store   Registrations // nil: no registrations
	grammar jql.Grammar
	applies map[string]bool // events to which JQL applies
	subject func(*payload.Event) (*jql.Prepared, error)
	mu      sync.Mutex
	known   map[Owner]*appState
	size    int // of the kept registrations, in bytes
}

// appState is the state of one app.
type appState struct {
	current  *registered // nil before the first load
	prepared *registered // made when this process last changed the webhook, for its next version
	load     *load       // the load that is running
}

// load is a running read of one app's registrations.
type load struct {
	done   chan struct{}
	result *registered
	err    error
}

// registrations returns the registrations behind a webhook. It waits until a time at most.
func (a *apps) registrations(w *webhook.Webhook, until time.Time) (*registered, error) {
	if a.store == nil {
		return nil, errNoRegistrations
	}
	o := ownerOf(w)
	a.mu.Lock()
	r := a.fresh(o, w)
	a.mu.Unlock()
	if r != nil {
		return r, nil
	}
	return a.await(o, w, until)
}

// prefetch starts to load the registrations behind a webhook, if they are not kept.
func (a *apps) prefetch(w *webhook.Webhook) {
	if a.store == nil {
		return
	}
	o := ownerOf(w)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fresh(o, w) == nil {
		a.loading(o, w)
	}
}

// loading returns the running load, or starts one.
func (a *apps) loading(o Owner, w *webhook.Webhook) (s *appState, f *load) {
	s = a.state(o)
	if s.load == nil {
		s.load = &load{done: make(chan struct{})}
		go a.runLoad(o, *w, s.load)
	}
	return s, s.load
}

func ownerOf(w *webhook.Webhook) Owner { return Owner{Tenant: w.Scope, App: w.Attributes[AttrApp]} }

// fresh returns the kept registrations of this version of the webhook, nil for none.
func (a *apps) fresh(o Owner, w *webhook.Webhook) *registered {
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

// await loads the registrations, or waits for a running load. It returns the old ones where that
// takes too long or fails.
func (a *apps) await(o Owner, w *webhook.Webhook, until time.Time) (r *registered, err error) {
	for range 2 { // the first load may have started before the registrations changed
		a.mu.Lock()
		if r = a.fresh(o, w); r != nil {
			a.mu.Unlock()
			return r, nil
		}
		s, f := a.loading(o, w)
		old := s.current
		a.mu.Unlock()
		patience := time.Until(until)
		if old != nil {
			patience = indexPatience
		}
		if err = f.wait(patience); err != nil && old != nil {
			return old, nil
		} else if err != nil {
			return nil, fmt.Errorf("jira: registrations of webhook %s: %w: %w", w.ID, webhook.ErrUnusable, err)
		}
		if r = f.result; r.fits(w) {
			break
		}
	}
	return r, nil
}

// wait waits for the end of a load. A finished load counts even after the time.
func (f *load) wait(patience time.Duration) error {
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

// runLoad reads the registrations for a version of the webhook.
func (a *apps) runLoad(o Owner, w webhook.Webhook, f *load) {
	f.err = errPanic // stays if Registrations ends this goroutine
	defer func() {
		defer close(f.done)
		a.mu.Lock()
		defer a.mu.Unlock()
		s := a.state(o)
		s.load = nil
		if f.err == nil {
			f.result.webhook, f.result.stamp = w.ID, stampOf(&w)
			a.keep(o, s, f.result, s.prepared)
		}
	}()
	f.result, f.err = a.read(o)
}

// prepare reads the registrations of an app before its webhook is stored, so that the next event
// need not wait. It ignores errors: they come back at the next load.
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

// read reads all live registrations of an app, and parses the filters that are new.
func (a *apps) read(o Owner) (r *registered, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
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
