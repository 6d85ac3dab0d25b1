package connect

import (
	"fmt"
	"slices"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
)

// check returns the problems of a webhook beyond those that every profile checks.
func (s *settings) check(w webhook.Webhook) (out []webhook.FieldError) {
	add := func(field, rule, message string) {
		out = append(out, webhook.FieldError{Field: field, Rule: rule, Message: message})
	}
	if !validVersion(s.version) {
		add("attributes", "version", "The profile was given a version of Connect that a header cannot carry.")
	}
	if problem := checkBase(baseURL(&w)); problem != "" {
		add("attributes", "base_url", "The base URL of the add-on "+problem+".")
	}
	switch auth := w.Attributes[AttrAuth]; {
	case auth != "" && auth != AuthJWT && auth != AuthNone:
		add("attributes", "auth", AttrAuth+" can only be "+AuthJWT+" or "+AuthNone+".")
	case !unsigned(&w) && len(w.Secrets) == 0:
		add("secret", "required", "Enter the secret that was shared when the add-on was installed.")
	case !unsigned(&w) && w.Secrets[0].IsZero():
	case len(out) == 0:
		if _, err := s.signer(w); err != nil {
			add("attributes", "client_key", "A token cannot be made: the client key must have 1 to 255 bytes.")
		}
	}
	for _, name := range [...]string{AttrParams, AttrPropertyKeys} {
		if w.Attributes[name] != "" && (name == AttrParams && Params(w) == nil || name == AttrPropertyKeys && PropertyKeys(w) == nil) {
			add("attributes", "json", name+" is not what Install writes there.")
		}
	}
	if w.Group != "" {
		add("group", "unsupported", "Connect sends a request for each webhook: leave the group empty.")
	}
	out = append(out, s.checkFilter(&w)...)
	return append(out, checkVariables(&w)...)
}

func (s *settings) checkFilter(w *webhook.Webhook) []webhook.FieldError {
	switch {
	case s.match == nil && w.Filter != "":
		return []webhook.FieldError{{Field: "filter", Rule: "unsupported", Message: "Nothing here heeds a filter: see connect.WithFilters."}}
	case s.match == nil && w.Attributes[AttrPropertyKeys] != "":
		return []webhook.FieldError{{Field: "filter", Rule: "unsupported", Message: "Nothing here heeds property keys: see connect.WithFilters."}}
	case w.Filter == "" || s.checkFilterText == nil:
		return nil
	}
	if err := s.checkFilterText(w.Filter); err != nil {
		return []webhook.FieldError{{Field: "filter", Rule: "filter", Message: err.Error()}}
	}
	return nil
}

// checkVariables finds variables of the URL that none of the events has. It names a variable only
// if it is one of the catalogue, because any other may be a secret part of the URL.
func checkVariables(w *webhook.Webhook) (out []webhook.FieldError) {
	if len(w.URL) > allowlist.MaxURL { // the checks below count one character for each variable
		return []webhook.FieldError{{Field: "url", Rule: "too_long",
			Message: fmt.Sprintf("The URL may have up to %d bytes, the names of its variables included.", allowlist.MaxURL)}}
	}
	possible, known := variables(w.Events), variables(jiraevent.Events())
	if slices.Contains(w.Events, "*") {
		possible = known
	}
	for i, name := range webhook.Variables(w.URL) {
		switch {
		case slices.Contains(possible, name):
		case slices.Contains(known, name):
			out = append(out, webhook.FieldError{Field: "url", Rule: "variable",
				Message: fmt.Sprintf("The variable %s has no value for the events selected.", name)})
		default:
			out = append(out, webhook.FieldError{Field: "url", Rule: "variable",
				Message: fmt.Sprintf("Variable %d of the URL is unknown.", i+1)})
		}
	}
	return slices.Compact(out)
}

// variables returns those that at least one of the events has. Confluence has none.
func variables(events []string) (names []string) {
	for _, event := range events {
		info, err := jiraevent.Lookup(event)
		if err != nil {
			continue
		}
		for _, name := range info.Variables {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
