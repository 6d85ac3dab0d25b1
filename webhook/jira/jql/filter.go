package jql

import "slices"

// Filter is a parsed filter. It is immutable and safe for concurrent use.
//
// A filter that matches every subject comes of a blank source alone. The zero value
// matches nothing, as does whatever a source that cannot be read leaves behind.
type Filter struct {
	src  string
	root *node // nil where all is true
	all  bool  // the source is blank
}

// String returns the source.
func (f *Filter) String() string { return f.src }

// All reports whether the filter matches every subject, because it is blank or nil.
func (f *Filter) All() bool { return f == nil || f.all }

// holds reports whether the filter has clauses and the subject matches them.
func (f *Filter) holds(s *Prepared) bool { return f.root != nil && f.root.match(s) }

type operation uint8

const (
	allOf operation = iota // all kids match
	anyOf                  // a kid matches
	not                    // the kid does not match; gone after positive
	oneOf                  // the field has one of the values, or, negated, values and none of these
	never                  // stands for what could not be read; it and its opposite match nothing
)

// node is a part of a filter. Values are folded.
type node struct {
	op      operation
	kids    []*node
	field   string
	values  []string
	negated bool
}

// positive returns the node without NOT: it moves inwards by De Morgan's laws
// until it turns = into != and IN into NOT IN. That is what makes a field that is
// not there match neither a clause nor its opposite.
func (n *node) positive(negate bool) *node {
	switch n.op {
	case not:
		return n.kids[0].positive(!negate)
	case never:
		return n
	case oneOf:
		slices.Sort(n.values)
		return &node{op: oneOf, field: n.field, values: slices.Compact(n.values), negated: n.negated != negate}
	}
	out := &node{op: n.op}
	if negate {
		out.op = allOf + anyOf - n.op
	}
	for _, kid := range n.kids {
		kid = kid.positive(negate)
		if kid.op == out.op { // a chain of equal connectors becomes one node
			out.kids = append(out.kids, kid.kids...)
		} else {
			out.kids = append(out.kids, kid)
		}
	}
	return out
}

func (n *node) match(s *Prepared) bool {
	switch n.op {
	case never:
		return false
	case allOf:
		for _, kid := range n.kids {
			if !kid.match(s) {
				return false
			}
		}
		return true
	case anyOf:
		for _, kid := range n.kids {
			if kid.match(s) {
				return true
			}
		}
		return false
	}
	have := s.values(n.field)
	if len(have) == 0 {
		return false
	}
	return n.holds(have) != n.negated
}

// holds reports whether one of the texts is among the node's values.
func (n *node) holds(have []string) bool {
	for _, text := range have {
		if len(n.values) == 1 && n.values[0] == text {
			return true
		}
		if len(n.values) > 1 {
			if _, found := slices.BinarySearch(n.values, text); found {
				return true
			}
		}
	}
	return false
}
