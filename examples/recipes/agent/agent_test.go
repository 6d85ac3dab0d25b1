package agent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/examples/recipes/agent"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

func body(t *testing.T, trigger string) []byte {
	t.Helper()
	data, _ := payload.Sample(trigger)
	e, err := payload.New("acme", data)
	if err != nil {
		t.Fatal(err)
	}
	return e.Body
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	a := agent.Demo(func(string) bool { return false })
	for answer, want := range map[string]string{"audit-page": "# Per-user changes", "slack-message": ":warning: *", "incident": "# Incident: "} {
		got, err := a.Answer(t.Context(), "What happened?", answer, body(t, "taskSuccess"))
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v:\n%s", answer, err, got)
		}
	}
	if _, err := a.Answer(t.Context(), "x", "audit-page", body(t, "orgKeyExpiry")); !errors.Is(err, report.ErrNotTask) {
		t.Errorf("an event without a run: %v, want ErrNotTask", err)
	}
	if _, err := a.Answer(t.Context(), "x", "audit-page", []byte("{}")); !errors.Is(err, payload.ErrDecode) {
		t.Errorf("the body of a Test: %v, want ErrDecode", err)
	}
	for _, prompt := range []string{"", "about {{webhookData.name}}"} {
		if _, err := a.Answer(t.Context(), prompt, "audit-page", body(t, "taskSuccess")); err == nil {
			t.Errorf("the prompt %q was answered", prompt)
		}
	}
	if _, err := a.Answer(t.Context(), "x", "poem", body(t, "taskSuccess")); err == nil {
		t.Error("an unknown form was answered")
	}
}
