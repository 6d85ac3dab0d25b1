// Command quickstart sends the three events of a task-running application to an Automation rule and
// shows its requests.
//
// It needs only Go: a stand-in of the rule runs inside and refuses the first requests, to show
// retries.
//
//	go run ./examples/quickstart             # everything arrives in the end
//	go run ./examples/quickstart -break      # the endpoint fails for good: exit code 1
//	go run ./examples/quickstart -url https://api-private.atlassian.com/automation/webhooks/... -secret ...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func main() {
	fail := flag.Bool("break", false, "let the stand-in refuse every request")
	url := flag.String("url", "", "send to this Automation rule instead of the stand-in")
	secret := flag.String("secret", "", "the rule's secret, with -url")
	flag.Parse()
	err := run(*fail, *url, *secret)
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(fail bool, url, secret string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out := &console{start: time.Now()}

	profile := webhook.Automation()
	opts := &webhook.Options{}
	if url == "" {
		rule, err := startStandIn(fail, out)
		if err != nil {
			return err
		}
		defer rule.Close()
		url, secret = rule.URL(), rule.Secret().Reveal()
		opts.DialContext, opts.RootCAs = rule.DialContext, rule.RootCAs() // the real host name leads to the stand-in

		profile.Retry = retry.Policy{MaxAfter: 2 * time.Second, Slots: []retry.Slot{
			{Min: 200 * time.Millisecond, Max: 400 * time.Millisecond},
			{Min: 500 * time.Millisecond, Max: time.Second},
			{Min: time.Second, Max: 2 * time.Second},
		}}
		opts.Breaker = webhook.Breaker{Open: time.Second, MaxOpen: time.Second}
		out.line("stand-in of an Automation rule is up; retry slots are short for this demonstration:")
		out.schedule(profile.Retry, retry.Automation())
	}

	done := make(chan webhook.Delivery, 3)
	opts.Observer = &webhook.Observer{
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) { out.attempt(d, a) },
		Settled:   func(_ context.Context, d webhook.Delivery) { done <- d },
	}
	store, err := memstore.New(nil)
	if err != nil {
		return err
	}
	hooks, err := webhook.New(store, profile, opts)
	if err != nil {
		return err
	}
	manager, err := hooks.Manager()
	if err != nil {
		return err
	}
	_, err = manager.Add(ctx, webhook.Webhook{
		Scope: "acme", Name: "Tell the admins", URL: url, Secrets: []webhook.Secret{webhook.NewSecret(secret)},
		Events: []string{"taskSuccess", "taskFailure", "orgKeyExpiry"}, Active: true,
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- hooks.Run(running) }()

	if err := work(ctx, hooks, out); err != nil {
		stop()
		return errors.Join(err, <-stopped)
	}
	ended := make([]webhook.Delivery, 0, 3)
	for len(ended) < 3 {
		select {
		case d := <-done:
			ended = append(ended, d)
		case <-ctx.Done():
			stop()
			return errors.Join(ctx.Err(), <-stopped)
		}
	}
	stop()
	if err := <-stopped; err != nil {
		return err
	}
	if n := out.table(ended); n < 3 {
		return fmt.Errorf("%d of 3 were not delivered", 3-n)
	}
	return nil
}

// work is the host application: two task runs that end, and a key that expires soon.
func work(ctx context.Context, hooks *webhook.Dispatcher, out *console) error {
	onDone := func(run payload.Run, taskErr error) error {
		event, err := payload.New(run.Scope, payload.TaskEnded(run, taskErr), payload.WithID(run.ProcessID))
		if err != nil {
			return err
		}
		out.line("task %q ended, dispatching %s", run.Name, event.Type)
		_, err = hooks.Dispatch(ctx, event)
		return err
	}
	first, err := task("007b5c6c-0078-4cf2-a9d9-3f8c02f74205", "Deactivate Inactive User", "addToGroups", "removeAppAccess")
	if err != nil {
		return err
	}
	if err := onDone(first, nil); err != nil {
		return err
	}
	second, err := task("5d0b7c52-6d3e-4a3e-9c54-1f4f8f3c7a11", "License Clean-up", "removeAppAccess")
	if err != nil {
		return err
	}
	if err := onDone(second, errors.New("directory is not reachable")); err != nil {
		return err
	}
	key, err := payload.New("acme", payload.OrgKeyExpiry{
		APIKeyID: "key-1", Name: "Provisioning", ExpiresAt: time.Now().AddDate(0, 0, 6),
		SettingsURL: "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/notifications",
	})
	if err != nil {
		return err
	}
	out.line("key %q expires soon, dispatching %s", "Provisioning", key.Type)
	_, err = hooks.Dispatch(ctx, key)
	return err
}

func task(id, name string, actions ...string) (payload.Run, error) {
	link, err := payload.DeepLink(payload.TaskLink{Site: "https://your-site.atlassian.net", AppID: "app-1", InstanceID: "instance-1", TaskID: "task-1", ProcessID: id})
	return payload.Run{Scope: "acme", ProcessID: id, Name: name, ActionTypes: actions, DeepLink: link}, err
}
