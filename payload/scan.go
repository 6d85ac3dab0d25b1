package payload

import (
	"encoding/json"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a body that Decode reads. Its own bodies have
// two levels.
const maxDepth = 64

// wellFormed checks what the other functions here rely on: the body is one JSON
// object, in UTF-8, of bounded depth.
func wellFormed(body []byte) error {
	switch {
	case !utf8.Valid(body):
		return &DecodeError{Reason: "must be valid UTF-8"}
	case !json.Valid(body), body[skipSpace(body, 0)] != '{':
		return &DecodeError{Reason: "must be one JSON object and nothing else"}
	case depth(body) > maxDepth:
		return &DecodeError{Reason: "must not be nested deeper than 64"}
	}
	return nil
}

func depth(b []byte) (deepest int) {
	level := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// valueEnd returns the index after the value that starts at i.
func valueEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		return nestedEnd(b, i)
	}
	for i < len(b) {
		switch b[i] {
		case ',', ']', '}', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

func nestedEnd(b []byte, i int) int {
	level := 0
	for {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			continue
		case '{', '[':
			level++
		case '}', ']':
			level--
		}
		i++
		if level == 0 {
			return i
		}
	}
}

// stringEnd returns the index after the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}
