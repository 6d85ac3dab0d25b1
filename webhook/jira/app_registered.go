package jira

import (
	"fmt"
	"strconv"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// registered are the live registrations of one app at the time of a load. It is immutable.
type registered struct {
	webhook string
	stamp   stamp
	byID    map[int64]*compiledRegistration
	index   jql.Index
	size    int
}

// stamp identifies a version of an app's webhook. [Sync] stores a new one whenever the
// registrations have changed.
type stamp struct {
	version int64
	updated time.Time
}

func stampOf(w *webhook.Webhook) stamp { return stamp{w.Version, w.UpdatedAt} }

func (s stamp) equal(other stamp) bool {
	return s.version == other.version && s.updated.Equal(other.updated)
}

// compiledRegistration is a registration with its parsed filter.
type compiledRegistration struct {
	Registration
	filter *jql.Filter
	err    error // the filter cannot be used
}

// fits reports whether the registrations belong to a version of the webhook.
func (r *registered) fits(w *webhook.Webhook) bool {
	return r != nil && r.webhook == w.ID && (r.stamp.version > w.Version || r.stamp.equal(stampOf(w)))
}

// add keeps a registration. One with an unusable filter is kept for its events, so that these
// report the error instead of ignoring the registration.
func (r *registered) add(one Registration, before []*registered, g *jql.Grammar) {
	c := &compiledRegistration{Registration: one}
	for _, old := range before {
		if old == nil || old.byID[one.ID] == nil {
			continue
		}
		if known := old.byID[one.ID]; known.Filter == one.Filter && known.filter != nil {
			c.filter, c.Filter = known.filter, known.Filter // the same text is kept once
		}
	}
	r.size += len(one.Filter)
	switch {
	case r.size > MaxFilterBytes:
		c.filter, c.err = nil, errTooLong
	case c.filter == nil:
		if c.filter, c.err = g.Parse(one.Filter); c.err != nil {
			c.err = fmt.Errorf("jira: filter of registration %d: %w", one.ID, c.err)
		}
	}
	r.byID[one.ID] = c
	r.index.Set(strconv.FormatInt(one.ID, 10), one.Events, c.filter)
}
