package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	scope      = "acme"
	wentWell   = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
	wentWrong  = "5d0b7c52-6d3e-4a3e-9c54-1f4f8f3c7a11"
	siteURL    = "https://your-site.atlassian.net"
	settingURL = siteURL + "/jira/settings/apps/app-1/instance-1/notifications"
)

// perform sets up a host whose webhooks lead to the rules, runs work, and passes each rule's result
// for each event to take.
func perform(ctx context.Context, rules []subscription, work func(context.Context, *app) error, take func(outcome) error) error {
	s, err := newSite(rules)
	if err != nil {
		return err
	}
	defer s.endpoint.Close()
	a, err := newApp(ctx, s)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- a.hooks.Run(running) }()
	err = work(ctx, a)
	if err == nil {
		err = s.runRules(ctx, int(a.enqueued.Load()), take)
	}
	stop()
	return errors.Join(err, <-stopped)
}

// app is the host: an application that runs tasks on users and holds API keys.
type app struct {
	hooks    *webhook.Dispatcher
	keys     *keyexpiry.Checker
	enqueued atomic.Int64 // deliveries
}

func newApp(ctx context.Context, s *site) (*app, error) {
	a := &app{}
	store, err := memstore.New(nil)
	if err != nil {
		return nil, err
	}
	profile := webhook.Automation()
	profile.Form.MaxPerScope = max(profile.Form.MaxPerScope, len(s.rules)) // the vendor allows three, but there are four recipes
	a.hooks, err = webhook.New(store, profile, &webhook.Options{
		DialContext: s.endpoint.DialContext, RootCAs: s.endpoint.RootCAs(), // the real host name leads to the stand-in
		Observer: &webhook.Observer{Enqueued: func(context.Context, webhook.Delivery) { a.enqueued.Add(1) }},
	})
	if err != nil {
		return nil, err
	}
	manager, err := a.hooks.Manager()
	if err != nil {
		return nil, err
	}
	for i, sub := range s.rules {
		_, err := manager.Add(ctx, webhook.Webhook{Scope: scope, Name: sub.name, URL: s.url(i), Secrets: []webhook.Secret{s.endpoint.Secret()}, Events: sub.events, Active: true})
		if err != nil {
			return nil, err
		}
	}
	a.keys, err = keyexpiry.New(a.hooks, store, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) {
		today := time.Now().UTC().Truncate(24 * time.Hour)
		return []keyexpiry.Key{
			{Scope: scope, ID: "key-1", Name: "Provisioning", ExpiresAt: today.AddDate(0, 0, 6), SettingsURL: settingURL},
			{Scope: scope, ID: "key-2", Name: "Reporting", ExpiresAt: today.AddDate(0, 0, 60), SettingsURL: settingURL},
		}, nil
	}), nil)
	return a, err
}

// story is a day of the host: a task succeeds although one user failed, another one fails, and a
// key expires soon.
func story(ctx context.Context, a *app) error {
	if err := a.task(ctx, wentWell, "Deactivate Inactive User", nil); err != nil {
		return err
	}
	if err := a.task(ctx, wentWrong, "License Clean-up", errors.New("the directory cannot be reached")); err != nil {
		return err
	}
	_, err := a.keys.Check(ctx, time.Now())
	return err
}

// task runs a task that ends with taskErr.
func (a *app) task(ctx context.Context, processID, name string, taskErr error) error {
	link, err := payload.DeepLink(payload.TaskLink{Site: siteURL, AppID: "app-1", InstanceID: "instance-1", TaskID: "task-1", ProcessID: processID})
	if err != nil {
		return err
	}
	run := payload.Run{Scope: scope, ProcessID: processID, Name: name, ActionTypes: []string{"addToGroups", "removeAppAccess"}, DeepLink: link}
	err = webhook.Track(ctx, a.hooks, run, func(context.Context) error { return taskErr })
	if err == taskErr {
		return nil // the task's own error was dispatched
	}
	return err
}
