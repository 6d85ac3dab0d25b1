package jira

import (
	"slices"
	"strings"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
)

// gate applies fieldIdsFilter and issuePropertyKeysFilter to an event.
type gate struct {
	event   *payload.Event
	changed []string // fields, read from the body on first use
	read    bool
}

func (g *gate) open(r *Registration) bool {
	switch {
	case g.event.Type == jiraevent.IssueUpdated && len(r.FieldIDs) > 0:
		return slices.ContainsFunc(g.fields(), func(f string) bool { return slices.Contains(r.FieldIDs, f) })
	case strings.HasPrefix(g.event.Type, "issue_property_") && len(r.PropertyKeys) > 0:
		return slices.Contains(r.PropertyKeys, g.event.Vars["property.key"])
	}
	return true
}

func (g *gate) fields() []string {
	if g.read {
		return g.changed
	}
	g.read = true
	c, err := jiraevent.Decode(g.event.Body)
	if err != nil || c.Changelog == nil {
		return nil
	}
	for _, item := range c.Changelog.Items {
		g.changed = append(g.changed, item.Field)
		if item.FieldID != "" {
			g.changed = append(g.changed, item.FieldID)
		}
	}
	return g.changed
}
