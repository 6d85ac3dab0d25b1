package jira

import (
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// check finds what is wrong with a webhook beyond what every profile checks: its
// filter, and variables of the URL that none of its events can have.
func (s *settings) check(w webhook.Webhook) []webhook.FieldError {
	return append(checkVariables(w), s.checkFilter(w.Filter)...)
}

func (s *settings) checkFilter(filter string) []webhook.FieldError {
	_, err := s.grammar.Parse(filter)
	var bad *jql.Error
	if !errors.As(err, &bad) {
		return nil
	}
	out := make([]webhook.FieldError, len(bad.Problems))
	for i, problem := range bad.Problems {
		out[i] = webhook.FieldError{Field: "filter", Rule: "jql", Message: problem}
	}
	return out
}

// checkVariables names a variable only if it is one of the catalogue: anything
// else may be a part of the URL that nobody should read.
func checkVariables(w webhook.Webhook) (out []webhook.FieldError) {
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

// variables returns those that at least one of the events has. A webhook without
// events is fired by transitions, which are about an issue.
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
