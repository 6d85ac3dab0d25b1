package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// A host from start to stop: a task ends, and the webhook of its tenant hears of it.
func Example() {
	endpoint, err := webhooktest.Start(nil) // stands in for the receiver
	if err != nil {
		fmt.Println(err)
		return
	}
	defer endpoint.Close()

	store, err := memstore.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	hooks, err := webhook.New(store, webhook.Automation(), &webhook.Options{
		DialContext: endpoint.DialContext, // leave both out
		RootCAs:     endpoint.RootCAs(),   // in production
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error)
	go func() { done <- hooks.Run(ctx) }()

	manager, err := hooks.Manager()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = manager.Add(ctx, webhook.Webhook{
		Scope: "acme", Name: "Ops", URL: endpoint.URL(), Secrets: []webhook.Secret{endpoint.Secret()},
		Events: []string{"taskSuccess", "taskFailure"}, Active: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	event, err := payload.New("acme", payload.TaskSuccess{
		ProcessID:   "007b5c6c-0078-4cf2-a9d9-3f8c02f74205",
		Name:        "Deactivate Inactive User",
		ActionTypes: []string{"removeAppAccess"},
		DeepLink:    "https://your-site.atlassian.net/jira/settings",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := hooks.Dispatch(ctx, event); err != nil {
		fmt.Println(err)
		return
	}

	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	requests, err := endpoint.Wait(waiting, 1)
	for _, r := range requests {
		fmt.Println(r.Method, r.Shape)
		fmt.Println(string(r.Body))
	}
	fmt.Println(err)
	stop()
	fmt.Println(<-done)
	// Output:
	// POST /automation/webhooks/{product}/a/{id}/{id}
	// {"trigger":"taskSuccess","processId":"007b5c6c-0078-4cf2-a9d9-3f8c02f74205","name":"Deactivate Inactive User","actionTypes":["removeAppAccess"],"deepLink":"https://your-site.atlassian.net/jira/settings"}
	// <nil>
	// <nil>
}

// A repeated Dispatch of the same event adds nothing, so a completion hook may run twice.
func ExampleDispatcher_Dispatch() {
	s := newSite(nil)
	defer s.close()
	s.add("Ops", "taskSuccess")
	s.add("Audit", "*")
	for range 2 {
		receipt, err := s.hooks.Dispatch(s.ctx, s.event("run-42"))
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range receipt.Events {
			fmt.Printf("%s: %d webhooks, %d new\n", e.ID, e.Matched, e.Added)
		}
	}
	// Output:
	// run-42: 2 webhooks, 2 new
	// run-42: 2 webhooks, 0 new
}

// What a form got wrong comes back field by field.
func ExampleManager_Add() {
	s := newSite(nil)
	defer s.close()
	_, err := s.manager.Add(s.ctx, webhook.Webhook{
		Scope: "acme", Name: "Ops", URL: "https://automation.example.com/hook", Events: []string{"taskDone"},
	})
	if invalid, ok := err.(*webhook.ValidationError); ok {
		for _, f := range invalid.Fields {
			fmt.Printf("%s (%s)\n", f.Field, f.Rule)
		}
		fmt.Println(invalid.Field("secret"))
	}
	// Output:
	// url (A4)
	// secret (required)
	// events (unknown)
	// Enter the secret.
}

// A test shows what the endpoint says, also while the webhook is inactive.
func ExampleManager_Test() {
	s := newSite(nil)
	defer s.close()
	hook := s.add("Ops", "taskSuccess")
	for _, secret := range []webhook.Secret{webhook.NewSecret("mistyped"), s.endpoint.Secret()} {
		if _, err := s.manager.RotateSecret(s.ctx, "acme", hook.ID, secret); err != nil {
			fmt.Println(err)
			return
		}
		attempt, err := s.manager.Test(s.ctx, "acme", hook.ID)
		fmt.Println(attempt.OK(), attempt.Status, attempt.Code, err)
	}
	// Output:
	// false 401 status <nil>
	// true 200  <nil>
}

// Track runs a task and tells how it ended, by a panic too.
func ExampleTrack() {
	s := newSite(nil)
	defer s.close()
	s.add("Ops", "taskSuccess", "taskFailure")
	s.run()

	task := payload.Run{Scope: "acme", ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Deactivate Inactive User",
		DeepLink: "https://your-site.atlassian.net/jira/settings"}
	err := webhook.Track(s.ctx, s.hooks, task, func(ctx context.Context) error {
		return fmt.Errorf("directory is read-only")
	})
	var missed *webhook.DispatchError
	if errors.As(err, &missed) { // no failure of the task; missed.Event can be dispatched later
		err = missed.Task
	}
	fmt.Println(err)

	requests, err := s.endpoint.Wait(s.ctx, 1)
	for _, r := range requests {
		data, err := payload.Decode(r.Body)
		fmt.Println(data.EventType(), err)
	}
	fmt.Println(err)
	// Output:
	// directory is read-only
	// taskFailure <nil>
	// <nil>
}

// An Observer hears of every step, for counters and for people.
func ExampleObserver() {
	settled := make(chan struct{})
	s := newSite(&webhook.Options{Observer: &webhook.Observer{
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) {
			fmt.Printf("attempt %d of %s: %d\n", a.Number, d.EventID, a.Status)
		},
		Attention: func(_ context.Context, w webhook.Webhook, code webhook.Code, _ *webhook.Attempt) {
			fmt.Printf("%s needs attention: %s\n", w.Name, code)
		},
		Settled: func(_ context.Context, d webhook.Delivery) {
			fmt.Println(d.EventID, d.State)
			close(settled)
		},
	}})
	defer s.close()
	s.endpoint.Answer(webhooktest.Response{Status: 404})
	s.add("Ops", "taskSuccess")
	if _, err := s.hooks.Dispatch(s.ctx, s.event("run-42")); err != nil {
		fmt.Println(err)
		return
	}
	s.run()
	<-settled
	// Unordered output:
	// attempt 1 of run-42: 404
	// Ops needs attention: status
	// run-42 failed
}

// Explain answers why nothing has arrived yet.
func ExampleDispatcher_Explain() {
	s := newSite(nil)
	defer s.close()
	hook := s.add("Ops", "taskSuccess")
	receipt, err := s.hooks.Dispatch(s.ctx, s.event("run-42"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.manager.SetActive(s.ctx, "acme", hook.ID, false); err != nil {
		fmt.Println(err)
		return
	}
	why, err := s.hooks.Explain(s.ctx, "acme", receipt.Events[0].Deliveries[0])
	for _, r := range why.Reasons {
		fmt.Println(r.Kind, "-", r.Text)
	}
	fmt.Println(err)
	// Output:
	// inactive - Its webhook is switched off.
	// not_running - Run is not under way in this process; another one may send it.
	// <nil>
}

// Replay sends a window once more, at a rate that the receiver can bear.
func ExampleManager_Replay() {
	settled := make(chan string, 10)
	s := newSite(&webhook.Options{Observer: &webhook.Observer{
		Settled: func(_ context.Context, d webhook.Delivery) { settled <- d.EventID },
	}})
	defer s.close()
	s.add("Ops", "taskSuccess")
	s.run()
	for _, id := range []string{"run-1", "run-2"} {
		if _, err := s.hooks.Dispatch(s.ctx, s.event(id)); err != nil {
			fmt.Println(err)
			return
		}
		<-settled
	}
	queued, err := s.manager.Replay(s.ctx, webhook.Query{Scope: "acme", Since: time.Now().Add(-time.Hour)}, 100)
	fmt.Println(queued, err)
	fmt.Println(<-settled)
	fmt.Println(<-settled)
	// Unordered output:
	// 2 <nil>
	// run-1
	// run-2
}
