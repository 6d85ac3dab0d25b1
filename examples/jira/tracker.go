package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/memstore"
)

const tenant = "demo"

var (
	mia  = &jiraevent.User{AccountID: "5b10a2844c20165700ede21g", AccountType: "atlassian", DisplayName: "Mia Krystof", Active: true}
	done = jira.Transition{Workflow: "bugs", ID: "31"}
	// passwords are those of HTTP basic authentication.
	passwords = map[string]string{"admin": "admin-password", "app": "app-password"}
)

func newIssue(key, summary, status string) *jiraevent.Issue {
	return &jiraevent.Issue{ID: "10001", Key: key, Self: "https://demo.example.net/rest/api/2/issue/10001", Fields: map[string]any{
		"summary": summary, "project": map[string]any{"id": "10000", "key": "DEMO"},
		"issuetype": map[string]any{"name": "Bug"}, "status": map[string]any{"name": status}, "reporter": mia,
	}}
}

// tracker is the application: it sends Jira's webhooks from one Store and those of Connect
// from another, because a Store serves one profile.
type tracker struct {
	kept     *jira.Memory // registrations, post functions, failed list
	jira     *webhook.Dispatcher
	connect  *webhook.Dispatcher
	manager  *webhook.Manager // of jira
	url      string           // of the REST API
	attached string           // path of the post function

	sent  int           // deliveries
	ended chan struct{} // one for each that has ended
}

func newTracker(to *receiver) (*tracker, error) {
	t := &tracker{kept: new(jira.Memory), ended: make(chan struct{}, 100)}
	record := jira.RecordFailures(t.kept, t.kept, nil)
	options := func() *webhook.Options {
		return &webhook.Options{DialContext: to.endpoint.DialContext, RootCAs: to.endpoint.RootCAs(), Observer: &webhook.Observer{
			Settled: func(ctx context.Context, d webhook.Delivery) {
				record(ctx, d)
				t.ended <- struct{}{}
			},
		}}
	}
	var err error
	if t.jira, err = dispatcher(jira.Profile(jira.WithRegistrations(t.kept), jira.WithPostFunctions(t.kept)), options()); err != nil {
		return nil, err
	}
	if t.connect, err = dispatcher(connect.Profile(), options()); err != nil {
		return nil, err
	}
	t.manager, err = t.jira.Manager()
	return t, err
}

func dispatcher(p webhook.Profile, o *webhook.Options) (*webhook.Dispatcher, error) {
	store, err := memstore.New(nil)
	if err != nil {
		return nil, err
	}
	return webhook.New(store, p, o)
}

// start serves the REST API and lets deliveries flow, until stop.
func (t *tracker) start(ctx context.Context) (stop func() error, err error) {
	lis, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.url = "http://" + lis.Addr().String()
	api, err := t.api()
	if err != nil {
		_ = lis.Close()
		return nil, err
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 3)
	go func() { ended <- server.Serve(lis) }()
	go func() { ended <- t.jira.Run(running) }()
	go func() { ended <- t.connect.Run(running) }()
	return func() error {
		cancel()
		err := server.Close()
		for range cap(ended) {
			if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
				err = errors.Join(err, e)
			}
		}
		return err
	}, nil
}

// api is both registration APIs behind HTTP basic authentication.
func (t *tracker) api() (http.Handler, error) {
	user := func(r *http.Request, name string) error {
		got, password, ok := r.BasicAuth()
		switch {
		case !ok || password == "" || passwords[got] != password: // only for a demonstration: compare hashes in constant time
			return jira.ErrUnauthenticated
		case got != name:
			return jira.ErrNotApp
		}
		return nil
	}
	admin, err := jira.NewAdmin(t.manager, func(r *http.Request) (jira.Administrator, error) {
		return jira.Administrator{Tenant: tenant, Name: "admin", DisplayName: "The administrator"}, user(r, "admin")
	}, &jira.AdminOptions{BaseURL: t.url})
	if err != nil {
		return nil, err
	}
	app, err := jira.NewDynamic(t.kept, func(r *http.Request) (jira.App, error) {
		return jira.App{Owner: jira.Owner{Tenant: tenant, App: "my-app"}, BaseURL: "https://app.example.com"}, user(r, "app")
	}, &jira.DynamicOptions{Failures: t.kept, BaseURL: t.url, Changed: func(r *http.Request, o jira.Owner) {
		if err := jira.Sync(r.Context(), t.manager, t.kept, o); err != nil {
			log.Print("registrations take effect with the next change: ", err)
		}
	}})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/rest/webhooks/", admin)
	mux.Handle("/rest/api/", app)
	return mux, nil
}

// install adds the webhooks of a descriptor.
func (t *tracker) install(ctx context.Context) error {
	d, err := connect.ParseDescriptor([]byte(`{"key": "com.example.addon", "baseUrl": "` + addOnBase + `",
		"authentication": {"type": "jwt"}, "scopes": ["READ"], "modules": {"webhooks": [
			{"event": "jira:issue_created", "url": "/created?key=${issue.key}"}, {"event": "jira:issue_deleted", "url": "/deleted?key=${issue.key}"}]}}`))
	if err != nil {
		return err
	}
	webhooks, err := d.Install(connect.Installation{Scope: tenant, ClientKey: clientKey, SharedSecret: webhook.NewSecret(addOnSecret)})
	if err != nil {
		return err
	}
	m, err := t.connect.Manager()
	if err != nil {
		return err
	}
	for _, w := range webhooks {
		if _, err := m.Add(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// attach makes the webhook behind a self link a post function.
func (t *tracker) attach(ctx context.Context, at jira.Transition, self string) error {
	t.attached = self[strings.Index(self, adminPath):]
	id, err := t.attachedID(ctx)
	if err != nil {
		return err
	}
	return t.kept.Attach(ctx, tenant, at, id)
}

func (t *tracker) detach(ctx context.Context, at jira.Transition) error {
	id, err := t.attachedID(ctx)
	if err != nil {
		return err
	}
	return t.kept.Detach(ctx, tenant, at, id)
}

// attachedID is the webhook's own ID; the number in its link is derived from it.
func (t *tracker) attachedID(ctx context.Context) (string, error) {
	hooks, err := t.manager.List(ctx, tenant)
	i := slices.IndexFunc(hooks, func(w webhook.Webhook) bool {
		return t.attached == fmt.Sprint(adminPath, "/", jira.AdminID(w.ID))
	})
	if err != nil || i < 0 {
		return "", errors.Join(err, fmt.Errorf("no webhook at %s", t.attached))
	}
	return hooks[i].ID, nil
}

// change dispatches a change of an issue, and the events of its transitions.
func (t *tracker) change(ctx context.Context, c jiraevent.Callback, transitions ...jira.Transition) error {
	e, err := jiraevent.New(tenant, c)
	if err != nil {
		return err
	}
	events := []payload.Event{e}
	for _, at := range transitions {
		fired, ok, err := jira.Transitioned(ctx, t.kept, tenant, at, c)
		if err != nil {
			return err
		}
		if ok {
			events = append(events, fired)
		}
	}
	forJira, err := t.jira.Dispatch(ctx, events...)
	if err != nil {
		return err
	}
	forConnect, err := t.connect.Dispatch(ctx, e)
	for _, r := range slices.Concat(forJira.Events, forConnect.Events) {
		t.sent += r.Added
	}
	return err
}

// settled waits until every delivery has ended.
func (t *tracker) settled(ctx context.Context) error {
	for ; t.sent > 0; t.sent-- {
		select {
		case <-t.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
