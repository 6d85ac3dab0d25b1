package webpage

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

const (
	// maxIndent bounds the nesting of indented JSON: deeper lines would be mostly spaces.
	maxIndent = 64
	// maxGrowth times the limit bounds the length of an indented body.
	maxGrowth = 4
)

// Pretty returns the beginning of a body for display, and the number of displayed bytes of the
// body, at most limit. JSON is indented unless it is nested deeper than 64 levels or would
// become longer than four times the limit; then, like other text, it is shown unchanged.
// Bytes that are no UTF-8 become "?".
func Pretty(body []byte, limit int) (text string, shown int) {
	if len(body) > limit {
		for shown = limit; shown > max(0, limit-utf8.UTFMax+1) && !utf8.RuneStart(body[shown]); shown-- {
		}
		return string(bytes.ToValidUTF8(body[:shown], []byte("?"))), shown
	}
	var b bytes.Buffer
	if indentable(body, maxGrowth*limit) && json.Indent(&b, body, "", "  ") == nil {
		body, shown = b.Bytes(), len(body)
		return string(bytes.ToValidUTF8(body, []byte("?"))), shown
	}
	return string(bytes.ToValidUTF8(body, []byte("?"))), len(body)
}

// indentable reports whether indented JSON has at most most bytes, without writing it.
func indentable(body []byte, most int) bool {
	size, depth, inString := len(body), 0, false
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{', c == '[':
			depth++
			size += 1 + 2*depth
		case c == '}', c == ']':
			depth--
			size += 1 + 2*max(depth, 0)
		case c == ',':
			size += 1 + 2*depth
		case c == ':':
			size++
		}
		if depth > maxIndent || size > most {
			return false
		}
	}
	return true
}
