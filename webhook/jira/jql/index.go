package jql

import "slices"

// EveryEvent stands for all events in [Index.Set]. After a dot at the end of a name it stands for
// all events with the prefix before it: "task.*" for "task.done" and "task.run.done".
const EveryEvent = "*"

// Index finds the filters that an event matches among many, without testing each of them. Filters
// are kept by event, and below that by one clause that must match, such as project = PRJ. Of ten
// thousand filters on a thousand projects, an issue meets the ten of its own project, and those
// with no such value, or with more than 64.
//
// The zero value is empty and ready. Match and Len are safe for concurrent use; Set and Delete must
// not run at the same time as any other call.
type Index struct {
	entries map[string]*entry
	events  map[string]*bucket
}

type entry struct {
	id     string
	filter *Filter
	events []string
	need
}

// need is a condition that a subject must meet to match a filter: a field has one of the values.
type need struct {
	certain bool // false: no condition is known
	field   string
	values  []string
}

// maxNeeded bounds the values under which a filter is kept. A filter with more is tested for each
// of its events, which costs a search in its sorted values; an index of them would cost memory for
// each value and event.
const maxNeeded = 64

// bucket holds the filters of one event.
type bucket struct {
	byValue map[string]map[string][]*entry // by field and value
	rest    []*entry
}

// Set adds a filter under an identifier, or replaces the filter with this identifier. A nil filter
// matches everything.
func (x *Index) Set(id string, events []string, f *Filter) {
	x.Delete(id)
	if x.entries == nil {
		x.entries, x.events = make(map[string]*entry), make(map[string]*bucket)
	}
	e := &entry{id: id, filter: f, events: slices.Compact(slices.Sorted(slices.Values(events)))}
	if f != nil {
		e.need = f.need
	}
	x.entries[id] = e
	for _, event := range e.events {
		b := x.events[event]
		if b == nil {
			b = &bucket{byValue: make(map[string]map[string][]*entry)}
			x.events[event] = b
		}
		b.add(e)
	}
}

func (b *bucket) add(e *entry) {
	if !e.certain {
		b.rest = append(b.rest, e)
		return
	}
	byValue := b.byValue[e.field]
	if byValue == nil {
		byValue = make(map[string][]*entry)
		b.byValue[e.field] = byValue
	}
	for _, value := range e.values {
		byValue[value] = append(byValue[value], e)
	}
}

// Delete removes a filter. An unknown identifier is no error.
func (x *Index) Delete(id string) {
	e := x.entries[id]
	if e == nil {
		return
	}
	delete(x.entries, id)
	for _, event := range e.events {
		b := x.events[event]
		b.remove(e)
		if len(b.rest) == 0 && len(b.byValue) == 0 {
			delete(x.events, event)
		}
	}
}

func (b *bucket) remove(e *entry) {
	is := func(other *entry) bool { return other == e }
	if !e.certain {
		b.rest = slices.DeleteFunc(b.rest, is)
		return
	}
	byValue := b.byValue[e.field]
	for _, value := range e.values {
		if byValue[value] = slices.DeleteFunc(byValue[value], is); len(byValue[value]) == 0 {
			delete(byValue, value)
		}
	}
	if len(byValue) == 0 {
		delete(b.byValue, e.field)
	}
}

// Len returns the number of filters.
func (x *Index) Len() int { return len(x.entries) }

// Match returns the identifiers of the filters that listen to the event and match the subject,
// sorted. A nil subject means that filters do not apply to the event: then all that listen to it
// match.
func (x *Index) Match(event string, s Subject) []string {
	var ids []string
	for _, name := range listened(event) {
		b := x.events[name]
		if b == nil {
			continue
		}
		if s == nil {
			ids = b.all(ids)
			continue
		}
		p := Prepare(s)
		s = p
		ids = matching(ids, b.rest, p)
		for field, byValue := range b.byValue {
			for _, value := range p.values(field) {
				ids = matching(ids, byValue[value], p)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// listened returns the names under which filters for an event are kept.
func listened(event string) []string {
	names := []string{event, EveryEvent}
	for i := 1; i < len(event); i++ {
		if event[i] == '.' {
			names = append(names, event[:i+1]+EveryEvent)
		}
	}
	return names
}

func (b *bucket) all(ids []string) []string {
	for _, e := range b.rest {
		ids = append(ids, e.id)
	}
	for _, byValue := range b.byValue {
		for _, entries := range byValue {
			for _, e := range entries {
				ids = append(ids, e.id)
			}
		}
	}
	return ids
}

func matching(ids []string, entries []*entry, p *Prepared) []string {
	for _, e := range entries {
		if e.filter.All() || e.filter.holds(p) {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// needs returns the condition that a subject must meet. Of several it takes the most selective.
func (n *node) needs() (out need) {
	switch n.op {
	case oneOf:
		if !n.negated && len(n.values) <= maxNeeded {
			return need{true, n.field, n.values}
		}
	case allOf:
		for _, kid := range n.kids {
			if k := kid.needs(); k.certain && (!out.certain || k.cost() < out.cost()) {
				out = k
			}
		}
	case anyOf:
		for i, kid := range n.kids {
			k := kid.needs()
			if !k.certain || i > 0 && k.field != out.field || len(out.values)+len(k.values) > maxNeeded {
				return need{}
			}
			out = need{true, k.field, slices.Concat(out.values, k.values)}
		}
		out.values = slices.Compact(slices.Sorted(slices.Values(out.values)))
	}
	return out
}

// cost estimates how many subjects have one of the values: few share a key, more a project, many a
// status.
func (n *need) cost() int {
	switch n.field {
	case IssueKey:
		return len(n.values)
	case Project:
		return 100 * len(n.values)
	}
	return 10_000 * len(n.values)
}
