package jira

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// registerRequest is a request for several registrations with one URL.
type registerRequest struct {
	URL      string   `json:"url"`
	Webhooks itemList `json:"webhooks"`
}

type registerDetail struct {
	JQLFilter    *string   `json:"jqlFilter"`
	Events       eventList `json:"events"`
	FieldIDs     nameList  `json:"fieldIdsFilter"`
	PropertyKeys nameList  `json:"issuePropertyKeysFilter"`
}

// registerResult is the answer for one of them, in their order.
type registerResult struct {
	CreatedWebhookID int64    `json:"createdWebhookId,omitempty"`
	Errors           []string `json:"errors,omitempty"`
}

// register checks each item on its own: valid ones are registered although others are not.
func (d *dynamic) register(v dialect, app App, r *http.Request) (int, any, error) {
	var in registerRequest
	if err := readJSON(r, &in); err != nil {
		return 0, nil, err
	}
	target, err := d.callbackURL(app, in)
	if err != nil {
		return 0, nil, err
	}
	now := time.Now().UTC()
	room, err := d.filterRoom(app.Owner, r, now)
	if err != nil {
		return 0, nil, err
	}
	results := make([]registerResult, len(in.Webhooks))
	var good []Registration
	var places []int
	for i, item := range in.Webhooks {
		if problems := d.checkItem(target, item); len(problems) > 0 {
			results[i].Errors = problems
			continue
		}
		if room -= len(*item.JQLFilter); room < 0 {
			results[i].Errors = []string{"The limit of 1,000,000 bytes of filters is reached"}
			room += len(*item.JQLFilter)
			continue
		}
		good = append(good, Registration{URL: target, Filter: *item.JQLFilter, Events: item.Events.names,
			FieldIDs: item.FieldIDs.names, PropertyKeys: item.PropertyKeys.names, CreatedAt: now, ExpiresAt: now.Add(d.life)})
		places = append(places, i)
	}
	if len(good) > 0 {
		ids, err := d.store.Register(r.Context(), app.Owner, good, now, d.max)
		if errors.Is(err, ErrOtherURL) {
			return 0, nil, badRequest("Only one callback URL per app is allowed, and registered webhooks have another one.")
		}
		if err != nil {
			return 0, nil, err
		}
		for n, id := range ids {
			if id != 0 {
				results[places[n]].CreatedWebhookID = id
			} else {
				results[places[n]].Errors = []string{fmt.Sprintf("The limit of %d webhooks is reached", d.max)}
			}
		}
		d.change(r, app.Owner)
	}
	if v == 2 {
		return http.StatusOK, results, nil
	}
	return http.StatusOK, map[string]any{"webhookRegistrationResult": results}, nil
}

// callbackURL returns the canonical URL of a request, with its variables.
func (d *dynamic) callbackURL(app App, in registerRequest) (string, error) {
	switch {
	case in.URL == "":
		return "", badRequest("The url is required.")
	case len(in.URL) > allowlist.MaxURL: // the checks below count one character for each variable
		return "", badRequest(fmt.Sprintf("The url may have at most %d bytes.", allowlist.MaxURL))
	case len(in.Webhooks) == 0:
		return "", badRequest("At least one webhook is required.")
	}
	sample := make(map[string]string)
	for _, name := range webhook.Variables(in.URL) {
		sample[name] = "x"
	}
	expanded := webhook.Expand(in.URL, sample)
	canonical, err := d.allow.CheckURL(expanded)
	if err != nil {
		return "", badRequest("The url is not allowed: it must be an https URL of a public host, on a port that webhooks may use.")
	}
	if len(sample) > 0 {
		canonical = in.URL
	}
	if app.BaseURL != "" && !(inBase(expanded, app.BaseURL) && (len(sample) == 0 || under(in.URL, app.BaseURL))) {
		return "", badRequest("The url must begin with the base URL of the app.")
	}
	return canonical, nil
}

// under reports whether the path of a template is that of the base or below it, so that no variable
// stands in the place of the base.
func under(template, base string) bool {
	rest, ok := strings.CutPrefix(afterHost(template), strings.TrimRight(afterHost(base), "/"))
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// afterHost is the part of a URL behind its host.
func afterHost(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	return strings.TrimLeftFunc(rest, func(r rune) bool { return r != '/' && r != '?' })
}

// inBase compares scheme, host and path in the receivers' reading, without segments that lead out
// again. Hosts and default ports have several spellings.
func inBase(raw, base string) bool {
	u, err := url.Parse(raw)
	return err == nil && sign.InBase(u, base)
}

// checkItem lists the problems of one registration.
func (d *dynamic) checkItem(target string, item registerDetail) (problems []string) {
	if item.JQLFilter == nil {
		problems = append(problems, "The jqlFilter is required")
	} else {
		problems = append(problems, filterProblems(d.grammar, *item.JQLFilter)...)
	}
	problems = append(problems, d.eventProblems(item.Events)...)
	problems = append(problems, item.FieldIDs.problems("fieldIdsFilter")...)
	problems = append(problems, item.PropertyKeys.problems("issuePropertyKeysFilter")...)
	if len(problems) == 0 {
		for _, bad := range checkVariables(webhook.Webhook{URL: target, Events: item.Events.names}) {
			problems = append(problems, bad.Message)
		}
	}
	return problems
}

func (d *dynamic) eventProblems(events eventList) (problems []string) {
	switch {
	case events.more:
		return []string{fmt.Sprintf("There may be at most %d events", MaxEventNames)}
	case len(events.names) == 0:
		return []string{"At least one event is required"}
	}
	for _, name := range events.names {
		switch {
		case slices.Contains(d.events, name):
		case badName(name):
			problems = append(problems, "An event without a name, or with one that is too long or not printable, is unsupported")
		default:
			problems = append(problems, "The event "+name+" is unsupported")
		}
	}
	return slices.Compact(problems)
}

// filterRoom returns how many bytes of filters the owner may still register.
func (d *dynamic) filterRoom(o Owner, r *http.Request, now time.Time) (int, error) {
	if d.max <= MaxRegistrations {
		return MaxFilterBytes, nil // the longest filters of so few registrations fit
	}
	all, err := d.store.Registrations(r.Context(), o)
	if err != nil {
		return 0, err
	}
	room := MaxFilterBytes
	for _, one := range all {
		if one.Live(now) {
			room -= len(one.Filter)
		}
	}
	return room, nil
}
