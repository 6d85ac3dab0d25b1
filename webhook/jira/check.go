package jira

import (
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// check returns the problems of a webhook beyond those that every profile checks: its filter, and
// variables of the URL that none of its events can have.
func (s *settings) check(w webhook.Webhook) []webhook.FieldError {
	return append(checkVariables(w), s.checkFilter(w.Filter)...)
}

func (s *settings) checkFilter(filter string) []webhook.FieldError {
	problems := filterProblems(s.grammar, filter)
	out := make([]webhook.FieldError, len(problems))
	for i, problem := range problems {
		out[i] = webhook.FieldError{Field: "filter", Rule: "jql", Message: problem}
	}
	return out
}

// filterProblems lists the problems of a filter. Every error is a problem: an unreadable filter
// must not count as none.
func filterProblems(g jql.Grammar, filter string) []string {
	_, err := g.Parse(filter)
	var bad *jql.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad) && len(bad.Problems) > 0:
		return bad.Problems
	}
	return []string{"The filter cannot be read"}
}

// checkVariables names a variable only if it is one of the catalogue, because any other may be a
// secret part of the URL.
func checkVariables(w webhook.Webhook) (out []webhook.FieldError) {
	if len(w.URL) > allowlist.MaxURL { // the checks below count one character for each variable
		return []webhook.FieldError{{Field: "url", Rule: "too_long",
			Message: fmt.Sprintf("The URL may have up to %d bytes, the names of its variables included.", allowlist.MaxURL)}}
	}
	possible := variables(w.Events)
	known := variables([]string{jql.EveryEvent})
	for i, name := range webhook.Variables(w.URL) {
		switch {
		case possible[name]:
		case known[name]:
			out = append(out, webhook.FieldError{Field: "url", Rule: "variable",
				Message: fmt.Sprintf("The variable %s has no value for the events selected.", name)})
		default:
			out = append(out, webhook.FieldError{Field: "url", Rule: "variable",
				Message: fmt.Sprintf("Variable %d of the URL is unknown.", i+1)})
		}
	}
	return slices.Compact(out)
}

// variables returns those that at least one of the events has. Transitions fire a webhook without
// events, and are about an issue.
func variables(events []string) map[string]bool {
	switch {
	case slices.Contains(events, jql.EveryEvent):
		events = jiraevent.Events()
	case len(events) == 0:
		events = []string{jiraevent.PostFunction}
	}
	out := make(map[string]bool)
	for _, event := range events {
		info, err := jiraevent.Lookup(event)
		if err != nil {
			continue // reported as an unknown event
		}
		for _, name := range info.Variables {
			out[name] = true
		}
	}
	return out
}
