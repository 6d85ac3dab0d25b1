package jql

import (
	"cmp"
	"strconv"
	"strings"
)

// Grammar defines the clauses that a filter may have and how they are joined. Make one with
// [Dynamic], [Admin] or [Any]. The zero value supports no clause. A Grammar is immutable except for
// StrictAND, and safe for concurrent use.
type Grammar struct {
	// StrictAND refuses OR, NOT and parentheses around clauses, which the
	// documentation of Jira's registrations does not mention.
	StrictAND bool

	clauses  map[string]string // lower-case name to canonical name
	property bool              // issue.property[key].path
	any      bool
}

// The canonical names of clauses, which are the arguments of [Subject.Values].
const (
	IssueKey  = "issuekey"
	Project   = "project"
	IssueType = "issuetype"
	Status    = "status"
	Assignee  = "assignee"
	Reporter  = "reporter"
)

var (
	dynamicClauses = []string{IssueKey, Project, IssueType, Status, Assignee, Reporter}
	adminClauses   = []string{"resolution", "fixVersion", "affectedVersion", "component", "priority", "labels", "creator", "parent", "summary"}
	aliases        = map[string]string{"key": IssueKey, "issue": IssueKey, "id": IssueKey, "type": IssueType}
)

// Dynamic is the grammar of the registrations that apps make: issueKey, project,
// issuetype, status, assignee, reporter, issue.property, and cf[id] for the
// custom fields that the host lists, as Jira Cloud does for its epic field.
func Dynamic(custom ...int64) Grammar {
	g := Grammar{clauses: make(map[string]string), property: true}
	g.support(dynamicClauses...)
	for _, id := range custom {
		g.support("cf[" + strconv.FormatInt(id, 10) + "]")
	}
	return g
}

// Admin is the grammar of administrators' webhooks: that of [Dynamic], the aliases key, issue, id
// and type, further fields of every issue (resolution, fixVersion, affectedVersion, component,
// priority, labels, creator, parent, summary), and the names that the host adds, such as
// "environment" or "cf[10010]".
func Admin(more ...string) Grammar {
	g := Dynamic()
	g.support(adminClauses...)
	g.support(more...)
	for alias, name := range aliases {
		g.clauses[alias] = name
	}
	return g
}

// Any is [Admin] with every other clause name as well, for a host whose issues have custom fields
// that are known only at run time.
func Any() Grammar {
	g := Admin()
	g.any = true
	return g
}

func (g *Grammar) support(names ...string) {
	for _, name := range names {
		lower := strings.ToLower(name)
		g.clauses[lower] = lower
	}
}

// canonical returns the name for Subject.Values, and whether the grammar has the clause. Keys and
// paths of properties keep their case.
func (g *Grammar) canonical(c clauseName) (string, bool) {
	lower := strings.ToLower(c.name)
	if lower == "issue.property" && len(c.brackets) == 1 && g.property {
		return PropertyField(c.brackets[0].key, c.brackets[0].path), true
	}
	for i, b := range c.brackets {
		switch {
		case c.custom && i == 0:
			lower += "[" + cmp.Or(strings.TrimLeft(b.key, "0"), "0") + "]"
		case lower == "cf": // in quotes it is an ordinary name, and no custom field
			lower = "'cf'"
			fallthrough
		default:
			lower += "[" + strings.ToLower(b.key) + "]" + strings.ToLower(b.path)
		}
	}
	if name, ok := g.clauses[lower]; ok {
		return name, true
	}
	return lower, g.any
}

// PropertyField is the canonical name of an entity property's clause: key names the property, path
// a member of its value, with a dot in front of each step, or "" for the value itself.
func PropertyField(key, path string) string {
	if path != "" && path[0] != '.' {
		path = "." + path
	}
	return "issue.property[" + key + "]" + path
}
