package jira_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

func TestTarget_variables(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"issue.key": "EXA-1", "issue.id": "Æ æ", "project.key": "21+21", "version.id": "a/b", "sprint.id": "${issue.key}"}
	p := jira.Profile()
	for _, tc := range []struct{ rule, url, want string }{
		{"in the path", "https://service.example.com/webhook/${issue.key}", "https://service.example.com/webhook/EXA-1"},
		{"without a dollar sign", "https://service.example.com/webhook/{issue.key}", "https://service.example.com/webhook/EXA-1"},
		{"in the query", "https://a.example.com/?k=${issue.key}&p={project.key}", "https://a.example.com/?k=EXA-1&p=21%2B21"},
		{"non-ASCII and space", "https://a.example.com/${issue.id}", "https://a.example.com/%C3%86%20%C3%A6"},
		{"a slash", "https://a.example.com/x/{version.id}", "https://a.example.com/x/a%2Fb"},
		{"missing is empty", "https://a.example.com/x?thing={board.id}", "https://a.example.com/x?thing="},
		{"values are not looked at again", "https://a.example.com/{sprint.id}", "https://a.example.com/%24%7Bissue.key%7D"},
		{"adjacent and repeated", "https://a.example.com/${issue.key}{issue.key}-${issue.key}", "https://a.example.com/EXA-1EXA-1-EXA-1"},
		{"not closed stays", "https://a.example.com/${issue.key", "https://a.example.com/${issue.key"},
		{"never in the host", "https://{issue.key}.example/", "https://{issue.key}.example/"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			if got := target(t, p, tc.url, vars); got != tc.want {
				t.Errorf("%s became %s, want %s", tc.url, got, tc.want)
			}
		})
	}
}

func TestTarget_missing(t *testing.T) {
	t.Parallel()
	const url = "https://a.example.com/{issue.key}/${board.id}?x={board.id}"
	vars := map[string]string{"issue.key": "EXA-1"}
	if got := target(t, jira.Profile(jira.WithMissing(jira.MissingEmpty)), url, vars); got != "https://a.example.com/EXA-1/?x=" {
		t.Errorf("empty: %s", got)
	}
	const literal = "https://a.example.com/EXA-1/%24%7Bboard.id%7D?x=%24%7Bboard.id%7D"
	p := jira.Profile(jira.WithMissing(jira.MissingLiteral))
	if got := target(t, p, url, vars); got != literal || len(vars) != 1 {
		t.Errorf("literal: %s; values %v must not change", got, vars)
	}
	if got := target(t, p, "https://a.example.com/{board.id}", nil); got != "https://a.example.com/%24%7Bboard.id%7D" {
		t.Errorf("literal without any value: %s", got)
	}
	p = jira.Profile(jira.WithMissing(jira.MissingFails))
	if got, err := p.Prepare.Target(webhook.Webhook{URL: url}, webhook.Delivery{Vars: vars}); err == nil {
		t.Errorf("fails: %s, want an error", got)
	} else if strings.Contains(err.Error(), "a.example.com") {
		t.Errorf("the error shows the URL: %v", err)
	}
	if got := target(t, p, "https://a.example.com/{issue.key}", vars); got != "https://a.example.com/EXA-1" {
		t.Errorf("fails, nothing missing: %s", got)
	}
}

func TestTarget_user(t *testing.T) {
	t.Parallel()
	admin := map[string]string{"user_id": "admin", "user_key": "admin"}
	for _, tc := range []struct {
		rule, url string
		vars      map[string]string
		want      string
	}{
		{"a query begins", "https://a.example.com/in", admin, "https://a.example.com/in?user_id=admin&user_key=admin"},
		{"a query goes on", "https://a.example.com/in?x=1", admin, "https://a.example.com/in?x=1&user_id=admin&user_key=admin"},
		{"an empty query", "https://a.example.com/in?", admin, "https://a.example.com/in?user_id=admin&user_key=admin"},
		{"a query that ends in &", "https://a.example.com/in?x&", admin, "https://a.example.com/in?x&user_id=admin&user_key=admin"},
		{"encoded", "https://a.example.com/in", map[string]string{"user_id": "Æ&b=c", "user_key": "99:x y"}, "https://a.example.com/in?user_id=%C3%86%26b%3Dc&user_key=99%3Ax%20y"},
		{"one of them", "https://a.example.com/in", map[string]string{"user_key": "k"}, "https://a.example.com/in?user_key=k"},
		{"nobody", "https://a.example.com/in", nil, "https://a.example.com/in"},
	} {
		if got := target(t, jira.Profile(), tc.url, tc.vars); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.rule, got, tc.want)
		}
	}
	if got := target(t, jira.Profile(jira.WithoutUser()), "https://a.example.com/in", admin); got != "https://a.example.com/in" {
		t.Errorf("switched off: %s", got)
	}
}

func TestDelivery_dotSegmentFailsForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHost(t, jira.Profile(), webhook.Options{}, &receiver{})
		defer stop()
		h.add(webhook.Webhook{URL: "https://a.example.com/{issue.key}/end", Events: []string{"jira:issue_deleted"}})
		for _, key := range []string{"..", ".", "../..", "EXA-1"} {
			c := sample(t, "jira:issue_deleted")
			c.Issue.Key = key
			h.dispatch(event(t, c))
		}
		time.Sleep(time.Second) // an endpoint gets one request at a time until its first success
		synctest.Wait()
		ds, _, err := h.manager.Deliveries(t.Context(), webhook.Query{Scope: "acme", OldestFirst: true})
		if err != nil {
			t.Fatal(err)
		}
		delivered := 0
		for _, d := range ds {
			switch {
			case d.State == webhook.StateDelivered:
				delivered++
			case d.State != webhook.StateFailed || d.LastCode != webhook.CodeURLRejected:
				t.Errorf("delivery %v, %q; want failed as url_rejected", d.State, d.LastCode)
			}
		}
		got := h.to.all()
		if len(ds) != 4 || delivered != 1 || len(got) != 1 || !strings.HasPrefix(got[0].URL, "https://a.example.com/EXA-1/end?user_id=") {
			t.Errorf("%d deliveries, %d delivered, requests %v", len(ds), delivered, got)
		}
	})
}

// The signature covers the final request: user parameters and variables do not change the signed
// body.
func TestDelivery_finalURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHost(t, jira.Profile(), webhook.Options{}, &receiver{answer: func(int, *http.Request) (int, error) { return 200, nil }})
		defer stop()
		h.add(webhook.Webhook{URL: "https://a.example.com:8443/hook/${modifiedUser.accountId}", Events: []string{"user_updated"}})
		h.dispatch(event(t, jiraevent.Callback{Event: "user_updated", User: &jiraevent.User{AccountID: "99:a b"}}))
		synctest.Wait()
		got := h.to.all()
		const want = "https://a.example.com:8443/hook/99%3Aa%20b?user_id=99%3Aa%20b&user_key=99%3Aa%20b"
		if len(got) != 1 || got[0].URL != want {
			t.Errorf("requests %v, want one to %s", got, want)
		}
	})
}
