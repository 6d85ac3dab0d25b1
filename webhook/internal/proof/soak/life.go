package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postrider/postrider/webhook"
)

// life is the life of one host process. A killed host gets another life.
type life struct {
	name    string
	place   int // of the host
	born    time.Time
	process *process
	loaded  chan struct{}
}

// birth starts a host.
func (s *soak) birth(place int) error {
	s.mu.Lock()
	s.births++
	l := &life{name: fmt.Sprintf("h%dx%d", place+1, s.births), place: place, born: time.Now(), loaded: make(chan struct{})}
	s.mu.Unlock()
	cfg := s.config
	cfg.Name = l.name
	started := make(chan struct{})
	var err error
	l.process, err = start(hostRole, cfg, func(line []byte) {
		<-started
		s.heard(l, line)
	}, func(line []byte) {
		s.book.checkOutput(line)
		if bytes.Contains(line, []byte("panic")) || bytes.Contains(line, []byte("DATA RACE")) || bytes.HasPrefix(line, []byte("ended:")) {
			s.book.fault("%s: %s", l.name, bytes.TrimSpace(line))
		}
	})
	close(started)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.lives[place] = l
	s.mu.Unlock()
	return nil
}

// heard records a line of a host.
func (s *soak) heard(l *life, line []byte) {
	s.book.checkOutput(line)
	var r report
	if json.Unmarshal(line, &r) != nil {
		return // killed within a line
	}
	switch r.Kind {
	case vitals:
		s.memory.sample(l.place, time.Since(l.born), l.process.pid(), r.Goroutines)
	case loaded:
		close(l.loaded)
	default:
		s.book.reported(r)
	}
}

// killing kills one of the hosts at intervals, and starts it again a little later.
func (s *soak) killing(ctx context.Context, every time.Duration, random *rand.Rand) error {
	for wait(ctx, every/2+upTo(random, every)) {
		place := random.IntN(survivor)
		l := s.lives[place]
		select {
		case <-l.process.done:
			return errors.Join(fmt.Errorf("host %s ended by itself", l.name), l.process.err)
		default:
		}
		s.book.killed(l.name)
		l.process.kill()
		s.mu.Lock()
		s.kills++
		s.mu.Unlock()
		wait(ctx, upTo(random, 2*time.Second))
		if err := s.birth(place); err != nil {
			return err
		}
	}
	return nil
}

// restarting restarts the database at intervals: gracefully, or like a crash.
func (s *soak) restarting(ctx, over context.Context, every time.Duration, random *rand.Rand) error {
	for n := 0; wait(over, every/2+upTo(random, every)); n++ {
		if n%2 == 0 {
			s.server.Down()
		} else {
			s.server.Kill()
		}
		wait(over, upTo(random, time.Second))
		if err := s.server.Up(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		s.restarts++
		s.mu.Unlock()
	}
	return nil
}

func upTo(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d)))
}

// wait reports false if ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// quiet ends the hosts' dispatching.
func (s *soak) quiet() {
	for _, l := range s.lives {
		if err := l.process.send(struct{}{}); err != nil {
			s.book.fault("%s: %v", l.name, err)
		}
	}
	for _, l := range s.lives {
		select {
		case <-l.loaded:
		case <-l.process.done:
			s.book.fault("%s ended by itself: %v", l.name, l.process.err)
		case <-time.After(patience):
			s.book.fault("%s does not stop dispatching", l.name)
		}
	}
}

// arrived waits until no healthy webhook has a pending delivery.
func (s *soak) arrived(ctx context.Context) error {
	healthy := make(map[string]bool)
	for _, h := range s.field.hooks {
		healthy[h.ID] = h.Behaviour == ""
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		pending := 0
		err := s.field.each(ctx, webhook.Query{States: []webhook.State{webhook.StatePending}}, func(d webhook.Delivery) error {
			if healthy[d.WebhookID] {
				pending++
			}
			return nil
		})
		if err == nil && pending == 0 {
			return nil
		}
		if !wait(ctx, time.Second) {
			return fmt.Errorf("%d deliveries of healthy webhooks are still pending after %v: %w", pending, patience, errors.Join(ctx.Err(), err))
		}
	}
}

// stop ends the hosts gracefully.
func (s *soak) stop() error {
	var all error
	for _, l := range s.lives {
		if err := l.process.stop(); err != nil {
			all = errors.Join(all, fmt.Errorf("host %s did not stop in good order: %w", l.name, err))
		}
	}
	return all
}
