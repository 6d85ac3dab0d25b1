package main

import (
	"bytes"
	"strings"
	"testing"
)

// Rule: the demonstration succeeds and shows all of its steps.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{
		`[{"createdWebhookId":1000},{"createdWebhookId":1001},{"errors":["The clause myClause is unsupported"]}]`,
		"PUT /rest/api/2/webhook/refresh -> 200", "GET /rest/api/2/webhook -> 200", "DELETE /rest/api/2/webhook -> 202",
		"received at hooks.example.com/bugs/DEMO-1", "X-Hub-Signature verified", "matches [1000 1001]",
		"JWT of jira:demo-site verified", "-> 409", "7 callbacks received, 0 of them refused",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, &out)
		}
	}
}
