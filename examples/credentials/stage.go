package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/webhooktest"
)

const scope = "acme"

// stage is a host that sends to one receiver. Each scene has its own stage.
type stage struct {
	endpoint *webhooktest.Endpoint
	hooks    *webhook.Dispatcher
	manager  *webhook.Manager
	stop     context.CancelFunc
	stopped  chan error
	settled  chan webhook.Delivery

	mu     sync.Mutex
	seen   map[string]int // requests by event
	judge  func(webhooktest.Request) error
	aside  func(webhooktest.Request) *webhooktest.Response // answers requests other than events, nil for none
	first  error                                           // why the first request was refused
	events int
}

// newStage starts a host. judge decides for the receiver, on one request at a time: an error is
// answered with 401. options may change the connection to the receiver.
func newStage(ctx context.Context, p webhook.Profile, judge func(webhooktest.Request) error, options ...func(*stage, *webhook.Options)) (*stage, error) {
	s := &stage{stopped: make(chan error, 1), settled: make(chan webhook.Delivery, 1000), seen: map[string]int{}, judge: judge}
	var err error
	s.endpoint, err = webhooktest.Start(&webhooktest.Options{Generic: true, Script: s.answer})
	if err != nil {
		return nil, err
	}
	o := &webhook.Options{
		DialContext: s.endpoint.DialContext, RootCAs: s.endpoint.RootCAs(),
		Observer: &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) { s.settled <- d }},
	}
	for _, set := range options {
		set(s, o)
	}
	if err := s.open(p, o); err != nil {
		s.endpoint.Close()
		return nil, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	go func() { s.stopped <- s.hooks.Run(ctx) }()
	return s, nil
}

func (s *stage) open(p webhook.Profile, o *webhook.Options) error {
	store, err := memstore.New(nil)
	if err != nil {
		return err
	}
	if s.hooks, err = webhook.New(store, p, o); err != nil {
		return err
	}
	s.manager, err = s.hooks.Manager()
	return err
}

// close stops the host and the receiver.
func (s *stage) close() error {
	s.stop()
	err := <-s.stopped
	s.endpoint.Close()
	return err
}

func (s *stage) answer(_ int, r webhooktest.Request) webhooktest.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside != nil {
		if other := s.aside(r); other != nil {
			return *other
		}
	}
	s.seen[r.Header.Get("Webhook-Id")]++
	if err := s.judge(r); err != nil {
		if s.first == nil {
			s.first = err
		}
		return webhooktest.Response{Status: 401}
	}
	return webhooktest.Response{Status: 204}
}

// change runs f while no request is judged, for changes in the receiver.
func (s *stage) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// traffic sends n events and waits until each was accepted once.
func (s *stage) traffic(ctx context.Context, n int) error {
	for range n {
		if err := s.dispatch(ctx); err != nil {
			return err
		}
	}
	return s.arrived(ctx, n)
}

// during sends n events while f changes something, and waits until each was accepted once.
func (s *stage) during(ctx context.Context, n int, f func() error) error {
	changed := make(chan error, 1)
	go func() { changed <- f() }()
	for range n {
		if err := s.dispatch(ctx); err != nil {
			return errors.Join(err, <-changed)
		}
	}
	if err := <-changed; err != nil {
		return err
	}
	return s.arrived(ctx, n)
}

// dispatch stores one more event.
func (s *stage) dispatch(ctx context.Context) error {
	s.events++
	e, err := payload.New(scope, payload.TaskSuccess{
		ProcessID: fmt.Sprintf("%08d-0078-4cf2-a9d9-3f8c02f74205", s.events), Name: "Deactivate Inactive User",
		ActionTypes: []string{"removeAppAccess"}, DeepLink: "https://your-site.atlassian.net/",
	})
	if err == nil {
		_, err = s.hooks.Dispatch(ctx, e)
	}
	return err
}

// arrived waits until n deliveries have ended, each of them accepted at its first request.
func (s *stage) arrived(ctx context.Context, n int) error {
	for range n {
		select {
		case d := <-s.settled:
			if d.State != webhook.StateDelivered || d.Tries != 1 {
				return fmt.Errorf("event %s: %v after %d tries, %s", d.EventID, d.State, d.Tries, d.LastCode)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.verdict()
}

// verdict returns an error if the receiver refused or missed a request so far.
func (s *stage) verdict() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != nil {
		return fmt.Errorf("the receiver refused a request: %w", s.first)
	}
	if len(s.seen) != s.events {
		return fmt.Errorf("%d events arrived, %d were dispatched", len(s.seen), s.events)
	}
	for id, n := range s.seen {
		if n != 1 {
			return fmt.Errorf("event %s arrived %d times", id, n)
		}
	}
	return nil
}
