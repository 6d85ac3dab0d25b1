package jira

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/payload"
	payloadjira "github.com/postrider/postrider/payload/jira"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// AttrApp is the attribute of a webhook that stands for all registrations of an
// app on a tenant; its value names the app, the webhook's Scope is the tenant. It
// sends one callback per event, whose body lists every registration that matched.
const AttrApp = "jira_app"

// What is kept with the delivery of an app: its registrations that matched, and whose
// they are. The names cannot be those of URL variables, which have a dot.
const (
	varMatched = "matched_webhook_ids"
	varApp     = "registered_by"
)

// loadTimeout bounds the look at the registrations of one app.
const loadTimeout = 5 * time.Second

var errNoRegistrations = errors.New("jira: the webhook of an app needs WithRegistrations")

// WithRegistrations lets the profile send to apps: to webhooks that [Sync] made
// from their registrations.
func WithRegistrations(rs Registrations) Option { return func(s *settings) { s.registrations = rs } }

// Sync brings the webhook of an app in line with its registrations: it makes one,
// gives it the URL, or deletes it once nothing is registered. It is to be called
// whenever the registrations of the owner have changed, usually by
// DynamicOptions.Changed; events see a change from then on. Calls for one owner
// that overlap end with what the last one found.
func Sync(ctx context.Context, m *webhook.Manager, rs Registrations, o Owner) error {
	const attempts = 5
	var err error
	for range attempts {
		if err = syncOnce(ctx, m, rs, o); !errors.Is(err, webhook.ErrConflict) && !errors.Is(err, webhook.ErrNotFound) {
			return err
		}
	}
	return fmt.Errorf("jira: sync app %s: %w", o.App, err)
}

func syncOnce(ctx context.Context, m *webhook.Manager, rs Registrations, o Owner) error {
	hooks, err := m.List(ctx, o.Tenant)
	if err != nil {
		return err
	}
	registered, err := rs.Registrations(ctx, o)
	if err != nil {
		return err
	}
	hooks = slices.DeleteFunc(hooks, func(w webhook.Webhook) bool { return w.Attributes[AttrApp] != o.App })
	slices.SortFunc(hooks, func(a, b webhook.Webhook) int { return strings.Compare(a.ID, b.ID) })
	keep := min(1, len(registered))
	for len(hooks) > keep { // a twin comes from a call that overlapped
		last := len(hooks) - 1
		if err := m.Delete(ctx, o.Tenant, hooks[last].ID); err != nil {
			return err
		}
		hooks = hooks[:last]
	}
	if len(registered) == 0 {
		return nil
	}
	url := registered[len(registered)-1].URL
	now := time.Now()
	if i := slices.IndexFunc(registered, func(r Registration) bool { return r.Live(now) }); i >= 0 {
		url = registered[i].URL // that of all live ones
	}
	if len(hooks) == 0 {
		_, err = m.Add(ctx, webhook.Webhook{Scope: o.Tenant, Name: "Registrations of an app", URL: url, Active: true,
			Events: []string{jql.EveryEvent}, Attributes: map[string]string{AttrApp: o.App}})
		if err != nil {
			return err
		}
		return webhook.ErrConflict // look once more, for a twin
	}
	w := hooks[0]
	w.URL = url
	_, err = m.Edit(ctx, w) // also when nothing changed: the new version tells every process to look again
	return err
}

// apps knows the registrations behind the webhooks of apps, one look for each
// version of a webhook.
type apps struct {
	store   Registrations // nil: there are none
	grammar jql.Grammar
	applies map[string]bool // the events to which JQL applies
	subject func(*payload.Event) (*jql.Prepared, error)
	mu      sync.Mutex
	known   map[webhookKey]*registered
}

// registered are the registrations of one app.
type registered struct {
	stamp stamp
	byID  map[int64]Registration
	index jql.Index
}

const maxApps = 10_000

func (a *apps) of(w *webhook.Webhook) (*registered, error) {
	if a.store == nil {
		return nil, errNoRegistrations
	}
	key, now := webhookKey{w.Scope, w.ID}, stampOf(w)
	a.mu.Lock()
	r := a.known[key]
	a.mu.Unlock()
	if r != nil && r.stamp.equal(now) {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	all, err := a.store.Registrations(ctx, Owner{Tenant: w.Scope, App: w.Attributes[AttrApp]})
	if err != nil {
		return nil, fmt.Errorf("jira: registrations of webhook %s: %w", w.ID, err)
	}
	r = &registered{stamp: now, byID: make(map[int64]Registration, len(all))}
	for _, one := range all {
		filter, err := a.grammar.Parse(one.Filter)
		if err != nil {
			return nil, filterError(strconv.FormatInt(one.ID, 10), err)
		}
		r.byID[one.ID] = one
		r.index.Set(strconv.FormatInt(one.ID, 10), one.Events, filter)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= maxApps {
		a.known = make(map[webhookKey]*registered)
	}
	a.known[key] = r
	return r, nil
}

// matched returns the live registrations that an event matches, in order.
func (a *apps) matched(w *webhook.Webhook, e *payload.Event) ([]int64, error) {
	r, err := a.of(w)
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
		if !one.Live(now) || !gate.open(&one) {
			continue
		}
		if subject == nil && a.applies[e.Type] && !jql.Blank(one.Filter) {
			_, err := a.subject(e) // says what is missing
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// gate is what fieldIdsFilter and issuePropertyKeysFilter let through.
type gate struct {
	event   *payload.Event
	changed []string // fields, read from the body at the first question
	read    bool
}

func (g *gate) open(r *Registration) bool {
	switch {
	case g.event.Type == payloadjira.IssueUpdated && len(r.FieldIDs) > 0:
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
	c, err := payloadjira.Decode(g.event.Body)
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

// compose writes the matched registrations into the body.
func (a *apps) compose(w *webhook.Webhook, e *payload.Event, c *webhook.Composed) error {
	ids, err := a.matched(w, e)
	if err != nil {
		return err
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	c.Vars = map[string]string{varMatched: strings.Join(texts, ","), varApp: w.Attributes[AttrApp]}
	c.Body, err = payloadjira.WithMatched(e.Body, ids)
	return err
}

// wanted reports whether a registration that matched a delivery is still live. While
// the registrations cannot be read it is: a callback too many does less harm than one
// that is missing.
func (a *apps) wanted(w *webhook.Webhook, d *webhook.Delivery) bool {
	r, err := a.of(w)
	if err != nil {
		return true
	}
	now := time.Now()
	for text := range strings.SplitSeq(d.Vars[varMatched], ",") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && r.byID[id].Live(now) {
			return true
		}
	}
	return false
}
