package jql

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

type kind uint8

const (
	end     kind = iota
	word         // without quotes
	number       // digits, with or without a leading minus
	quoted       // in quotes
	keyword      // a word that is reserved
	symbol       // an operator, a bracket or a comma
	illegal      // text describes the error
)

// token is a piece of a filter. The text of a name or value is without quotes and escapes; that of
// a keyword is in lower case.
type token struct {
	kind       kind
	text       string
	start, end int // in the source
}

// is reports whether the token is one of these keywords, in lower case, or symbols.
func (t token) is(list ...string) bool {
	return (t.kind == symbol || t.kind == keyword) && slices.Contains(list, t.text)
}

// isText reports whether the token may be a name or a value.
func (t token) isText() bool { return t.kind == word || t.kind == number || t.kind == quoted }

// lexer cuts a filter into tokens.
type lexer struct {
	src string
	at  int
}

var symbols = []string{"!=", "!~", "<=", ">=", "&&", "||", "=", "!", "<", ">", "~", "&", "|", "(", ")", "[", "]", ","}

// isBlank reports whether c separates tokens. Unicode's other spaces, such as the no-break space,
// are letters to JQL.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// Blank reports whether a source has no clause, so that its filter matches every subject. No other
// source gives such a filter.
func Blank(src string) bool {
	for i := range len(src) {
		if !isBlank(src[i]) {
			return false
		}
	}
	return true
}

func (l *lexer) next() token {
	for l.at < len(l.src) && isBlank(l.src[l.at]) {
		l.at++
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
	return l.word()
}

// word reads a text without quotes. A backslash may escape characters that do not belong to a word
// otherwise.
func (l *lexer) word() token {
	start := l.at
	n, escaped := l.run(wordRune)
	if !escaped && n == 0 {
		r, n := utf8.DecodeRuneInString(l.src[start:])
		l.at += n
		return token{illegal, "the character " + strconv.QuoteRune(r) + " must stand in quotes", start, l.at}
	}
	if !escaped {
		text := l.src[start:l.at]
		kind := wordKind(text)
		if kind == keyword {
			text = lowerASCII(text)
		}
		return token{kind, text, start, l.at}
	}
	var b strings.Builder
	l.at = start
	for l.at < len(l.src) {
		from := l.at
		n, more := l.run(wordRune)
		b.WriteString(l.src[from : from+n])
		if !more {
			break
		}
		if !l.escape(&b) {
			return token{illegal, badEscape, start, l.at}
		}
	}
	return token{word, b.String(), start, l.at}
}

// run passes over runes that a predicate allows and returns their bytes, and whether a backslash
// comes next.
func (l *lexer) run(allowed func(rune) bool) (n int, backslash bool) {
	from := l.at
	for l.at < len(l.src) {
		r, size := utf8.DecodeRuneInString(l.src[l.at:])
		if r == '\\' || !allowed(r) {
			return l.at - from, r == '\\'
		}
		l.at += size
	}
	return l.at - from, false
}

func wordKind(text string) kind {
	if digits := strings.TrimPrefix(text, "-"); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return number
	}
	if isReserved(text) {
		return keyword
	}
	return word
}

// wordRune reports whether a word may have r without quotes. Other runes have a meaning, are
// reserved, or are no characters.
func wordRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= ':', r == '-', r == '.', r == '_', r == '`':
		return true
	}
	return r > 0x9f && !nonCharacter(r)
}

// quotedRune reports whether r may stand in quotes without an escape. A line end may.
func quotedRune(r rune) bool {
	return (r >= ' ' || r == '\n' || r == '\r') && (r < 0x7f || r > 0x9f) && !nonCharacter(r)
}

// nonCharacter reports whether r is one of the code points that Unicode keeps free in its first
// plane.
func nonCharacter(r rune) bool { return 0xfdd0 <= r && r <= 0xfdef || r == 0xfffe || r == 0xffff }

const badEscape = "a backslash stands before a quote, a backslash, a space, n, r, t or u with four digits only"

// quoted reads a text in quotes.
func (l *lexer) quoted(quote byte) token {
	start := l.at
	l.at++
	inside := func(r rune) bool { return r != rune(quote) && quotedRune(r) }
	var b strings.Builder
	for plain := true; ; plain = false {
		from := l.at
		n, backslash := l.run(inside)
		text := l.src[from : from+n]
		switch {
		case backslash:
			b.WriteString(text)
			if !l.escape(&b) {
				return token{illegal, badEscape, start, l.at}
			}
		case l.at == len(l.src):
			return token{illegal, "a quote is not closed", start, l.at}
		case l.src[l.at] != quote:
			r, _ := utf8.DecodeRuneInString(l.src[l.at:])
			return token{illegal, "the character " + strconv.QuoteRune(r) + " cannot stand in quotes", start, l.at}
		default:
			l.at++
			if plain {
				return token{quoted, text, start, l.at}
			}
			b.WriteString(text)
			return token{quoted, b.String(), start, l.at}
		}
	}
}

var escapes = map[byte]byte{'"': '"', '\'': '\'', '\\': '\\', ' ': ' ', 'n': '\n', 'r': '\r', 't': '\t'}

// escape writes the character of an escape sequence, and moves l.at behind the sequence.
func (l *lexer) escape(b *strings.Builder) bool {
	if l.at+1 >= len(l.src) {
		return false
	}
	if c, ok := escapes[l.src[l.at+1]]; ok {
		b.WriteByte(c)
		l.at += 2
		return true
	}
	r, ok := l.unit(l.at)
	if !ok {
		return false
	}
	l.at += len(`\u0000`)
	if utf16.IsSurrogate(r) { // a pair is one character; a single one is invalid
		low, ok := l.unit(l.at)
		pair := utf16.DecodeRune(r, low)
		if ok && pair != utf8.RuneError {
			l.at += len(`\u0000`)
		}
		r = pair
	}
	b.WriteRune(r)
	return true
}

// unit reads a unit of UTF-16 written as \u and four digits.
func (l *lexer) unit(at int) (rune, bool) {
	if at+6 > len(l.src) || l.src[at:at+2] != `\u` {
		return 0, false
	}
	for _, c := range []byte(l.src[at+2 : at+6]) { // ParseUint alone would accept a sign or an underscore
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(l.src[at+2:at+6], 16, 16)
	return rune(n), err == nil
}
