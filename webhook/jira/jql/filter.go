package jql

import "slices"

// Filter is a parsed filter. It is immutable and safe for concurrent use.
//
// Only a blank source gives a filter that matches every subject. The zero value matches nothing,
// and so does the filter of an unreadable source.
type Filter struct {
	src  string
	root *node // nil for a blank source
	all  bool  // the source is blank
	need need
}

func newFilter(src string, root *node) *Filter {
	return &Filter{src: src, root: root, need: root.needs()}
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
	never                  // an unreadable clause; it and its opposite match nothing
)

// node is a part of a filter. Values are folded.
type node struct {
	op      operation
	kids    []*node
	field   string
	values  []string
	negated bool
}

// positive returns the node without NOT: it moves NOT inwards by De Morgan's laws until it turns =
// into != and IN into NOT IN. An absent field therefore matches neither a clause nor its opposite.
func (n *node) positive(negate bool) *node {
	switch n.op {
	case never:
		return n
	case not:
		return n.kids[0].positive(!negate)
	case oneOf:
		return &node{op: oneOf, field: n.field, values: sorted(n.values), negated: n.negated != negate}
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
	out.join()
	if len(out.kids) == 1 {
		return out.kids[0]
	}
	return out
}

// join merges the clauses of a field that mean a single set: a = 1 OR a = 2 is a IN (1, 2), and a
// != 1 AND a != 2 is a NOT IN (1, 2).
func (n *node) join() {
	first := make(map[string]*node)
	grown := make(map[*node]bool)
	kept := n.kids[:0]
	for _, kid := range n.kids {
		if kid.op != oneOf || kid.negated != (n.op == allOf) {
			kept = append(kept, kid)
			continue
		}
		if to := first[kid.field]; to != nil {
			to.values = append(to.values, kid.values...)
			grown[to] = true
			continue
		}
		first[kid.field] = kid
		kept = append(kept, kid)
	}
	n.kids = kept
	for kid := range grown {
		kid.values = sorted(kid.values)
	}
}

// sorted returns the values in order, each once, in a slice without spare capacity. It changes its
// argument.
func sorted(values []string) []string {
	slices.Sort(values)
	values = slices.Compact(values)
	return append(make([]string, 0, len(values)), values...)
}

// clauses counts the clauses.
func (n *node) clauses() (sum int) {
	if len(n.kids) == 0 {
		return 1
	}
	for _, kid := range n.kids {
		sum += kid.clauses()
	}
	return sum
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
