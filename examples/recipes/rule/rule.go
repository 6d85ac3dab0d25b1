// Package rule is a small stand-in of an Atlassian Automation rule, enough to run the recipes of
// this example: an incoming webhook, conditions, smart values, and actions whose results are files
// instead of pages and messages.
package rule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Rule is a rule as a recipe describes it: a trigger, then conditions, then actions. It is not an
// export of Automation and cannot be imported there. Trigger and conditions have the form of an
// export; the form of exported actions is not public, so they have the names of the editor. A rule
// holds no token and no identifier: those come with the installation.
type Rule struct {
	Note       string      `json:"note,omitempty"` // for the reader of the file
	Name       string      `json:"name"`
	Trigger    Component   `json:"trigger"`
	Conditions []Component `json:"conditions"`
	Actions    []Action    `json:"actions"`

	prompt string // prompt.md beside the rule, for the agent
}

// Component is a trigger or a condition.
type Component struct {
	Component     string `json:"component"` // TRIGGER or CONDITION
	SchemaVersion int    `json:"schemaVersion"`
	Type          string `json:"type"`
	Value         Inputs `json:"value"`
}

// Action is a step to choose by hand in the editor of rules, with its values.
type Action struct {
	ByHand string `json:"byHand"` // name in the editor
	Value  Inputs `json:"value"`
}

// Inputs are the values of a step.
type Inputs map[string]any

// text is a text value, or "".
func (v Inputs) text(name string) string {
	s, _ := v[name].(string)
	return s
}

// The types of components that the stand-in has.
const (
	IncomingWebhook = "jira.incoming.webhook"
	Comparator      = "jira.comparator.condition"
)

// The actions that the stand-in has.
const (
	UseAgent       = "Use agent"
	PublishPage    = "Publish new page"
	SendSlack      = "Send message (Slack)"
	SendEmail      = "Send email"
	CreateWorkItem = "Create work item"
)

// needed are the values without which a step cannot be saved. The type of a work item is not among
// them: it can be left open, and the rule then fails when it runs.
var needed = map[string][]string{
	IncomingWebhook: {"searchOrProvide"},
	Comparator:      {"first", "operator", "second"},
	UseAgent:        {"answer"},
	PublishPage:     {"space", "title", "body"},
	SendSlack:       {"channel", "message"},
	SendEmail:       {"to", "subject", "body"},
	CreateWorkItem:  {"project", "summary", "description"},
}

// Load reads rule.json of a folder, and prompt.md where the rule uses the agent.
func Load(files fs.FS, folder string) (*Rule, error) {
	raw, err := fs.ReadFile(files, path.Join(folder, "rule.json"))
	if err != nil {
		return nil, err
	}
	r, err := Parse(raw, "")
	if err != nil || !r.uses(UseAgent) {
		return r, err
	}
	prompt, err := fs.ReadFile(files, path.Join(folder, "prompt.md"))
	if err != nil {
		return nil, err
	}
	r.prompt = string(prompt)
	return r, nil
}

// Parse reads a rule and checks that it can be saved. prompt is the prompt for the agent.
func Parse(raw []byte, prompt string) (*Rule, error) {
	r := &Rule{prompt: prompt}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("rule: %w", err)
	}
	if r.Name == "" || len(r.Actions) == 0 {
		return nil, errors.New("rule: a rule needs a name and an action")
	}
	if r.Trigger.Type != IncomingWebhook {
		return nil, fmt.Errorf("rule %q: the trigger must be %s", r.Name, IncomingWebhook)
	}
	err := r.Trigger.check("TRIGGER", IncomingWebhook)
	for _, c := range r.Conditions {
		err = cmp.Or(err, c.check("CONDITION", Comparator))
	}
	for _, a := range r.Actions {
		if a.ByHand == IncomingWebhook || a.ByHand == Comparator {
			err = cmp.Or(err, fmt.Errorf("%s is no action", a.ByHand))
		}
		err = cmp.Or(err, a.Value.check(a.ByHand))
	}
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", r.Name, err)
	}
	return r, nil
}

func (c Component) check(kind, typ string) error {
	if c.Component != kind || c.Type != typ || c.SchemaVersion != 1 {
		return fmt.Errorf("%s %q, version %d, is not known as %s", c.Component, c.Type, c.SchemaVersion, kind)
	}
	if op := c.Value.text("operator"); typ == Comparator && operators[op] == nil {
		return fmt.Errorf("%s: unknown operator %q", typ, op)
	}
	return c.Value.check(typ)
}

// check looks for the values that a step needs.
func (v Inputs) check(step string) error {
	names, known := needed[step]
	if !known {
		return fmt.Errorf("step %q is not known", step)
	}
	for _, name := range names {
		if v.text(name) == "" {
			return fmt.Errorf("%s needs %q", step, name)
		}
	}
	return nil
}

func (r *Rule) uses(action string) bool {
	return slices.ContainsFunc(r.Actions, func(a Action) bool { return a.ByHand == action })
}
