package jql

import "sync"

// Subject is the object that a filter tests, usually an issue.
type Subject interface {
	// Values returns every text by which a filter may name the value of a field, such as ID, key
	// and name of a project, in any case. For a field with several values it returns those of all
	// of them. An empty result means that the field is absent or empty. The field is a canonical
	// name: lower case, "issuekey" for the key, "cf[10010]" for a custom field, and see
	// [PropertyField].
	Values(field string) []string
}

// SubjectFunc is a function that is a Subject.
type SubjectFunc func(field string) []string

// Values calls f.
func (f SubjectFunc) Values(field string) []string { return f(field) }

// Match reports whether the subject matches. A nil Filter matches everything. Prepare a subject
// that many filters test, see [Prepare].
func (f *Filter) Match(s Subject) bool {
	return f.All() || f.holds(Prepare(s))
}

// Prepared is a Subject that reads each field of another Subject once and caches the values. Make
// one with [Prepare]. It is safe for concurrent use if the other one is.
type Prepared struct {
	subject Subject
	mu      sync.Mutex
	known   map[string][]string // folded
}

// maxKnown bounds the cached fields, because filters can name any number of paths into properties.
const maxKnown = 1000

// Prepare returns the subject with a cache for its first 1,000 fields. Its values must not change
// meanwhile.
func Prepare(s Subject) *Prepared {
	if p, ok := s.(*Prepared); ok {
		return p
	}
	return &Prepared{subject: s, known: make(map[string][]string, 4)}
}

// Values returns the folded values of a field.
func (p *Prepared) Values(field string) []string { return p.values(field) }

func (p *Prepared) values(field string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	have, ok := p.known[field]
	if !ok {
		for _, text := range p.subject.Values(field) {
			have = append(have, fold(text))
		}
		if len(p.known) < maxKnown {
			p.known[field] = have
		}
	}
	return have
}
