package jira

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// maxFilters bounds the kept parsed filters. Dropped ones are parsed again.
const maxFilters = 100_000

// Matcher decides which webhooks receive an event: those that listen to it and whose filter the
// event's subject matches, where JQL applies to the event. It parses a filter once, as long as its
// text stays the same. Make one with [NewMatcher]; it is safe for concurrent use.
//
// The subject is the one that payload.WithSubject attached: a *jiraevent.Issue, which jiraevent.New
// attaches itself, or any jql.Subject. For a deletion it is the issue before it was deleted.
type Matcher struct {
	grammar jql.Grammar
	jql     map[string]bool // the events to which JQL applies
	mu      sync.RWMutex
	filters map[webhookKey]*jql.Filter
	sets    map[string]*set
	latest  atomic.Pointer[prepared]
	apps    *apps
}

type webhookKey struct{ scope, id string }

// NewMatcher returns a Matcher. Of the options it uses [WithGrammar], [WithEdition] and
// [WithRegistrations].
func NewMatcher(opts ...Option) *Matcher { return newMatcher(newSettings(opts)) }

func newMatcher(s *settings) *Matcher {
	m := &Matcher{grammar: s.grammar, jql: make(map[string]bool), filters: make(map[webhookKey]*jql.Filter), sets: make(map[string]*set)}
	for _, name := range jiraevent.Events() {
		if info, err := jiraevent.Lookup(name); err == nil && info.JQL.Has(s.edition) {
			m.jql[name] = true
		}
	}
	m.apps = &apps{store: s.registrations, grammar: jql.Any(), applies: m.jql, subject: m.subject} // filters were checked when they were registered
	return m
}

// Match reports whether a webhook receives an event. The event of a transition is for the webhooks
// attached to it alone, see [Transitioned]. The error names the webhook whose stored filter cannot
// be read, and is a [webhook.ErrUnusable], or reports that the event has no subject.
func (m *Matcher) Match(w webhook.Webhook, e payload.Event) (bool, error) {
	if is, forIt := byTransition(&w, &e); is {
		return forIt, nil
	}
	if isApp(&w) {
		return m.matchApp(w, e)
	}
	if !listens(&w, &e) {
		return false, nil
	}
	if !m.jql[e.Type] || jql.Blank(w.Filter) {
		return true, nil
	}
	filter, err := m.filter(&w)
	if err != nil {
		return false, err
	}
	subject, err := m.subject(&e)
	if err != nil {
		return false, err
	}
	return filter.Match(subject), nil
}

// matchApp is separate from Match because its arguments escape to the heap.
func (m *Matcher) matchApp(w webhook.Webhook, e payload.Event) (bool, error) {
	ids, err := m.apps.matched(&w, &e, time.Now().Add(firstPatience))
	return len(ids) > 0, err
}

// isApp reports whether a webhook belongs to the registrations of an app.
func isApp(w *webhook.Webhook) bool { return w.Attributes[AttrApp] != "" }

// listens handles both names of a merge of versions: a webhook that listens to jira:version_deleted
// gets merges as well, under either name; one that listens to jira:version_merged gets nothing
// else.
func listens(w *webhook.Webhook, e *payload.Event) bool {
	if w.Listens(e.Type) {
		return true
	}
	other := alias(e)
	return other != "" && w.Listens(other)
}

// alias is the other name of a merge, or "".
func alias(e *payload.Event) string {
	switch {
	case e.Type == jiraevent.VersionMerged:
		return jiraevent.VersionDeleted
	case e.Type == jiraevent.VersionDeleted && e.Vars["mergedVersion.id"] != "":
		return jiraevent.VersionMerged
	}
	return ""
}

// filter returns the parsed filter of a webhook. The version of a webhook does not identify its
// text, because a host may keep webhooks in its own table.
func (m *Matcher) filter(w *webhook.Webhook) (*jql.Filter, error) {
	key := webhookKey{w.Scope, w.ID}
	m.mu.RLock()
	got, ok := m.filters[key]
	m.mu.RUnlock()
	if ok && got.String() == w.Filter {
		return got, nil
	}
	filter, err := m.grammar.Parse(w.Filter)
	if err != nil {
		return nil, filterError(w, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.filters) >= maxFilters {
		for other := range m.filters { // dropping one makes room; dropping all would mean parsing all again
			delete(m.filters, other)
			break
		}
	}
	m.filters[key] = filter
	return filter, nil
}

// filterError is the error of a filter that was valid when it was stored, or was never checked.
func filterError(w *webhook.Webhook, err error) error {
	return fmt.Errorf("jira: filter of webhook %s: %w: %w", w.ID, webhook.ErrUnusable, err)
}

// prepared is the subject of the latest event, because many filters read its values one after the
// other.
type prepared struct {
	scope, event string
	issue        *jiraevent.Issue
	subject      *jql.Prepared
}

func (m *Matcher) subject(e *payload.Event) (*jql.Prepared, error) {
	switch s := e.Subject().(type) {
	case *jiraevent.Issue:
		if s == nil {
			break
		}
		if p := m.latest.Load(); p != nil && p.issue == s && p.event == e.ID && p.scope == e.Scope {
			return p.subject, nil
		}
		p := &prepared{e.Scope, e.ID, s, jql.Prepare(Subject(s))}
		m.latest.Store(p)
		return p.subject, nil
	case jql.Subject:
		return jql.Prepare(s), nil
	}
	return nil, fmt.Errorf("jira: %s has no subject for filters: make the event with New of package payload/jiraevent, or give payload.WithSubject an issue", e.Type)
}
