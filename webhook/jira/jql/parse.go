package jql

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a filter.
const (
	MaxLength   = 10_000 // bytes
	MaxClauses  = 200    // after clauses of one field that mean one set were joined
	maxDepth    = 64     // of parentheses, NOT and lists in lists
	maxName     = 255    // bytes of a clause's name
	maxProblems = 20     // reported at once
)

// Parse reads a filter. A filter of only spaces, tabs and line ends matches every subject. The
// error is an [*Error] with every clause, operator and function that the grammar does not support,
// each once, in their order, up to 20, and the syntax error.
//
// Parse accepts the same syntax as Atlassian's own parser, jql-ast, except for a filter longer than
// [MaxLength], one with more than [MaxClauses] clauses, and 64 levels of parentheses.
func (g Grammar) Parse(src string) (*Filter, error) {
	switch {
	case len(src) > MaxLength:
		return nil, &Error{Problems: []string{"The filter is longer than 10,000 bytes"}}
	case !utf8.ValidString(src):
		return nil, &Error{Problems: []string{"The filter is not valid UTF-8"}}
	case Blank(src):
		return &Filter{src: src, all: true}, nil
	}
	p := &parser{g: &g, src: src, lex: lexer{src: src}}
	p.advance()
	root := p.or(0)
	switch {
	case p.stopped:
	case p.tok.is("order"):
		p.problem("ORDER BY is unsupported")
	case p.tok.kind != end:
		p.stop("expected AND, OR or the end")
	}
	if len(p.err.Problems) > 0 {
		return nil, &p.err
	}
	root = root.positive(false)
	if root.clauses() > MaxClauses {
		return nil, &Error{Problems: []string{"The filter has more than 200 clauses: join those of one field with IN or NOT IN"}}
	}
	return newFilter(src, root), nil
}

// parser is a recursive descent over the tokens. It collects unsupported clauses and goes on; at a
// syntax error it stops.
type parser struct {
	g       *Grammar
	src     string
	lex     lexer
	tok     token
	err     Error
	stopped bool
}

func (p *parser) advance() {
	p.tok = p.lex.next()
	if p.tok.kind == illegal {
		p.stop("%s", p.tok.text)
	}
}

// spelt is a token as the source spells it.
func (p *parser) spelt(t token) string { return p.src[t.start:t.end] }

// problem reports an unsupported clause, once. The list is bounded, because the error could be many
// times as long as the filter.
func (p *parser) problem(text string) {
	switch {
	case p.stopped || slices.Contains(p.err.Problems, text):
	case len(p.err.Problems) < maxProblems:
		p.err.Problems = append(p.err.Problems, text)
	default:
		p.err.Problems = append(p.err.Problems, "There are more problems")
		p.halt()
	}
}

// stop reports a syntax error and makes every function return.
func (p *parser) stop(format string, args ...any) {
	if p.stopped {
		return
	}
	p.err.Problems = append(p.err.Problems, syntax(p.src, p.tok.start, format, args...))
	p.halt()
}

func (p *parser) halt() {
	p.stopped = true
	p.tok = token{kind: end, start: len(p.src), end: len(p.src)}
	p.lex.at = len(p.src)
}

func (p *parser) or(depth int) *node {
	return p.chain(anyOf, func() *node { return p.and(depth) }, func() { p.strict("OR") }, "or", "||", "|")
}

func (p *parser) and(depth int) *node {
	return p.chain(allOf, func() *node { return p.unary(depth) }, func() {}, "and", "&&", "&")
}

// chain reads operands with equal connectors into one node of any length.
func (p *parser) chain(op operation, next func() *node, seen func(), connectors ...string) *node {
	n := next()
	if !p.tok.is(connectors...) {
		return n
	}
	n = &node{op: op, kids: []*node{n}}
	for p.tok.is(connectors...) {
		seen()
		p.advance()
		n.kids = append(n.kids, next())
	}
	return n
}

func (p *parser) unary(depth int) *node {
	if depth > maxDepth {
		p.stop("parentheses and NOT are nested too deep")
	}
	switch {
	case p.tok.is("not", "!"):
		p.strict("NOT")
		p.advance()
		return &node{op: not, kids: []*node{p.unary(depth + 1)}}
	case p.tok.is("("):
		if p.g.StrictAND {
			p.problem("Parentheses are unsupported: only AND may join clauses")
		}
		p.advance()
		n := p.or(depth + 1)
		if !p.tok.is(")") {
			p.stop("expected a closing parenthesis")
		}
		p.advance()
		return n
	}
	return p.clause()
}

func (p *parser) strict(keyword string) {
	if p.g.StrictAND {
		p.problem(keyword + " is unsupported: only AND may join clauses")
	}
}

func (p *parser) clause() *node {
	name, text := p.clauseName()
	if p.stopped {
		return &node{op: never}
	}
	field, ok := p.g.canonical(name)
	if !ok {
		p.problem("The clause " + text + " is unsupported")
		p.skip()
		return &node{op: never}
	}
	n := &node{op: oneOf, field: field}
	switch {
	case p.tok.is("=", "!="):
		n.negated = p.tok.text == "!="
		p.advance()
		n.values = p.value(nil)
	case p.tok.is("in"):
		n.values = p.in()
	case p.tok.is("not"):
		if p.advance(); !p.tok.is("in") {
			p.stop("expected IN after NOT")
		}
		n.negated = true
		n.values = p.in()
	case p.tok.is("<", ">", "<=", ">=", "~", "!~", "is", "was", "changed"):
		p.problem("The operator " + strings.ToUpper(p.tok.text) + " is unsupported in the clause " + text)
		p.skip()
	default:
		p.stop("expected =, !=, IN or NOT IN after %s", text)
	}
	return n
}

// skip passes over the rest of an unsupported clause.
func (p *parser) skip() {
	for p.tok.kind != end && !p.tok.is("and", "or", "&&", "||", "&", "|", ")", "order") {
		if p.tok.is("(") {
			p.parenthesis()
		} else {
			p.advance()
		}
	}
}

// parenthesis passes over a pair of parentheses and its content.
func (p *parser) parenthesis() {
	for depth := 0; p.tok.kind != end; {
		switch {
		case p.tok.is("("):
			depth++
		case p.tok.is(")"):
			depth--
		}
		if p.advance(); depth == 0 {
			return
		}
	}
	p.stop("expected a closing parenthesis")
}

// fold makes texts that differ in case equal.
func fold(s string) string { return strings.ToLower(s) }
