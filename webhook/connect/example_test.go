package connect_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// An add-on is installed, an issue changes, and the add-on verifies the request.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	endpoint, err := webhooktest.Start(&webhooktest.Options{Generic: true}) // stands in for the add-on
	check(err)
	defer endpoint.Close()

	d, err := connect.ParseDescriptor([]byte(`{
		"key": "com.example.addon", "baseUrl": "https://hooks.example.com/addon",
		"authentication": {"type": "jwt"}, "scopes": ["READ"],
		"modules": {"webhooks": [{"event": "jira:issue_deleted", "url": "/issues/${issue.key}"}]}}`))
	check(err)
	secret := webhook.NewSecret("shared-secret-example")
	webhooks, err := d.Install(connect.Installation{Scope: "acme", ClientKey: "jira:1234", SharedSecret: secret})
	check(err)

	store, err := memstore.New(nil)
	check(err)
	hooks, err := webhook.New(store, connect.Profile(), &webhook.Options{DialContext: endpoint.DialContext, RootCAs: endpoint.RootCAs()})
	check(err)
	manager, err := hooks.Manager()
	check(err)
	for _, w := range webhooks {
		_, err = manager.Add(ctx, w)
		check(err)
	}
	done := make(chan error)
	go func() { done <- hooks.Run(ctx) }()

	event, err := jiraevent.New("acme", jiraevent.Callback{Event: "jira:issue_deleted", Issue: &jiraevent.Issue{ID: "10002", Key: "EXA-1"},
		User: &jiraevent.User{Name: "admin", Key: "admin"}})
	check(err)
	_, err = hooks.Dispatch(ctx, event)
	check(err)
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	arrived, err := endpoint.Wait(waiting, 1)
	check(err)

	r, err := http.NewRequest(arrived[0].Method, arrived[0].Path+"?"+arrived[0].Query, nil)
	check(err)
	r.Header = arrived[0].Header
	claims, err := sign.VerifyConnectJWT(r, time.Now(), sign.ConnectReceiver{
		Secrets: sign.ForClient("jira:1234", secret), BaseURL: "https://hooks.example.com/addon"})
	fmt.Println(r.Method, r.URL)
	fmt.Println(claims.ClientKey, err)
	stop()
	check(<-done)
	// Output:
	// POST /addon/issues/EXA-1?user_id=admin&user_key=admin
	// jira:1234 <nil>
}

func ExampleParseDescriptor() {
	_, err := connect.ParseDescriptor([]byte(`{
		"key": "com.example.addon", "baseUrl": "https://hooks.example.com", "authentication": {"type": "jwt"}, "scopes": [],
		"modules": {"webhooks": [{"event": "jira:issue_created", "url": "https://elsewhere.example.com/"}]}}`))
	fmt.Println(err)
	// Output:
	// connect: descriptor: modules.webhooks[0].url must be relative to baseUrl: leave out scheme and host
	// connect: add-on com.example.addon listens to jira:issue_created, which needs the scope READ: add it to scopes
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
