package jql

// clauseName is the left side of a clause: a name, and its brackets.
type clauseName struct {
	name     string
	custom   bool // cf, with the number of a field in its first bracket
	brackets []bracket
}

// bracket is [key] and the path behind it.
type bracket struct{ key, path string }

// clauseName reads a name and returns it with its text in the source.
func (p *parser) clauseName() (c clauseName, text string) {
	first, last := p.tok, p.tok.end
	c.name, c.custom = first.text, first.is("cf")
	if !c.custom && !first.isText() {
		p.stop("expected the name of a field")
		return c, ""
	}
	p.advance()
	if c.custom {
		last = p.bracket(&c, func(t token) bool { return t.kind == number && t.text[0] != '-' })
	}
	for first.kind != number && p.tok.is("[") {
		last = p.bracket(&c, token.isText)
		for b := &c.brackets[len(c.brackets)-1]; p.tok.isText(); p.advance() {
			b.path += p.tok.text
			last = p.tok.end
		}
	}
	if last-first.start > maxName {
		p.stop("the name of a field is longer than 255 bytes")
	}
	return c, p.src[first.start:last]
}

// bracket reads a key in brackets and returns where it ends.
func (p *parser) bracket(c *clauseName, allowed func(token) bool) (last int) {
	if !p.tok.is("[") {
		p.stop("expected an opening bracket after cf")
	}
	p.advance()
	if !allowed(p.tok) {
		p.stop("expected an identifier in brackets")
	}
	c.brackets = append(c.brackets, bracket{key: p.tok.text})
	if p.advance(); !p.tok.is("]") {
		p.stop("expected a closing bracket")
	}
	last = p.tok.end
	p.advance()
	return last
}

// value reads one value.
func (p *parser) value(to []string) []string {
	t := p.tok
	switch {
	case t.is("empty", "null"):
		p.problem("The value " + p.spelt(t) + " is unsupported")
	case !t.isText():
		p.stop("expected a value, in quotes if it is a keyword")
		return to
	}
	if p.advance(); t.isText() && p.tok.is("(") {
		p.problem("The function " + p.spelt(t) + "() is unsupported")
		p.parenthesis()
	}
	return append(to, fold(t.text))
}

// in reads IN and its values.
func (p *parser) in() []string {
	p.advance()
	if t := p.tok; t.isText() {
		if p.advance(); p.tok.is("(") {
			p.problem("The function " + p.spelt(t) + "() is unsupported")
			p.parenthesis()
			return nil
		}
	}
	if !p.tok.is("(") {
		p.stop("expected values in parentheses after IN")
		return nil
	}
	return p.list(nil, 0)
}

// list reads values in parentheses. The values of a nested list count as its own.
func (p *parser) list(to []string, depth int) []string {
	if depth > maxDepth {
		p.stop("lists are nested too deep")
	}
	for more := true; more; more = p.tok.is(",") {
		if p.advance(); p.tok.is("(") {
			to = p.list(to, depth+1)
		} else {
			to = p.value(to)
		}
	}
	if !p.tok.is(")") {
		p.stop("expected a comma or a closing parenthesis after a value")
	}
	p.advance()
	return to
}
