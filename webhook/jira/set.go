package jira

import (
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
	filter *jql.Filter
	at     int    // index in the latest slice
	round  uint64 // round in which it was last seen
}

// Select returns the webhooks of a scope that receive an event, in the order given. The result is
// the same as [Matcher.Match] for each of them, but it tests only filters that the event's subject
// can match: the webhooks of a scope stay indexed by event and by clauses such as project = PRJ,
// and the index follows the changes since the call before. All webhooks must be of the event's
// scope.
func (m *Matcher) Select(hooks []webhook.Webhook, e payload.Event) ([]webhook.Webhook, error) {
	chosen, _, err := m.choose(hooks, e)
	return chosen, err
}

// choose is Select, and also returns the selections of apps by webhook ID.
func (m *Matcher) choose(hooks []webhook.Webhook, e payload.Event) ([]webhook.Webhook, map[string]*selection, error) {
	if _, is := e.Subject().(*triggered); is {
		return slices.DeleteFunc(slices.Clone(hooks), func(w webhook.Webhook) bool {
			_, forIt := byTransition(&w, &e)
			return !forIt
		}), nil, nil
	}
	var subject jql.Subject
	if m.jql[e.Type] && e.Subject() != nil {
		p, err := m.subject(&e)
		if err != nil {
			return nil, nil, err
		}
		subject = p
	}
	places, apps, err := m.set(e.Scope).places(m, hooks, &e, subject)
	if err != nil {
		return nil, nil, err
	}
	for _, at := range apps { // each app has its own registrations
		m.apps.prefetch(&hooks[at])
	}
	until := time.Now().Add(firstPatience)
	ofApps := make(map[string]*selection, len(apps))
	for _, at := range apps {
		f, err := m.apps.selectFor(&hooks[at], &e, until)
		if err != nil {
			return nil, nil, err
		}
		if f != nil {
			ofApps[hooks[at].ID] = f
			places = append(places, at)
		}
	}
	slices.Sort(places)
	places = slices.Compact(places)
	out := make([]webhook.Webhook, len(places))
	for i, at := range places {
		out[i] = hooks[at]
		if subject == nil && m.jql[e.Type] && !jql.Blank(out[i].Filter) {
			_, err := m.subject(&e) // the error names what is missing
			return nil, nil, err
		}
	}
	return out, ofApps, nil
}

// places returns the indexes of the webhooks that an event matches, and of the webhooks of apps,
// which are not indexed here.
func (s *set) places(m *Matcher, hooks []webhook.Webhook, e *payload.Event, subject jql.Subject) (places, apps []int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.follow(m, hooks); err != nil {
		return nil, nil, err
	}
	ids := s.index.Match(e.Type, subject)
	if other := alias(e); other != "" {
		ids = append(ids, s.index.Match(other, subject)...)
	}
	places = make([]int, len(ids))
	for i, id := range ids {
		places[i] = s.known[id].at
	}
	return places, slices.Clone(s.apps), nil
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

// follow brings the index in line with the current webhooks.
func (s *set) follow(m *Matcher, hooks []webhook.Webhook) error {
	s.round++
	s.apps = s.apps[:0]
	for i := range hooks {
		w := &hooks[i]
		if isApp(w) {
			s.apps = append(s.apps, i)
			continue
		}
		known := s.known[w.ID]
		if known == nil || known.filter.String() != w.Filter || !slices.Equal(known.events, w.Events) {
			filter, err := m.grammar.Parse(w.Filter)
			if err != nil {
				return filterError(w.ID, err)
			}
			known = &member{events: slices.Clone(w.Events), filter: filter}
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
	return nil
}
