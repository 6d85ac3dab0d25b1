package jira

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// Subject returns the issue as the subject of a JQL filter. A clause finds a value by its id, key,
// name, value or title, a user also by accountId, displayName and emailAddress. Clauses with
// another name than their field are translated: fixVersion, affectedVersion and component read
// fixVersions, versions and components, cf[10010] reads customfield_10010. The case of field names
// is ignored. The issue must not change meanwhile.
func Subject(i *jiraevent.Issue) jql.Subject { return &issueSubject{issue: i} }

// issueSubject caches decoded properties, because filters of many apps read the same properties, by
// any number of paths.
type issueSubject struct {
	issue      *jiraevent.Issue
	mu         sync.Mutex
	properties map[string]any    // as decoded by encoding/json
	names      map[string]string // of fields, by their lower case
}

var fieldOf = map[string]string{
	"fixversion":      "fixVersions",
	"affectedversion": "versions",
	"component":       "components",
}

func (s *issueSubject) Values(field string) []string {
	if field == jql.IssueKey {
		return texts(nil, []any{string(s.issue.ID), s.issue.Key})
	}
	if rest, ok := strings.CutPrefix(field, "issue.property["); ok {
		return s.property(rest)
	}
	if id, ok := strings.CutPrefix(field, "cf["); ok {
		field = "customfield_" + strings.TrimSuffix(id, "]")
	}
	if name, ok := fieldOf[field]; ok {
		field = name
	}
	value, ok := s.issue.Fields[field]
	if !ok {
		value = s.issue.Fields[s.name(field)]
	}
	return texts(nil, value)
}

// name finds the field with this name in any case.
func (s *issueSubject) name(field string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = make(map[string]string, len(s.issue.Fields))
		for name := range s.issue.Fields {
			s.names[strings.ToLower(name)] = name
		}
	}
	return s.names[strings.ToLower(field)]
}

// property walks a path through an entity property. rest is the text after the opening bracket:
// "key].path.to.member".
func (s *issueSubject) property(rest string) []string {
	end := strings.LastIndexByte(rest, ']')
	if end < 0 {
		return nil
	}
	value := s.decoded(rest[:end])
	path := strings.TrimPrefix(rest[end+1:], ".")
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, ".")
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return texts(nil, value)
}

// decoded is the value of a property.
func (s *issueSubject) decoded(key string) any {
	raw, ok := s.issue.Properties[key]
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value, known := s.properties[key]
	if !known {
		if s.properties == nil {
			s.properties = make(map[string]any)
		}
		value = deep(raw)
		s.properties[key] = value
	}
	return value
}

// identifying are the members of an object by which a filter may name it.
var identifying = [...]string{"id", "key", "name", "value", "title", "accountId", "displayName", "emailAddress"}

// texts appends every text that names a value.
func texts(to []string, value any) []string {
	switch v := plain(value).(type) {
	case string:
		if v != "" {
			to = append(to, v)
		}
	case bool:
		to = append(to, strconv.FormatBool(v))
	case json.Number:
		to = append(to, v.String())
	case []any:
		for _, element := range v {
			to = texts(to, element)
		}
	case map[string]any:
		for _, name := range identifying {
			switch member := plain(v[name]).(type) {
			case string, json.Number, bool:
				to = texts(to, member)
			}
		}
	}
	return to
}

// deep applies plain to a value and all its members.
func deep(value any) any {
	switch v := plain(value).(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = deep(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = deep(element)
		}
		return out
	default:
		return v
	}
}

// plain turns a value of any type into the result of encoding and decoding it as JSON. A value
// without JSON becomes nil.
func plain(value any) any {
	switch v := value.(type) {
	case nil, string, bool, json.Number, []any, map[string]any:
		return v
	case int, int64, int32:
		return json.Number(fmt.Sprint(v))
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var out any
	if dec.Decode(&out) != nil {
		return nil
	}
	return out
}
