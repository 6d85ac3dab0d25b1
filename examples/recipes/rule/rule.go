// Package rule is a small stand-in of an Atlassian Automation rule, enough to run the
// recipes of this example and to see what they make: an incoming webhook, conditions,
// smart values, and actions whose results are files instead of pages and messages.
package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Rule is a rule in the shape of an exported one: a trigger, then conditions, then actions.
// It holds no token and no identifier: those come with the installation.
type Rule struct {
	Name       string      `json:"name"`
	Trigger    Component   `json:"trigger"`
	Conditions []Component `json:"conditions"`
	Actions    []Component `json:"actions"`

	prompt string // prompt.md beside the rule, for the agent
}

// Component is one step of a rule.
type Component struct {
	Component     string         `json:"component"` // TRIGGER, CONDITION or ACTION
	SchemaVersion int            `json:"schemaVersion"`
	Type          string         `json:"type"`
	Value         map[string]any `json:"value"`
}

// text is a value that is a text, or "".
func (c Component) text(name string) string {
	s, _ := c.Value[name].(string)
	return s
}

// The types of components that the stand-in knows.
const (
	IncomingWebhook = "jira.incoming.webhook"
	Comparator      = "jira.comparator.condition"
	UseAgent        = "rovo.use.agent"
	PublishPage     = "confluence.publish.page"
	SendSlack       = "slack.send.message"
	SendEmail       = "jira.send.email"
	CreateWorkItem  = "jira.create.work.item"
)

// needed are the values without which a component cannot be saved. The type of a work item
// is not among them: leaving it open is possible, and fails when the rule runs.
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

// Parse reads a rule and checks that it can be saved. prompt is what it asks the agent.
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
	all := append([]Component{r.Trigger}, append(slices.Clone(r.Conditions), r.Actions...)...)
	for i, c := range all {
		kind := "ACTION"
		switch {
		case i == 0:
			kind = "TRIGGER"
		case i <= len(r.Conditions):
			kind = "CONDITION"
		}
		if err := c.check(kind); err != nil {
			return nil, fmt.Errorf("rule %q: %w", r.Name, err)
		}
	}
	return r, nil
}

func (c Component) check(kind string) error {
	values, known := needed[c.Type]
	if !known || c.Component != kind || c.SchemaVersion != 1 || (c.Type == IncomingWebhook) != (kind == "TRIGGER") || (c.Type == Comparator) != (kind == "CONDITION") {
		return fmt.Errorf("%s %q, version %d, is not known as %s", c.Component, c.Type, c.SchemaVersion, kind)
	}
	for _, v := range values {
		if c.text(v) == "" {
			return fmt.Errorf("%s needs %q", c.Type, v)
		}
	}
	if c.Type == Comparator && operators[c.text("operator")] == nil {
		return fmt.Errorf("%s: unknown operator %q", c.Type, c.text("operator"))
	}
	return nil
}

func (r *Rule) uses(typ string) bool {
	return slices.ContainsFunc(r.Actions, func(c Component) bool { return c.Type == typ })
}
