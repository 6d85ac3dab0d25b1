package jira

import "strconv"

// Style chooses between the current shape of a callback and what documentation
// of 2019 prints. The zero value is the current shape: what Jira Cloud sends.
type Style struct {
	// ISOTime writes the timestamp as 2011-06-07T10:31:26.805-0500.
	ISOTime bool
	// EventKey repeats the name of the event under the key "event".
	EventKey bool
	// Edition2019 holds to the edition of September 2019: changelog.id is a
	// number, the dates of a sprint are written as [Date], a comment has neither
	// jsdPublic nor visibility, and [Callback.Validate] accepts a changelog for
	// jira:issue_updated alone.
	Edition2019 bool
}

// apply changes what is written. The entities of the caller stay as they are.
func (b *body) apply(s Style) {
	if s.EventKey {
		b.EventKey = b.Event
	}
	if s.ISOTime {
		b.Sent = b.Sent.With("timestamp", dateText(Date(b.Timestamp)))
	}
	if !s.Edition2019 {
		return
	}
	if b.Changelog != nil {
		l := *b.Changelog
		if id, err := strconv.ParseUint(string(l.ID), 10, 64); err == nil {
			l.Sent = l.Sent.With("id", strconv.AppendUint(nil, id, 10))
		}
		b.Changelog = &l
	}
	if b.Sprint != nil {
		p := *b.Sprint
		for name, at := range map[string]AgileTime{"startDate": p.StartDate, "endDate": p.EndDate, "completeDate": p.CompleteDate} {
			if !at.IsZero() {
				p.Sent = p.Sent.With(name, dateText(Date(at)))
			}
		}
		b.Sprint = &p
	}
	if b.Comment != nil {
		m := *b.Comment
		m.Sent = m.Sent.With("jsdPublic", nil).With("visibility", nil)
		b.Comment = &m
	}
}

func dateText(d Date) []byte { return d.AppendFormat(nil, `"`+dateLayout+`"`) }
