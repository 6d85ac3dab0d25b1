package jira

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// AttrApp is the attribute of a webhook that stands for all registrations of an
// app on a tenant; its value names the app, the webhook's Scope is the tenant. It
// sends one callback per event, whose body lists every registration that matched.
const AttrApp = "jira_app"

// Kept with the delivery of an app: its registrations that matched, and their owner. The names
// cannot be those of URL variables, which have a dot.
const (
	varMatched = "matched_webhook_ids"
	varApp     = "registered_by"
)

var errNoRegistrations = fmt.Errorf("jira: the webhook of an app needs WithRegistrations: %w", webhook.ErrUnusable)

// WithRegistrations lets the profile send to apps: to webhooks that [Sync] made from their
// registrations.
func WithRegistrations(rs Registrations) Option { return func(s *settings) { s.registrations = rs } }

// Sync brings the webhook of an app in line with its registrations: it makes a webhook, sets its
// URL, or deletes it once nothing is registered. Call it after every change of the owner's
// registrations, usually from DynamicOptions.Changed. Events of the Manager's process see a change
// at once. Events of other processes see it after those have read it; their next event starts the
// reading. Concurrent calls for one owner end with the registrations that the last one read.
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
	for len(hooks) > keep { // a concurrent call made a second one
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
		url = registered[i].URL // all live ones have it
	}
	if len(hooks) == 0 {
		_, err = m.Add(ctx, webhook.Webhook{Scope: o.Tenant, Name: "Registrations of an app", URL: url, Active: true,
			Events: []string{jql.EveryEvent}, Attributes: map[string]string{AttrApp: o.App}})
		if err != nil {
			return err
		}
		return webhook.ErrConflict // read again: there may be a second one
	}
	w := hooks[0]
	w.URL = url
	return editApp(ctx, m, w) // also without a change: the new version makes every process read the registrations
}

// editApp stores the webhook of an app. An app chooses its URL itself, so headers that a host had
// set are dropped when the URL changes: their values were for the old receiver.
func editApp(ctx context.Context, m *webhook.Manager, w webhook.Webhook) error {
	w.Secrets = nil // Edit keeps the stored ones, for the same receiver
	for name := range w.Headers {
		w.Headers[name] = ""
	}
	_, err := m.Edit(ctx, w)
	var bad *webhook.ValidationError
	if errors.As(err, &bad) && slices.ContainsFunc(bad.Fields, func(f webhook.FieldError) bool { return f.Field == "headers" && f.Rule == "again" }) {
		w.Headers = nil
		_, err = m.Edit(ctx, w)
	}
	return err
}
