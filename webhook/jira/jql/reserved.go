package jql

import "strings"

// keywords are the words with a meaning, and cf, which starts the number of a custom field.
const keywords = `and or not empty null in is cf was changed before after from to on during order by asc desc`

// reservedWords are those that Jira keeps for later. Unquoted they are no name and no value. The
// list is the one of Jira's documentation of advanced searching, without the word all, which
// Atlassian's own parser, jql-ast, accepts.
const reservedWords = `
abort access add alias alter any as audit avg begin between boolean break byte
catch char character check checkpoint collate collation column commit connect continue
count create current date decimal declare decrement default defaults define delete
delimiter difference distinct divide do double drop else encoding end equals escape
exclusive exec execute exists explain false fetch field file first float for function
go goto grant greater group having identified if immediate increment index initial inner
inout input insert int integer intersect intersection into isempty isnull join last left
less like limit lock long max min minus mode modify modulo more multiply next noaudit
notin nowait number object of option outer output power previous prior privileges public
raise raw remainder rename resource return returns revoke right row rowid rownum rows
select session set share size sqrt start strict string subtract sum synonym table then
trans transaction trigger true uid union unique update user validate values view when
whenever where while with`

// longestReserved is the length of the longest of all these words.
const longestReserved = 12

var reserved = func() map[string]bool {
	out := make(map[string]bool)
	for word := range strings.FieldsSeq(keywords + " " + reservedWords) {
		out[word] = true
	}
	return out
}()

// isReserved reports whether a word, as the filter spells it, must stand in quotes to be a name or
// a value.
func isReserved(word string) bool {
	return len(word) <= longestReserved && reserved[lowerASCII(word)]
}

// lowerASCII lowers the letters A to Z and leaves others alone, because Unicode's folding would
// turn the long s into an s, and JQL has no other spelling of its keywords.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					r += 'a' - 'A'
				}
				return r
			}, s)
		}
	}
	return s
}
