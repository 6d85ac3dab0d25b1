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

// outcome is the result of selecting for one app; composing uses it.
type outcome struct {
	event string
	ids   []int64
	err   error
}

// selected reports whether the webhook of an app receives an event. Where an error of the app
// prevents the answer, it receives the event, and composing marks the delivery.
func (a *apps) selected(w *webhook.Webhook, e *payload.Event, until time.Time) (bool, error) {
	ids, err := a.matched(w, e, until)
	var app *appError
	if err != nil && !errors.As(err, &app) {
		return false, err
	}
	if len(ids) == 0 && err == nil {
		return false, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state(ownerOf(w)).outcome = &outcome{e.ID, ids, err}
	return true, nil
}

// matchedFor returns the result of selecting, or matches again.
func (a *apps) matchedFor(w *webhook.Webhook, e *payload.Event) ([]int64, error) {
	a.mu.Lock()
	s := a.state(ownerOf(w))
	o := s.outcome
	s.outcome = nil
	a.mu.Unlock()
	if o != nil && o.event == e.ID {
		return o.ids, o.err
	}
	return a.matched(w, e, time.Now().Add(firstPatience))
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
func (a *apps) compose(w *webhook.Webhook, e *payload.Event, c *webhook.Composed) error {
	ids, err := a.matchedFor(w, e)
	c.Vars = map[string]string{varApp: w.Attributes[AttrApp]}
	var app *appError
	switch {
	case errors.As(err, &app):
		c.Vars[varUnknown], c.NoBody = "true", true
		return nil
	case err != nil:
		return err
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	c.Vars[varMatched] = strings.Join(texts, ",") // empty if they were deleted since: Keep then drops the delivery
	c.Body, err = jiraevent.WithMatched(e.Body, ids)
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
