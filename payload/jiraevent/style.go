package jiraevent

import (
	"maps"
	"strconv"
)

// Style chooses between the current shape of a callback and that of the documentation of 2019. The
// zero value is the current shape of Jira Cloud.
type Style struct {
	// ISOTime writes the timestamp as 2011-06-07T10:31:26.805-0500.
	ISOTime bool
	// EventKey repeats the name of the event under the key "event", after the other members.
	EventKey bool
	// Edition2019 follows the edition of September 2019: changelog.id is a number, the dates of a
	// sprint are written as [Date], a comment has neither jsdPublic nor visibility, and
	// [Callback.Validate] accepts a changelog for jira:issue_updated alone.
	Edition2019 bool
}

// apply changes a callback for the style. The entities and the map of the caller stay as they are.
func (s Style) apply(c *Callback) {
	if s.EventKey {
		more := map[string]any{"event": c.Event}
		maps.Copy(more, c.More)
		c.More = more
	}
	if s.ISOTime {
		c.Sent = c.Sent.With("timestamp", dateText(Date(c.Timestamp)))
	}
	if !s.Edition2019 {
		return
	}
	if c.Changelog != nil {
		l := *c.Changelog
		if id, err := strconv.ParseUint(string(l.ID), 10, 64); err == nil {
			l.Sent = l.Sent.With("id", strconv.AppendUint(nil, id, 10))
		}
		c.Changelog = &l
	}
	if c.Sprint != nil {
		p := *c.Sprint
		for name, at := range map[string]AgileTime{"startDate": p.StartDate, "endDate": p.EndDate, "completeDate": p.CompleteDate} {
			if !at.IsZero() {
				p.Sent = p.Sent.With(name, dateText(Date(at)))
			}
		}
		c.Sprint = &p
	}
	if c.Comment != nil {
		m := *c.Comment
		m.Sent = m.Sent.With("jsdPublic", nil).With("visibility", nil)
		c.Comment = &m
	}
}

func dateText(d Date) []byte { return d.AppendFormat(nil, `"`+dateLayout+`"`) }
