package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/examples/recipes/rule"
)

func step(kind, typ string, value rule.Inputs) rule.Component {
	return rule.Component{Component: kind, SchemaVersion: 1, Type: typ, Value: value}
}

func when(first, operator, second string) rule.Component {
	return step("CONDITION", rule.Comparator, map[string]any{"first": first, "operator": operator, "second": second})
}

func do(action string, value rule.Inputs) rule.Action {
	return rule.Action{ByHand: action, Value: value}
}

func ask(answer string) rule.Action { return do(rule.UseAgent, map[string]any{"answer": answer}) }

func email(subject, body string) rule.Action {
	return do(rule.SendEmail, map[string]any{"to": "Administrators", "subject": subject, "body": body})
}

func item(typ, summary, description string) rule.Action {
	return do(rule.CreateWorkItem, map[string]any{"project": "Admin Alerts", "issueType": typ, "summary": summary, "description": description})
}

func slack(message string) rule.Action {
	return do(rule.SendSlack, map[string]any{"channel": "#ops", "message": message})
}

// parsed encodes a rule as JSON and parses it, like a recipe.
func parsed(t *testing.T, name string, conditions []rule.Component, actions []rule.Action) *rule.Rule {
	t.Helper()
	raw, err := json.Marshal(rule.Rule{Name: name, Trigger: step("TRIGGER", rule.IncomingWebhook, map[string]any{"searchOrProvide": "none"}), Conditions: conditions, Actions: actions})
	if err != nil {
		t.Fatal(err)
	}
	r, err := rule.Parse(raw, "What did {{webhookData.processId}} do?")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Rule: four ideas for these events work from the dispatch to the last action. Where a condition
// does not hold, no action runs.
func TestIdeas(t *testing.T) {
	t.Parallel()
	type (
		step   = rule.Component
		action = rule.Action
	)
	cases := []struct {
		name       string
		events     []string
		conditions []step
		actions    []action
		want       []string // the results of each event
	}{
		{
			"a key expires: mail, work item, message", []string{"orgKeyExpiry"}, nil,
			[]action{email("Key {{webhookData.name}}", "{{webhookData.settingsUrl}}"), item("Task", "Renew {{webhookData.name}}", "{{webhookData.apiKeyId}}"), slack("{{webhookData.name}} expires {{webhookData.expiresAt}}")},
			[]string{"orgKeyExpiry: email work-item message"},
		},
		{
			"a task about licences failed: incident and escalation", []string{"taskFailure"},
			[]step{when("{{webhookData.name}}", "CONTAINS", "License")},
			[]action{ask("incident"), item("Incident", "{{webhookData.name}} failed", "{{agentResponse}}"), email("Escalation: {{webhookData.name}}", "{{webhookData.deepLink}}")},
			[]string{"taskFailure: work-item email", "taskFailure: nothing"},
		},
		{
			"any task failed: message and investigation", []string{"taskFailure"}, nil,
			[]action{ask("slack-message"), slack("{{agentResponse}}"), item("Sub-task", "Investigate {{webhookData.name}}", "{{webhookData.deepLink}}")},
			[]string{"taskFailure: message work-item", "taskFailure: message work-item"},
		},
		{
			"any task went through: dated page and mail", []string{"taskSuccess", "taskFailure"},
			[]step{when("{{webhookData.trigger}}", "EQUALS", "taskSuccess")},
			[]action{ask("audit-page"), do(rule.PublishPage, map[string]any{"space": "Hub", "title": "User Changes {{now()}}", "body": "{{agentResponse}}"}), email("{{webhookData.name}} went through", "{{agentResponse}}")},
			[]string{"taskFailure: nothing", "taskFailure: nothing", "taskSuccess: page email"},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := parsed(t, tc.name, tc.conditions, tc.actions)
			var got []string
			err := perform(t.Context(), []subscription{{"idea", tc.events, r}}, func(ctx context.Context, a *app) error {
				other := "11111111-2222-4333-8444-555555555555"
				return errors.Join(story(ctx, a), a.task(ctx, other, "Nightly Clean-up", errors.New("no quota")))
			}, func(o outcome) error {
				did := "nothing"
				if o.met {
					kinds := make([]string, 0, len(o.made))
					for _, m := range o.made {
						kinds = append(kinds, m.Kind)
						if strings.Contains(m.Text, "{{") || strings.TrimSpace(m.Text) == "" {
							t.Errorf("%s of %s:\n%s", m.Kind, o.trigger, m.Text)
						}
					}
					did = strings.Join(kinds, " ")
				}
				got = append(got, fmt.Sprintf("%s: %s", o.trigger, did))
				return o.err
			})
			slices.Sort(got)
			slices.Sort(tc.want)
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("made %q, want %q; error %v", got, tc.want, err)
			}
		})
	}
}

// Rule: "create work item" without an explicit type ends the run, because the event carries no work
// item with a type. Earlier results stay.
func TestWorkItemNeedsType(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"", "same", "Same"} {
		r := parsed(t, "incident", nil, []rule.Action{slack("hello"), item(typ, "UCM Task Failed", "text"), email("never", "never")})
		made, met, err := r.Run(t.Context(), nil, []byte(`{"trigger":"taskFailure"}`), time.Now())
		if !errors.Is(err, rule.ErrIssueType) || !met || len(made) != 1 {
			t.Errorf("type %q: made %v, %t, %v; want ErrIssueType after the first action", typ, made, met, err)
		}
	}
}
