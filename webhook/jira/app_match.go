package jira

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// varUnknown marks a delivery to an app whose registrations could not be read. It ends as failed,
// without a request and without a body.
const varUnknown = "registrations_unknown"

var errUnknown = errors.New("jira: which registrations of the app match could not be found out")

// appError is an error of one app: its registrations cannot be read, or one of its filters. It
// fails the deliveries to this app alone.
type appError struct{ err error }

func (e *appError) Error() string { return e.err.Error() }
func (e *appError) Unwrap() error { return e.err }

// selection has the matching registrations of one app that receives an event.
type selection struct {
	ids     []int64
	unknown bool // an error of the app hides them; the delivery is marked
}

// selectFor returns nil for the webhook of an app that does not receive an event.
func (a *apps) selectFor(w *webhook.Webhook, e *payload.Event, until time.Time) (*selection, error) {
	ids, err := a.matched(w, e, until)
	var app *appError
	switch {
	case errors.As(err, &app):
		return &selection{unknown: true}, nil
	case err != nil || len(ids) == 0:
		return nil, err
	}
	return &selection{ids: ids}, nil
}

// matched returns the live registrations that an event matches, in order.
func (a *apps) matched(w *webhook.Webhook, e *payload.Event, until time.Time) ([]int64, error) {
	r, err := a.registrations(w, until)
	if err != nil {
		return nil, err
	}
	var subject jql.Subject
	if a.applies[e.Type] && e.Subject() != nil {
		if subject, err = a.subject(e); err != nil {
			return nil, err
		}
	}
	found := r.index.Match(e.Type, subject)
	if other := alias(e); other != "" {
		found = append(found, r.index.Match(other, subject)...)
	}
	now := time.Now()
	gate := gate{event: e}
	var ids []int64
	for _, text := range found {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		one := r.byID[id]
		switch {
		case !one.Live(now) || !gate.open(&one.Registration):
			continue
		case one.err != nil:
			return nil, &appError{one.err}
		case subject == nil && a.applies[e.Type] && !one.filter.All():
			_, err := a.subject(e) // the error names what is missing
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// compose writes the matched registrations into the body.
func (s *selection) compose(w *webhook.Webhook, e *payload.Event, r *webhook.Routed) (err error) {
	r.Vars = map[string]string{varApp: w.Attributes[AttrApp]}
	if s.unknown {
		r.Vars[varUnknown], r.NoBody = "true", true
		return nil
	}
	texts := make([]string, len(s.ids))
	for i, id := range s.ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	r.Vars[varMatched] = strings.Join(texts, ",")
	r.Body, err = jiraevent.WithMatched(e.Body, s.ids)
	return err
}

// wanted reports whether a registration that matched a delivery is still live. While the
// registrations cannot be read, the answer is true: an extra callback does less harm than a missing
// one.
func (a *apps) wanted(w *webhook.Webhook, d *webhook.Delivery) bool {
	if d.Vars[varUnknown] != "" {
		return true // it ends as failed
	}
	r, err := a.registrations(w, time.Now().Add(firstPatience))
	if err != nil {
		return true
	}
	now := time.Now()
	for text := range strings.SplitSeq(d.Vars[varMatched], ",") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			if one := r.byID[id]; one != nil && one.Live(now) {
				return true
			}
		}
	}
	return false
}
