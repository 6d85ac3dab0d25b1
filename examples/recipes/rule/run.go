package rule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Agent answers a prompt about an event. answer is the form of the answer.
type Agent interface {
	Answer(ctx context.Context, prompt, answer string, body []byte) (string, error)
}

// Artefact is the result of an action.
type Artefact struct {
	Kind string // "page", "message", "email" or "work-item"
	Text string
}

// Errors of a run.
var (
	// ErrNoWorkItems: the rule takes work items from the webhook, whose body has none.
	ErrNoWorkItems = errors.New("rule: the request names no work items: set the criteria to none")
	// ErrIssueType: an event without a work item has no type to use.
	ErrIssueType = errors.New("rule: create work item needs an explicit issue type, the webhook carries no work item to copy it from")
)

var operators = map[string]func(first, second string) bool{
	"EQUALS":      func(a, b string) bool { return a == b },
	"NOT_EQUALS":  func(a, b string) bool { return a != b },
	"CONTAINS":    strings.Contains,
	"STARTS_WITH": strings.HasPrefix,
	"REGEX_MATCHES": func(a, b string) bool {
		re, err := regexp.Compile(`^(?:` + b + `)$`)
		return err == nil && re.MatchString(a)
	},
}

// Run runs the rule for the body of one request. met is false when a condition does not hold; then
// no action ran. Artefacts from before an error are returned with it.
func (r *Rule) Run(ctx context.Context, agent Agent, body []byte, now time.Time) (made []Artefact, met bool, err error) {
	v := Values{Now: now}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if !json.Valid(body) || dec.Decode(&v.Data) != nil || v.Data == nil {
		return nil, false, fmt.Errorf("rule %q: the body is no JSON object", r.Name)
	}
	if r.Trigger.Value.text("searchOrProvide") != "none" && v.Data["issues"] == nil {
		return nil, false, fmt.Errorf("rule %q: %w", r.Name, ErrNoWorkItems)
	}
	for _, c := range r.Conditions {
		if !operators[c.Value.text("operator")](Expand(c.Value.text("first"), v), Expand(c.Value.text("second"), v)) {
			return nil, false, nil
		}
	}
	for _, a := range r.Actions {
		if a.ByHand == UseAgent {
			v.Agent, err = agent.Answer(ctx, Expand(r.prompt, v), a.Value.text("answer"), body)
		} else {
			var one Artefact
			if one, err = a.perform(v); err == nil {
				made = append(made, one)
			}
		}
		if err != nil {
			return made, true, fmt.Errorf("rule %q: %s: %w", r.Name, a.ByHand, err)
		}
	}
	return made, true, nil
}

// perform makes the artefact that an action would send to its product.
func (a Action) perform(v Values) (Artefact, error) {
	get := func(name string) string { return Expand(a.Value.text(name), v) }
	line := func(label, name string) string {
		if a.Value.text(name) == "" {
			return ""
		}
		return label + ": " + strings.Join(strings.Fields(get(name)), " ") + "\n" // a header is one line
	}
	switch a.ByHand {
	case PublishPage:
		return Artefact{"page", line("Space", "space") + line("Title", "title") + "\n" + get("body")}, nil
	case SendSlack:
		return Artefact{"message", line("Channel", "channel") + "\n" + get("message")}, nil
	case SendEmail:
		return Artefact{"email", line("To", "to") + line("Subject", "subject") + "\n" + get("body")}, nil
	}
	if t := a.Value.text("issueType"); t == "" || strings.EqualFold(t, "same") {
		return Artefact{}, ErrIssueType
	}
	return Artefact{"work-item", line("Project", "project") + line("Type", "issueType") + line("Summary", "summary") +
		line("Priority", "priority") + line("Due", "due") + "\n" + get("description")}, nil
}
