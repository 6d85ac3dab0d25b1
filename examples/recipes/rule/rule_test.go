package rule_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/postrider/postrider/examples/recipes/rule"
)

const (
	trigger = `"trigger":{"component":"TRIGGER","schemaVersion":1,"type":"jira.incoming.webhook","value":{"searchOrProvide":"none"}}`
	message = `{"byHand":"Send message (Slack)","value":{"channel":"c","message":"m {{agentResponse}}"}}`
	agentic = `{"byHand":"Use agent","value":{"answer":"a"}}`
)

func TestExpand(t *testing.T) {
	t.Parallel()
	v := rule.Values{
		Data: map[string]any{"name": "N", "list": []any{"a", "b"}, "issue": map[string]any{"title": "T"}, "n": 3, "expiresAt": "2026-03-01",
			"at": "2026-03-01T23:30:00-02:00", "trap": "{{webhookData.name}}", "null": nil},
		Agent: "answer", Now: time.Date(2026, 5, 27, 11, 30, 0, 0, time.FixedZone("", 2*60*60)),
	}
	cases := []struct{ in, want string }{
		{"a {{webhookData.name}} b", "a N b"},
		{"{{ webhookData.name }}", "N"},
		{"{{webhookData.list}}", "a, b"},
		{"{{webhookData.issue.title}}", "T"},
		{"{{webhookData.issue}}", `{"title":"T"}`},
		{"{{webhookData.n}}", "3"},
		{"{{agentResponse}}", "answer"},
		{"{{now()}} {{now}}", "2026-05-27T09:30:00Z 2026-05-27T09:30:00Z"},
		{"{{now.plusDays(5).jiraDate}}", "2026-06-01"},
		{"{{webhookData.expiresAt.toDate.minusDays(2).jiraDate}}", "2026-02-27"},
		{"{{webhookData.expiresAt.minusDays(2).jiraDate}}", "2026-02-27"},
		{"{{webhookData.at.toDate.jiraDate}}", "2026-03-02"},
		{"{{webhookData.trap}}", "{{webhookData.name}}"},
		{"{{webhookData.missing}}{{webhookData.missing.deeper}}{{webhookData.null}}{{issue.key}}{{}}", ""},
		{"{{webhookData.name.minusDays(2)}}{{webhookData.expiresAt.minusDays(x)}}{{webhookData.list.a}}", ""},
		{"{{webhookData.name", "{{webhookData.name"},
		{"plain", "plain"},
	}
	for _, tc := range cases {
		if got := rule.Expand(tc.in, v); got != tc.want {
			t.Errorf("Expand(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"{{webhookData.a}}", "{{now.minusDays(9999).jiraDate}}", "{{", "{{}}", "{{webhookData.a.minusDays(1).x}}"} {
		f.Add(s, "2026-01-01")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		got := rule.Expand(text, rule.Values{Data: map[string]any{"a": value}, Now: time.Unix(0, 0)})
		if !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestConditions(t *testing.T) {
	t.Parallel()
	cases := []struct {
		first, operator, second string
		met                     bool
	}{
		{"{{webhookData.trigger}}", "EQUALS", "taskFailure", true},
		{"{{webhookData.trigger}}", "EQUALS", "taskfailure", false},
		{"{{webhookData.trigger}}", "NOT_EQUALS", "taskSuccess", true},
		{"{{webhookData.name}}", "CONTAINS", "License", true},
		{"{{webhookData.name}}", "CONTAINS", "Licence", false},
		{"{{webhookData.name}}", "STARTS_WITH", "Nightly", true},
		{"{{webhookData.name}}", "STARTS_WITH", "License", false},
		{"{{webhookData.trigger}}", "REGEX_MATCHES", "taskSuccess|taskFailure", true},
		{"{{webhookData.trigger}}", "REGEX_MATCHES", "task", false},
		{"{{webhookData.trigger}}", "REGEX_MATCHES", "(", false},
		{"{{webhookData.missing}}", "EQUALS", "x", false},
	}
	for _, tc := range cases {
		condition := `{"component":"CONDITION","schemaVersion":1,"type":"jira.comparator.condition","value":{"first":"` + tc.first + `","operator":"` + tc.operator + `","second":"` + tc.second + `"}}`
		r, err := rule.Parse([]byte(`{"name":"n",`+trigger+`,"conditions":[`+condition+`],"actions":[`+message+`]}`), "")
		if err != nil {
			t.Fatal(err)
		}
		made, met, err := r.Run(t.Context(), nil, []byte(`{"trigger":"taskFailure","name":"Nightly License Clean-up"}`), time.Now())
		if err != nil || met != tc.met || (len(made) == 1) != tc.met {
			t.Errorf("%s %s %s: %t, %v, %v", tc.first, tc.operator, tc.second, met, made, err)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	wrap := func(parts ...string) string { return "{" + strings.Join(parts, ",") + "}" }
	name, actions := `"name":"n"`, `"actions":[`+message+`]`
	for what, raw := range map[string]string{
		"no JSON":                  "{",
		"unknown key":              wrap(name, trigger, actions, `"token":"x"`),
		"no name":                  wrap(trigger, actions),
		"no action":                wrap(name, trigger),
		"no trigger":               wrap(name, actions),
		"another trigger":          wrap(name, strings.Replace(trigger, "jira.incoming.webhook", "jira.issue.created", 1), actions),
		"trigger without criteria": wrap(name, strings.Replace(trigger, "searchOrProvide", "other", 1), actions),
		"unknown action":           wrap(name, trigger, strings.Replace(actions, "Send message (Slack)", "Delete channel", 1)),
		"condition as an action":   wrap(name, trigger, strings.Replace(actions, "Send message (Slack)", "jira.comparator.condition", 1)),
		"action without its text":  wrap(name, trigger, strings.Replace(actions, `"message"`, `"m"`, 1)),
		"an action with a type":    wrap(name, trigger, strings.Replace(actions, `"byHand"`, `"type":"slack.send.message","byHand"`, 1)),
		"another version":          wrap(name, strings.Replace(trigger, `"schemaVersion":1`, `"schemaVersion":2`, 1), actions),
		"another condition":        wrap(name, trigger, actions, `"conditions":[`+strings.TrimPrefix(trigger, `"trigger":`)+`]`),
		"unknown operator":         wrap(name, trigger, actions, `"conditions":[{"component":"CONDITION","schemaVersion":1,"type":"jira.comparator.condition","value":{"first":"a","operator":"LIKE","second":"b"}}]`),
	} {
		if _, err := rule.Parse([]byte(raw), ""); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := rule.Parse([]byte(wrap(name, trigger, actions)), ""); err != nil {
		t.Errorf("the rule that the others vary: %v", err)
	}
}

type agent struct {
	answer string
	err    error
	prompt *string
}

func (a agent) Answer(_ context.Context, prompt, _ string, _ []byte) (string, error) {
	*a.prompt = prompt
	return a.answer, a.err
}

func TestRun(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"r/rule.json": {Data: []byte(`{"name":"n",` + trigger + `,"actions":[` + agentic + `,` + message + `]}`)},
		"r/prompt.md": {Data: []byte("about {{webhookData.name}}")},
		"x/rule.json": {Data: []byte(`{"name":"n",` + trigger + `,"actions":[` + agentic + `]}`)},
	}
	if _, err := rule.Load(files, "x"); err == nil {
		t.Error("an agent step without a prompt was loaded")
	}
	if _, err := rule.Load(files, "y"); err == nil {
		t.Error("a missing rule was loaded")
	}
	r, err := rule.Load(files, "r")
	if err != nil {
		t.Fatal(err)
	}
	prompt := ""
	made, _, err := r.Run(t.Context(), agent{"hi", nil, &prompt}, []byte(`{"name":"N"}`), time.Now())
	if err != nil || prompt != "about N" || len(made) != 1 || made[0].Text != "Channel: c\n\nm hi" {
		t.Errorf("made %q of prompt %q, %v", made, prompt, err)
	}
	tired := errors.New("tired")
	if made, _, err := r.Run(t.Context(), agent{"", tired, &prompt}, []byte(`{}`), time.Now()); !errors.Is(err, tired) || len(made) != 0 {
		t.Errorf("an agent that fails: %v, %v", made, err)
	}
	for _, body := range []string{"", "[]", "null[", `"x"`} {
		if _, _, err := r.Run(t.Context(), agent{prompt: &prompt}, []byte(body), time.Now()); err == nil {
			t.Errorf("the body %q was accepted", body)
		}
	}
}

// Rule: a rule that takes work items from the webhook refuses an event that has none.
func TestRun_workItems(t *testing.T) {
	t.Parallel()
	r, err := rule.Parse([]byte(`{"name":"n",`+strings.Replace(trigger, "none", "provided", 1)+`,"actions":[`+message+`]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Run(t.Context(), nil, []byte(`{"trigger":"taskSuccess"}`), time.Now()); !errors.Is(err, rule.ErrNoWorkItems) {
		t.Errorf("error %v, want ErrNoWorkItems", err)
	}
	if made, _, err := r.Run(t.Context(), nil, []byte(`{"issues":["KEY-1"]}`), time.Now()); err != nil || len(made) != 1 {
		t.Errorf("with work items: %v, %v", made, err)
	}
}
