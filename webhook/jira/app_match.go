package jira

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// matched returns the live registrations that an event matches, in order. An error of the app, whose
// registrations or one of whose filters cannot be read, is a [webhook.ErrUnusable].
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
			return nil, fmt.Errorf("%w: %w", webhook.ErrUnusable, one.err)
		case subject == nil && a.applies[e.Type] && !one.filter.All():
			_, err := a.subject(e) // the error names what is missing
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// composeMatched writes the matched registrations of an app into the body.
func composeMatched(ids []int64, w *webhook.Webhook, e *payload.Event, r *webhook.Routed) (err error) {
	r.Vars = map[string]string{varApp: w.Attributes[AttrApp]}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	r.Vars[varMatched] = strings.Join(texts, ",")
	r.Body, err = jiraevent.WithMatched(e.Body, ids)
	return err
}

// wanted reports whether a registration that matched a delivery is still live. While the
// registrations cannot be read, the answer is true: an extra callback does less harm than a missing
// one.
func (a *apps) wanted(w *webhook.Webhook, d *webhook.Delivery) bool {
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
