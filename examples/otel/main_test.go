package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/leak"
)

// TestMain fails the run when goroutines are left behind.
func TestMain(m *testing.M) { leak.Main(m) }

// Rule: the program shows one trace, three attempts below the task that dispatched, and the
// metrics of the same event.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	traces, metrics, found := strings.Cut(out.String(), "\n# The metrics")
	if !found || strings.Count(traces, "\ntrace ") != 1 {
		t.Fatalf("want one trace, then metrics:\n%s", out.String())
	}
	tree := regexp.MustCompile(`(?m)^  task License Clean-up  span \w+, internal.*\n      event postrider\.enqueued.*(\n    POST  span \w+, client.*(\n        .*)*){3}\n?$`)
	if !tree.MatchString(traces) {
		t.Errorf("want three attempts below the task:\n%s", traces)
	}
	for _, want := range []string{
		"        url.full = https://api-private.atlassian.com\n",
		"        http.request.resend_count = 2\n",
	} {
		if !strings.Contains(traces, want) {
			t.Errorf("the trace lacks %q:\n%s", want, traces)
		}
	}
	for _, want := range []string{
		`postrider_deliveries_settled_total{postrider_code="ok",postrider_event_type="taskFailure",postrider_exhausted="false",postrider_state="delivered"} 1`,
		`postrider_pauses_total{http_response_status_code="429"} 1`,
		`postrider_webhooks{health="ok"} 1`,
		`postrider_deliveries_pending{kind="waiting"} 0`,
		`postrider_retries_total{postrider_event_type="taskFailure"} 2`,
	} {
		if !strings.Contains(metrics, "\n"+want+"\n") {
			t.Errorf("the metrics lack %q:\n%s", want, metrics)
		}
	}
}
