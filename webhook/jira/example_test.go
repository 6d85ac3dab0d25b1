package jira_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jql"
	"github.com/postrider/postrider/webhook/memstore"
)

// printer acts as a receiver.
type printer struct{ done chan struct{} }

func (p printer) RoundTrip(r *http.Request) (*http.Response, error) {
	defer close(p.done)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c, err := jiraevent.Decode(body)
	fmt.Println(r.Method, r.URL)
	fmt.Println(c.Event, c.Issue.Key, err)
	fmt.Println("flow:", r.Header.Get(jira.FlowHeader), "- signed:", r.Header.Get("X-Hub-Signature") != "")
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func ExampleProfile() {
	to := printer{done: make(chan struct{})}
	store, err := memstore.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	hooks, err := webhook.New(store, jira.Profile(), &webhook.Options{Transport: to})
	if err != nil {
		fmt.Println(err)
		return
	}
	manager, err := hooks.Manager()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	_, err = manager.Add(ctx, webhook.Webhook{
		Scope: "acme", Name: "Bugs of EXA", Active: true,
		URL:     "https://service.example.com/webhook/${issue.key}",
		Secrets: []webhook.Secret{webhook.NewSecret("It's a Secret to Everybody")},
		Events:  []string{"jira:issue_created", "jira:issue_updated"},
		Filter:  `project = EXA AND issuetype IN (Bug, "Security Bug")`,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ev, err := jiraevent.New("acme", jiraevent.Callback{
		Event: "jira:issue_created",
		User:  &jiraevent.User{AccountID: "99:27935d01", DisplayName: "Bryan", Active: true},
		Issue: &jiraevent.Issue{ID: "10042", Key: "EXA-1", Fields: map[string]any{
			"project": map[string]any{"key": "EXA"}, "issuetype": map[string]any{"name": "Bug"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := hooks.Dispatch(ctx, ev); err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error)
	go func() { ended <- hooks.Run(ctx) }()
	<-to.done
	stop()
	fmt.Println(<-ended)
	// Output:
	// POST https://service.example.com/webhook/EXA-1?user_id=99%3A27935d01&user_key=99%3A27935d01
	// jira:issue_created EXA-1 <nil>
	// flow: Primary - signed: true
	// <nil>
}

func ExampleSubject() {
	issue := &jiraevent.Issue{Key: "EXA-1", Fields: map[string]any{
		"fixVersions": []any{map[string]any{"name": "future"}},
		"assignee":    nil,
	}}
	for _, filter := range []string{"fixVersion = future", "assignee != bob"} {
		f, err := jql.Admin().Parse(filter)
		fmt.Println(f.Match(jira.Subject(issue)), err)
	}
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleNewMatcher() {
	m := jira.NewMatcher()
	ev, err := jiraevent.New("acme", jiraevent.Callback{Event: "comment_created", Comment: &jiraevent.Comment{ID: "1"}})
	fmt.Println(err)
	hooks := []webhook.Webhook{
		{ID: "whk_1", Scope: "acme", Events: []string{"comment_created"}},
		{ID: "whk_2", Scope: "acme", Events: []string{"comment_created"}, Filter: "project = EXA"},
	}
	ok, err := m.Match(hooks[0], ev)
	fmt.Println(ok, err)
	_, err = m.Select(hooks, ev) // the second needs an issue
	fmt.Println(err != nil, errors.Is(err, jql.ErrInvalid))
	// Output:
	// <nil>
	// true <nil>
	// true false
}

func ExampleNewDynamic() {
	registrations := new(jira.Memory)
	api, err := jira.NewDynamic(registrations, func(r *http.Request) (jira.App, error) {
		if _, password, ok := r.BasicAuth(); !ok || password != "app-password" {
			return jira.App{}, jira.ErrUnauthenticated
		}
		return jira.App{Owner: jira.Owner{Tenant: "acme", App: "my-app"}}, nil
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodPost, "/rest/api/2/webhook", strings.NewReader(`{
		"url": "https://your-app-base-url.com/webhook-received",
		"webhooks": [
			{"jqlFilter": "project = PRJ AND status = Done", "events": ["jira:issue_created", "jira:issue_updated"]},
			{"jqlFilter": "status = Done", "events": ["jira:issue_updated"]},
			{"jqlFilter": "myClause = something", "events": ["jira:issue_deleted"]}
		]}`))
	r.SetBasicAuth("my-app", "app-password")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 [{"createdWebhookId":1000},{"createdWebhookId":1001},{"errors":["The clause myClause is unsupported"]}]
}

func ExampleTransitioned() {
	ctx := context.Background()
	kept := new(jira.Memory)
	resolve := jira.Transition{Workflow: "bugs", ID: "31"}
	err := kept.Attach(ctx, "acme", resolve, "whk_release_notes")
	fmt.Println(err)
	change := jiraevent.Callback{
		Event: "jira:issue_updated", User: &jiraevent.User{AccountID: "99:27935d01"},
		Issue: &jiraevent.Issue{ID: "10042", Key: "EXA-1"},
	}
	for _, at := range []jira.Transition{resolve, {Workflow: "bugs", ID: "11"}} {
		ev, fires, err := jira.Transitioned(ctx, kept, "acme", at, change)
		fmt.Println(ev.Type, fires, err) // to be dispatched beside the event of the change
	}
	// Output:
	// <nil>
	// jira:issue_updated true <nil>
	//  false <nil>
}
