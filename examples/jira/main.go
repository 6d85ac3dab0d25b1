// Command jira is a tiny issue tracker that sends the webhooks of Jira Cloud and of
// Atlassian Connect.
//
// An administrator, an app and an add-on register callbacks over HTTP, as with Jira. Then an issue
// is created, resolved and deleted, and a receiver shows each request and whether it is genuine.
// Everything runs in this process, on 127.0.0.1.
//
//	go run ./examples/jira    # exit code 1 if anything is not as it should be
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/jira"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "jira:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	to, err := startReceiver(out)
	if err != nil {
		return err
	}
	defer to.endpoint.Close()
	t, err := newTracker(to)
	if err != nil {
		return err
	}
	stop, err := t.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	c := &client{out: out, base: t.url}
	s := &story{ctx, c, t, to}
	for _, chapter := range []func() error{s.administrator, s.app, s.addOn, s.issue, s.failures, s.farewell} {
		if err := chapter(); err != nil {
			return err
		}
	}
	return to.summary()
}

// story has the steps, in order.
type story struct {
	ctx context.Context
	*client
	tracker *tracker
	to      *receiver
}

const (
	adminPath = "/rest/webhooks/1.0/webhook"
	appPath   = "/rest/api/2/webhook"
)

// administrator registers two webhooks: one for bugs of a project, and one without
// events that the transition to Done triggers.
func (s *story) administrator() error {
	s.title("An administrator registers webhooks")
	if _, err := s.do("admin", http.MethodPost, adminPath, http.StatusCreated, `{"name":"Bugs of DEMO","url":"https://hooks.example.com/bugs/${issue.key}",
		"events":["jira:issue_created","jira:issue_updated"],"filters":{"issue-related-events-section":"project = DEMO AND issuetype IN (Bug, 'Security Bug')"},
		"secret":"`+adminSecret+`"}`); err != nil {
		return err
	}
	answer, err := s.do("admin", http.MethodPost, adminPath, http.StatusCreated,
		`{"name":"Release notes","url":"https://hooks.example.com/release-notes","events":[],"secret":"`+adminSecret+`"}`)
	if err != nil {
		return err
	}
	return s.tracker.attach(s.ctx, done, answer["self"].(string))
}

// app registers three webhooks at once, one of which has an unsupported clause.
func (s *story) app() error {
	s.title("An app registers three webhooks, lists and refreshes them")
	if _, err := s.do("app", http.MethodPost, appPath, http.StatusOK, `{"url":"https://app.example.com/webhook-received","webhooks":[
		{"jqlFilter":"project = DEMO AND status = Done","events":["jira:issue_updated"]},
		{"jqlFilter":"project = DEMO","events":["jira:issue_updated","jira:issue_deleted"]},
		{"jqlFilter":"myClause = something","events":["jira:issue_deleted"]}]}`); err != nil {
		return err
	}
	if _, err := s.do("app", http.MethodGet, appPath, http.StatusOK, ""); err != nil {
		return err
	}
	_, err := s.do("app", http.MethodPut, appPath+"/refresh", http.StatusOK, `{"webhookIds":[1000,1001]}`)
	return err
}

func (s *story) addOn() error {
	s.title("A Connect add-on is installed, whose descriptor declares a webhook")
	return s.tracker.install(s.ctx)
}

// issue creates, resolves and deletes an issue.
func (s *story) issue() error {
	i := newIssue("DEMO-1", "Orders are lost", "Open")
	s.title("Issue DEMO-1 is created")
	if err := s.change(jiraevent.Callback{Event: "jira:issue_created", IssueEventTypeName: "issue_created", User: mia, Issue: i}, 2); err != nil {
		return err
	}
	s.title("DEMO-1 is resolved: one callback for both registrations of the app, and the post function")
	from, to := "Open", "Done"
	i = newIssue("DEMO-1", "Orders are lost", to)
	resolved := jiraevent.Callback{Event: jiraevent.IssueUpdated, IssueEventTypeName: "issue_generic", User: mia, Issue: i,
		Changelog: &jiraevent.Changelog{ID: "1", Items: []jiraevent.ChangeItem{{Field: "status", FieldType: "jira", FromString: &from, ToString: &to}}}}
	if err := s.change(resolved, 3, done); err != nil {
		return err
	}
	s.title("DEMO-1 is deleted: the app refuses to hear of it")
	return s.change(jiraevent.Callback{Event: "jira:issue_deleted", User: mia, Issue: i}, 2)
}

// change makes a change and shows its requests.
func (s *story) change(c jiraevent.Callback, requests int, transitions ...jira.Transition) error {
	if err := s.tracker.change(s.ctx, c, transitions...); err != nil {
		return err
	}
	return s.to.show(s.ctx, requests)
}

func (s *story) failures() error {
	s.title("The app asks what it missed")
	if err := s.tracker.settled(s.ctx); err != nil {
		return err
	}
	answer, err := s.do("app", http.MethodGet, appPath+"/failed", http.StatusOK, "")
	if err != nil {
		return err
	}
	if list, ok := answer["values"].([]any); !ok || len(list) != 1 {
		return fmt.Errorf("the failed list is %v, want one callback", answer["values"])
	}
	return nil
}

// farewell deletes everything; a post function only after no transition needs it.
func (s *story) farewell() error {
	s.title("Everything is deleted")
	if _, err := s.do("app", http.MethodDelete, appPath, http.StatusAccepted, `{"webhookIds":[1000,1001]}`); err != nil {
		return err
	}
	path := s.tracker.attached
	if _, err := s.do("admin", http.MethodDelete, path, http.StatusConflict, ""); err != nil {
		return err
	}
	if err := s.tracker.detach(s.ctx, done); err != nil {
		return err
	}
	if _, err := s.do("admin", http.MethodDelete, path, http.StatusNoContent, ""); err != nil {
		return err
	}
	_, err := s.do("nobody", http.MethodGet, adminPath, http.StatusUnauthorized, "")
	return err
}
