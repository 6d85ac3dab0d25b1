package jql

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	end     kind = iota
	word         // without quotes
	quoted       // in quotes
	symbol       // an operator, a bracket or a comma
	illegal      // text says what is wrong
)

// token is a piece of a filter. For a quoted one text is what the quotes hold.
type token struct {
	kind       kind
	text       string
	start, end int // in the source
}

// is reports whether the token is the keyword or symbol, in any case.
func (t token) is(s string) bool {
	return t.kind == word && strings.EqualFold(t.text, s) || t.kind == symbol && t.text == s
}

// isAny is is for several.
func (t token) isAny(list ...string) bool {
	for _, s := range list {
		if t.is(s) {
			return true
		}
	}
	return false
}

// lexer cuts a filter into tokens.
type lexer struct {
	src string
	at  int
}

// reserved are characters that JQL wants quoted, and those that mean something.
const reserved = `()[],=!<>~"'&|{}*/%+^$#@?;\`

var symbols = []string{"!=", "!~", "<=", ">=", "&&", "||", "=", "!", "<", ">", "~", "&", "|", "(", ")", "[", "]", ","}

func (l *lexer) next() token {
	for l.at < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.at:])
		if !unicode.IsSpace(r) {
			break
		}
		l.at += n
	}
	start := l.at
	if start == len(l.src) {
		return token{kind: end, start: start, end: start}
	}
	if c := l.src[start]; c == '"' || c == '\'' {
		return l.quoted(c)
	}
	for _, s := range symbols {
		if strings.HasPrefix(l.src[start:], s) {
			l.at += len(s)
			return token{symbol, s, start, l.at}
		}
	}
	for l.at < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.at:])
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(reserved, r) {
			break
		}
		l.at += n
	}
	if l.at == start {
		_, n := utf8.DecodeRuneInString(l.src[start:])
		l.at += n
		return token{illegal, "the character " + strconv.QuoteRune([]rune(l.src[start:])[0]) + " must stand in quotes", start, l.at}
	}
	return token{word, l.src[start:l.at], start, l.at}
}

// quoted reads a text in quotes. A backslash stands before a quote, a backslash
// or a space, and in \n, \r, \t and \uXXXX.
func (l *lexer) quoted(quote byte) token {
	start := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.src); l.at++ {
		switch c := l.src[l.at]; c {
		case quote:
			l.at++
			return token{quoted, b.String(), start, l.at}
		case '\\':
			if !l.escape(&b) {
				return token{illegal, "a backslash stands before a quote, a backslash, a space, n, r, t or u with four digits only", start, l.at}
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{illegal, "a quote is not closed", start, l.at}
}

// escape reads what follows a backslash and leaves l.at on its last byte.
func (l *lexer) escape(b *strings.Builder) bool {
	if l.at++; l.at >= len(l.src) {
		return false
	}
	switch c := l.src[l.at]; c {
	case '"', '\'', '\\', ' ':
		b.WriteByte(c)
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		if l.at+4 >= len(l.src) {
			return false
		}
		n, err := strconv.ParseUint(l.src[l.at+1:l.at+5], 16, 16)
		if err != nil || !utf8.ValidRune(rune(n)) {
			return false
		}
		b.WriteRune(rune(n))
		l.at += 4
	default:
		return false
	}
	return true
}
