package jira

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// maxSets bounds the scopes whose webhooks are kept indexed.
const maxSets = 1000

// set is the indexed webhooks of one scope.
type set struct {
	mu    sync.Mutex
	index jql.Index
	known map[string]*member
	round uint64
	apps  []int // indexes of the webhooks of apps in the latest slice
}

type member struct {
	events []string
	filter string
	err    error  // the filter cannot be used
	at     int    // index in the latest slice
	round  uint64 // round in which it was last seen
}

// Select returns the webhooks of a scope that receive an event, in the order given. The result is
// the same as [Matcher.Match] for each of them, but it tests only filters that the event's subject
// can match: the webhooks of a scope stay indexed by event and by clauses such as project = PRJ,
// and the index follows the changes since the call before. All webhooks must be of the event's
// scope. An error that is a [webhook.ErrUnusable] names webhooks that Match fails for, and comes
// beside the others.
func (m *Matcher) Select(hooks []webhook.Webhook, e payload.Event) ([]webhook.Webhook, error) {
	c, err := m.choose(hooks, e)
	if err != nil || len(c.unusable) == 0 {
		return c.hooks, err
	}
	var errs []error
	c.hooks = slices.DeleteFunc(c.hooks, func(w webhook.Webhook) bool {
		errs = append(errs, c.unusable[w.ID])
		return c.unusable[w.ID] != nil
	})
	return c.hooks, errors.Join(errs...)
}

// choice are the webhooks that an event concerns.
type choice struct {
	hooks    []webhook.Webhook  // in the order given, those in unusable too
	matched  map[string][]int64 // the matching registrations of apps, by webhook ID
	unusable map[string]error   // why it cannot be told whether a webhook receives the event
}

func (c *choice) setUnusable(id string, err error) {
	if c.unusable == nil {
		c.unusable = make(map[string]error)
	}
	c.unusable[id] = err
}

// choose is Select for a Route.
func (m *Matcher) choose(hooks []webhook.Webhook, e payload.Event) (c choice, err error) {
	if _, is := e.Subject().(*triggered); is {
		c.hooks = slices.DeleteFunc(slices.Clone(hooks), func(w webhook.Webhook) bool {
			_, forIt := byTransition(&w, &e)
			return !forIt
		})
		return c, nil
	}
	var subject jql.Subject
	if m.jql[e.Type] && e.Subject() != nil {
		p, err := m.subject(&e)
		if err != nil {
			return c, err
		}
		subject = p
	}
	places, apps := m.set(e.Scope).places(m, hooks, &e, subject, &c)
	for _, at := range apps { // each app has its own registrations
		m.apps.prefetch(&hooks[at])
	}
	until := time.Now().Add(firstPatience)
	c.matched = make(map[string][]int64, len(apps))
	for _, at := range apps {
		ids, err := m.apps.matched(&hooks[at], &e, until)
		switch {
		case errors.Is(err, webhook.ErrUnusable):
			c.setUnusable(hooks[at].ID, err)
		case err != nil:
			return c, err
		case len(ids) == 0:
			continue
		}
		c.matched[hooks[at].ID] = ids
		places = append(places, at)
	}
	slices.Sort(places)
	places = slices.Compact(places)
	c.hooks = make([]webhook.Webhook, len(places))
	for i, at := range places {
		c.hooks[i] = hooks[at]
		if subject == nil && m.jql[e.Type] && !jql.Blank(hooks[at].Filter) {
			_, err := m.subject(&e) // the error names what is missing
			return choice{}, err
		}
	}
	return c, nil
}

// places returns the indexes of the webhooks that an event matches, and of the webhooks of apps,
// which are not indexed here. It adds to c those of which that cannot be told.
func (s *set) places(m *Matcher, hooks []webhook.Webhook, e *payload.Event, subject jql.Subject, c *choice) (places, apps []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow(m, hooks)
	ids := s.index.Match(e.Type, subject)
	if other := alias(e); other != "" {
		ids = append(ids, s.index.Match(other, subject)...)
	}
	places = make([]int, len(ids))
	for i, id := range ids {
		known := s.known[id]
		places[i] = known.at
		if known.err != nil && m.jql[e.Type] {
			c.setUnusable(id, known.err)
		}
	}
	return places, slices.Clone(s.apps)
}

func (m *Matcher) set(scope string) *set {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sets[scope]
	if s == nil {
		if len(m.sets) >= maxSets {
			for other := range m.sets { // dropping one makes room; dropping all would mean indexing all again
				delete(m.sets, other)
				break
			}
		}
		s = &set{known: make(map[string]*member)}
		m.sets[scope] = s
	}
	return s
}

// follow brings the index in line with the current webhooks. A webhook whose filter cannot be used
// is indexed by its events alone.
func (s *set) follow(m *Matcher, hooks []webhook.Webhook) {
	s.round++
	s.apps = s.apps[:0]
	for i := range hooks {
		w := &hooks[i]
		if isApp(w) {
			s.apps = append(s.apps, i)
			continue
		}
		known := s.known[w.ID]
		if known == nil || known.filter != w.Filter || !slices.Equal(known.events, w.Events) {
			known = &member{events: slices.Clone(w.Events), filter: w.Filter}
			filter, err := m.grammar.Parse(w.Filter)
			if err != nil {
				filter, known.err = nil, filterError(w, err)
			}
			s.known[w.ID] = known
			s.index.Set(w.ID, w.Events, filter)
		}
		known.at, known.round = i, s.round
	}
	if len(s.known) > len(hooks)-len(s.apps) {
		for id, known := range s.known {
			if known.round != s.round {
				delete(s.known, id)
				s.index.Delete(id)
			}
		}
	}
}
