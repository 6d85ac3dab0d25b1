package webhook_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/hostile"
	"github.com/postrider/postrider/payload"
	payloadjira "github.com/postrider/postrider/payload/jira"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/sign"
)

func automationIdentified(s *scene, _ int, r hostile.Request, _ []byte) string {
	if id := r.Header.Values("Webhook-Id"); !slices.Equal(id, []string{s.event.ID}) {
		return fmt.Sprintf("has identifier %v, want %s", id, s.event.ID)
	}
	if r.Header.Get("X-Automation-Webhook-Token") != secretCanary {
		return "has no token"
	}
	return ""
}

// jiraColumn: only 200 is a success, and a certificate that does not verify is a
// connection that failed.
func jiraColumn() column {
	return column{
		name:    "jira",
		profile: func() webhook.Profile { return jira.Profile() },
		event: func(t testing.TB) payload.Event {
			e, err := payloadjira.New(scope, payloadjira.Callback{Event: "sprint_started", Sprint: &payloadjira.Sprint{ID: 37, Name: "Sprint 1"}})
			if err != nil {
				t.Fatal(err)
			}
			return e
		},
		identified: jiraIdentified,
		differs:    map[string]verdict{"9": again, "10": again, "11": again, "27": refused, "39 202": refused},
	}
}

func jiraIdentified(s *scene, n int, r hostile.Request, body []byte) string {
	if id := r.Header.Values(jira.IdentifierHeader); !slices.Equal(id, []string{s.faulty}) {
		return fmt.Sprintf("has identifier %v, want %s", id, s.faulty)
	}
	var retries []string
	if n > 1 {
		retries = []string{strconv.Itoa(n - 1)}
	}
	if got := r.Header.Values(jira.RetryHeader); !slices.Equal(got, retries) {
		return fmt.Sprintf("counts retries %v, want %v", got, retries)
	}
	if err := sign.VerifyHMAC(r.Header, body, webhook.NewSecret(secretCanary)); err != nil {
		return err.Error()
	}
	return ""
}

// tag makes a text fit into the name of a subtest.
func tag(parts ...any) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '/' || r == ',' || r == ':' || r == '"' {
			return -1
		}
		return r
	}, fmt.Sprintln(parts...)), "\n")
}

// await returns once done says so, and fails the test when that takes too long.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still waiting for %s", what)
		}
	}
}
