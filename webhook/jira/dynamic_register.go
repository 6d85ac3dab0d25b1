package jira

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	payloadjira "github.com/postrider/postrider/payload/jira"
	"github.com/postrider/postrider/webhook"
)

// registerRequest asks for several registrations with one URL.
type registerRequest struct {
	URL      string           `json:"url"`
	Webhooks []registerDetail `json:"webhooks"`
}

type registerDetail struct {
	JQLFilter    *string  `json:"jqlFilter"`
	Events       []string `json:"events"`
	FieldIDs     []string `json:"fieldIdsFilter"`
	PropertyKeys []string `json:"issuePropertyKeysFilter"`
}

// registerResult answers one of them, in their order.
type registerResult struct {
	CreatedWebhookID int64    `json:"createdWebhookId,omitempty"`
	Errors           []string `json:"errors,omitempty"`
}

// register checks each item on its own: those in order are registered although
// others are not.
func (d *dynamic) register(v dialect, app App, r *http.Request) (int, any, error) {
	var in registerRequest
	if err := readJSON(r, &in); err != nil {
		return 0, nil, err
	}
	url, err := d.callbackURL(app, in)
	if err != nil {
		return 0, nil, err
	}
	now := time.Now().UTC()
	results := make([]registerResult, len(in.Webhooks))
	var good []Registration
	var places []int
	for i, item := range in.Webhooks {
		if problems := d.checkItem(url, item); len(problems) > 0 {
			results[i].Errors = problems
			continue
		}
		good = append(good, Registration{URL: url, Filter: *item.JQLFilter, Events: unique(item.Events),
			FieldIDs: item.FieldIDs, PropertyKeys: item.PropertyKeys, CreatedAt: now, ExpiresAt: now.Add(d.life)})
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
	case len(in.Webhooks) == 0:
		return "", badRequest("At least one webhook is required.")
	}
	sample := make(map[string]string)
	for _, name := range webhook.Variables(in.URL) {
		sample[name] = "x"
	}
	canonical, err := d.allow.CheckURL(webhook.Expand(in.URL, sample))
	if err != nil {
		return "", badRequest("The url is not allowed: it must be an https URL of a public host, on a port that webhooks may use.")
	}
	if len(sample) > 0 {
		canonical = in.URL
	}
	if app.BaseURL != "" && !under(canonical, app.BaseURL) {
		return "", badRequest("The url must begin with the base URL of the app.")
	}
	return canonical, nil
}

// under reports whether a URL is the base or below it.
func under(url, base string) bool {
	rest, ok := strings.CutPrefix(url, strings.TrimSuffix(base, "/"))
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// checkItem lists what is wrong with one registration.
func (d *dynamic) checkItem(url string, item registerDetail) (problems []string) {
	if item.JQLFilter == nil {
		problems = append(problems, "The jqlFilter is required")
	} else {
		problems = append(problems, filterProblems(d.grammar, *item.JQLFilter)...)
	}
	if len(item.Events) == 0 {
		problems = append(problems, "At least one event is required")
	}
	for _, name := range unique(item.Events) {
		if !slices.Contains(d.events, name) {
			problems = append(problems, "The event "+name+" is unsupported")
		}
	}
	if len(problems) == 0 {
		for _, bad := range checkVariables(webhook.Webhook{URL: url, Events: item.Events}) {
			problems = append(problems, bad.Message)
		}
	}
	return problems
}

// unique returns the canonical names of the events, each once.
func unique(events []string) []string {
	out := make([]string, 0, len(events))
	for _, name := range events {
		if info, err := payloadjira.Lookup(name); err == nil {
			name = info.Name
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
