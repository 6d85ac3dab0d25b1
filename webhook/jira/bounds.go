package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/payload/jiraevent"
)

// Bounds of the lists in a request to a registration API, and of each name. A longer list of
// webhooks or IDs refuses the request, any other longer list its item.
const (
	MaxItems      = 1000 // webhooks to register, or IDs, in one request
	MaxEventNames = 200  // of one webhook
	MaxNames      = 100  // in fieldIdsFilter, and in issuePropertyKeysFilter
	MaxNameLength = 255  // bytes of one name
	maxSections   = 10   // of an administrator's filters
)

// decodeList reads a list up to max elements and reports whether there are more. It stops there, so
// that a request cannot allocate memory that its answer would never need.
func decodeList[T any](raw []byte, max int) (out []T, more bool, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	open, err := dec.Token()
	switch {
	case err != nil:
		return nil, false, err
	case open == nil: // null
		return nil, false, nil
	case open != json.Delim('['):
		return nil, false, errNoList
	}
	out = []T{}
	for dec.More() {
		if len(out) == max {
			return out, true, nil
		}
		var one T
		if err := dec.Decode(&one); err != nil {
			return nil, false, err
		}
		out = append(out, one)
	}
	return out, false, nil
}

var errNoList = errors.New("jira: no list")

// itemList are the webhooks of a request.
type itemList []registerDetail

// UnmarshalJSON refuses more than MaxItems.
func (l *itemList) UnmarshalJSON(raw []byte) error {
	items, more, err := decodeList[registerDetail](raw, MaxItems)
	if more {
		return tooMany("webhooks", MaxItems)
	}
	*l = items
	return err
}

// idList are the IDs of a request, each once, in order.
type idList []int64

// UnmarshalJSON refuses more than MaxItems.
func (l *idList) UnmarshalJSON(raw []byte) error {
	ids, more, err := decodeList[int64](raw, MaxItems)
	if more {
		return tooMany("webhookIds", MaxItems)
	}
	*l = once(ids)
	return err
}

func tooMany(name string, max int) error {
	return badRequest(fmt.Sprintf("The %s may have at most %d entries.", name, max))
}

// eventList are names of events: the canonical ones, each once, in order.
type eventList struct {
	names []string // nil where there is no list
	more  bool     // longer than MaxEventNames: names is not complete
}

// UnmarshalJSON reads up to MaxEventNames.
func (l *eventList) UnmarshalJSON(raw []byte) (err error) {
	if l.names, l.more, err = decodeList[string](raw, MaxEventNames); l.names != nil {
		l.names = unique(l.names)
	}
	return err
}

// nameList are names of fields or properties, each once, in order.
type nameList struct {
	names []string
	more  bool // longer than MaxNames: names is not complete
}

// UnmarshalJSON reads up to MaxNames.
func (l *nameList) UnmarshalJSON(raw []byte) (err error) {
	l.names, l.more, err = decodeList[string](raw, MaxNames)
	l.names = once(l.names)
	return err
}

// problems returns the problems of the list.
func (l *nameList) problems(name string) (out []string) {
	if l.more {
		out = append(out, fmt.Sprintf("The %s may have at most %d entries", name, MaxNames))
	}
	if slices.ContainsFunc(l.names, badName) {
		out = append(out, fmt.Sprintf("The %s may hold names of 1 to %d bytes without control characters", name, MaxNameLength))
	}
	return out
}

// once keeps the first of equal elements, in order.
func once[T comparable](list []T) []T {
	seen := make(map[T]struct{}, len(list))
	out := list[:0]
	for _, one := range list {
		if _, again := seen[one]; !again {
			seen[one] = struct{}{}
			out = append(out, one)
		}
	}
	return out
}

// unique returns the canonical names of the events, each once.
func unique(events []string) []string {
	out := make([]string, len(events))
	for i, name := range events {
		out[i] = name
		if info, err := jiraevent.Lookup(name); err == nil {
			out[i] = info.Name
		}
	}
	return once(out)
}

// badName reports whether a name is empty, too long, or has control characters.
func badName(name string) bool {
	return name == "" || len(name) > MaxNameLength || !utf8.ValidString(name) ||
		strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) >= 0
}
