package jql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrInvalid matches (errors.Is) every [*Error].
var ErrInvalid = errors.New("jql: invalid filter")

// Error lists the problems of a filter. Each problem is a sentence for the filter's author and
// names the clause as the filter spells it, such as "The clause myClause is unsupported". There are
// 21 at most.
type Error struct{ Problems []string }

// Error joins the problems.
func (e *Error) Error() string { return "jql: " + strings.Join(e.Problems, "; ") }

// Is reports whether target is [ErrInvalid].
func (e *Error) Is(target error) bool { return target == ErrInvalid }

// syntax describes a syntax error at a place in the filter, which counts characters from 1.
func syntax(src string, at int, format string, args ...any) string {
	return fmt.Sprintf("The filter cannot be read at character %d: ", utf8.RuneCountInString(src[:at])+1) + fmt.Sprintf(format, args...)
}
