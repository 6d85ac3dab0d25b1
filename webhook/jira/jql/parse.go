package jql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a filter.
const (
	MaxLength = 10_000 // bytes
	maxDepth  = 64     // of parentheses and NOT
	maxName   = 255    // bytes of a clause's name
)

// Parse reads a filter. One of spaces only matches every subject. The error is an
// [*Error] with every clause, operator and function that the grammar does not
// support, each once, in their order, and what could not be read.
func (g Grammar) Parse(src string) (*Filter, error) {
	p := &parser{g: &g, src: src, lex: lexer{src: src}}
	switch {
	case len(src) > MaxLength:
		return nil, &Error{Problems: []string{"The filter is longer than 10,000 bytes"}}
	case !utf8.ValidString(src):
		return nil, &Error{Problems: []string{"The filter is not valid UTF-8"}}
	}
	if Blank(src) {
		return &Filter{src: src, all: true}, nil
	}
	p.advance()
	root := p.or(0)
	switch {
	case p.stopped:
	case p.tok.is("ORDER"):
		p.err.add("ORDER BY is unsupported")
	case p.tok.kind != end:
		p.stop("expected AND, OR or the end")
	}
	if len(p.err.Problems) > 0 {
		return nil, &p.err
	}
	return &Filter{src: src, root: root.positive(false)}, nil
}

// Blank reports whether a source has no clause: no filter, which matches every
// subject. It is the only way to such a filter.
func Blank(src string) bool {
	return strings.IndexFunc(src, func(r rune) bool { return !unicode.IsSpace(r) }) < 0
}

// parser is a recursive descent over the tokens. It collects what is unsupported
// and goes on; at what it cannot read it stops.
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

// stop reports what could not be read and makes every function return.
func (p *parser) stop(format string, args ...any) {
	if !p.stopped {
		p.err.add(syntax(p.src, p.tok.start, format, args...))
	}
	p.stopped = true
	p.tok = token{kind: end, start: len(p.src), end: len(p.src)}
	p.lex.at = len(p.src)
}

func (p *parser) or(depth int) *node {
	n := p.and(depth)
	for p.tok.isAny("OR", "||", "|") {
		p.strict("OR")
		p.advance()
		n = &node{op: anyOf, kids: []*node{n, p.and(depth)}}
	}
	return n
}

func (p *parser) and(depth int) *node {
	n := p.unary(depth)
	for p.tok.isAny("AND", "&&", "&") {
		p.advance()
		n = &node{op: allOf, kids: []*node{n, p.unary(depth)}}
	}
	return n
}

func (p *parser) unary(depth int) *node {
	if depth > maxDepth {
		p.stop("parentheses and NOT are nested too deep")
	}
	switch {
	case p.tok.isAny("NOT", "!"):
		p.strict("NOT")
		p.advance()
		return &node{op: not, kids: []*node{p.unary(depth + 1)}}
	case p.tok.is("("):
		if p.g.StrictAND {
			p.err.add("Parentheses are unsupported: only AND may join clauses")
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
		p.err.add(keyword + " is unsupported: only AND may join clauses")
	}
}

// clauseName is the left side of a clause: a name, or name[bracket].path.
type clauseName struct{ name, bracket, path string }

func (p *parser) clause() *node {
	name, text := p.clauseName()
	if p.stopped {
		return &node{op: never}
	}
	field, ok := p.g.canonical(name)
	if !ok {
		p.err.add("The clause " + text + " is unsupported")
		p.skip()
		return &node{op: never}
	}
	n := &node{op: oneOf, field: field}
	switch {
	case p.tok.is("="), p.tok.is("!="):
		n.negated = p.tok.text == "!="
		p.advance()
		n.values = p.value()
	case p.tok.is("IN"):
		n.values = p.list()
	case p.tok.is("NOT"):
		if p.advance(); !p.tok.is("IN") {
			p.stop("expected IN after NOT")
		}
		n.negated = true
		n.values = p.list()
	case p.tok.isAny("<", ">", "<=", ">=", "~", "!~", "IS", "WAS", "CHANGED"):
		p.err.add("The operator " + strings.ToUpper(p.tok.text) + " is unsupported in the clause " + text)
		p.skip()
	default:
		p.stop("expected =, !=, IN or NOT IN after %s", text)
	}
	return n
}

// clauseName reads a name and returns it with its text in the source.
func (p *parser) clauseName() (c clauseName, text string) {
	start, last := p.tok.start, p.tok.end
	if p.tok.kind != quoted && (p.tok.kind != word || keyword(p.tok)) || p.tok.text == "" {
		p.stop("expected the name of a field")
		return c, ""
	}
	c.name = p.tok.text
	if p.advance(); p.tok.is("[") {
		p.advance()
		if p.tok.kind != word && p.tok.kind != quoted || p.tok.text == "" {
			p.stop("expected an identifier in brackets")
			return c, ""
		}
		c.bracket = p.tok.text
		if p.advance(); !p.tok.is("]") {
			p.stop("expected a closing bracket")
			return c, ""
		}
		last = p.tok.end
		if p.advance(); p.tok.kind == word && p.tok.start == last && p.tok.text[0] == '.' {
			c.path, last = p.tok.text, p.tok.end
			p.advance()
		}
	}
	if last-start > maxName {
		p.stop("the name of a field is longer than 255 bytes")
	}
	return c, p.src[start:last]
}

// value reads one value.
func (p *parser) value() []string {
	t := p.tok
	switch {
	case t.kind == word && (t.is("EMPTY") || t.is("NULL")):
		p.err.add("The value " + t.text + " is unsupported")
	case t.kind == word && keyword(t), t.kind != word && t.kind != quoted:
		p.stop("expected a value, in quotes if it is a keyword")
		return nil
	}
	if p.advance(); t.kind == word && p.tok.is("(") {
		p.err.add("The function " + t.text + "() is unsupported")
		p.parenthesis()
	}
	return []string{fold(t.text)}
}

// list reads IN and the values behind it.
func (p *parser) list() (values []string) {
	if p.advance(); !p.tok.is("(") {
		name := p.tok
		if name.kind == word {
			p.advance()
		}
		if name.kind != word || !p.tok.is("(") {
			p.stop("expected values in parentheses after IN")
			return nil
		}
		p.err.add("The function " + name.text + "() is unsupported")
		p.parenthesis()
		return nil
	}
	for {
		p.advance()
		values = append(values, p.value()...)
		if !p.tok.is(",") {
			break
		}
	}
	if !p.tok.is(")") {
		p.stop("expected a comma or a closing parenthesis after a value")
	}
	p.advance()
	return values
}

// skip passes over the rest of an unsupported clause.
func (p *parser) skip() {
	for p.tok.kind != end && !p.tok.isAny("AND", "OR", "&&", "||", "&", "|", ")", "ORDER") {
		if p.tok.is("(") {
			p.parenthesis()
		} else {
			p.advance()
		}
	}
}

// parenthesis passes over a pair of parentheses and what it holds.
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

// keyword reports whether an unquoted word means something of its own.
func keyword(t token) bool {
	return t.isAny("AND", "OR", "NOT", "IN", "IS", "WAS", "CHANGED", "ORDER", "BY")
}

// fold makes texts that differ in case equal.
func fold(s string) string { return strings.ToLower(s) }
