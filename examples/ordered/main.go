// Command ordered edits 50 issues while the endpoint of their webhooks is down, and shows the
// requests after it is back: a webhook that coalesces sends one request for each issue, with its
// latest state; a webhook that keeps an order sends every edit, those of an issue one after the
// other.
//
//	go run ./examples/ordered     # exit code 0 only if that is what arrived
package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/sqlstore"
)

const (
	issues = 50
	edits  = 8 // of each issue
	scope  = "acme"
)

// edited is the host's own event.
type edited struct {
	Issue int    `json:"issue"`
	Edit  int    `json:"edit"`
	Title string `json:"title"`
}

func (edited) EventType() string { return "issue.edited" }

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ordered:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	to := startEndpoint()
	defer to.server.Close()
	dir, err := os.MkdirTemp("", "postrider-ordered-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hooks, err := open(ctx, filepath.Join(dir, "ordered.db"), to)
	if err != nil {
		return err
	}
	board, mirror, err := webhooks(ctx, hooks)
	if err != nil {
		return err
	}
	sending, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- hooks.Run(sending) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()

	for edit := 1; edit <= edits; edit++ {
		for issue := 1; issue <= issues; issue++ {
			if err := dispatch(ctx, hooks, issue, edit); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%d issues were edited %d times each; the endpoint was down and refused %d requests\n", issues, edits, to.refused.Load())
	hooks.SetPaused(true) // so that no older state is in flight when the endpoint comes back
	for s := hooks.Status(); s.InFlight+s.Waiting+s.Unwritten > 0; s = hooks.Status() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	to.up.Store(true)
	hooks.SetPaused(false)
	if err := settle(ctx, hooks); err != nil {
		return err
	}
	return check(to, board, mirror)
}

// open makes a Dispatcher over SQLite whose requests lead to the endpoint.
func open(ctx context.Context, file string, to *endpoint) (*webhook.Dispatcher, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.New(db, sqlstore.SQLite, nil)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return nil, err
	}
	profile := webhook.Standard()
	profile.Retry = retry.Policy{} // short, for this demonstration
	for range 20 {
		profile.Retry.Slots = append(profile.Retry.Slots, retry.Slot{Min: 300 * time.Millisecond, Max: 600 * time.Millisecond})
	}
	return webhook.New(store, profile, &webhook.Options{
		RootCAs: to.roots(), Breaker: webhook.Breaker{Open: 500 * time.Millisecond, MaxOpen: 500 * time.Millisecond},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, to.address())
		},
	})
}

// webhooks adds one for the latest state of each issue, and one for every edit in order.
func webhooks(ctx context.Context, hooks *webhook.Dispatcher) (board, mirror string, err error) {
	manager, err := hooks.Manager()
	if err != nil {
		return "", "", err
	}
	secret, err := sign.GenerateSecret()
	if err != nil {
		return "", "", err
	}
	add := func(w webhook.Webhook) (id string) {
		if err == nil {
			w.Scope, w.URL, w.Secrets, w.Events, w.Active = scope, "https://example.com/"+w.Name, []webhook.Secret{secret}, []string{"*"}, true
			w, err = manager.Add(ctx, w)
		}
		return w.ID
	}
	board = add(webhook.Webhook{Name: "board", Coalesce: true})
	mirror = add(webhook.Webhook{Name: "mirror", Order: webhook.OrderBlock})
	return board, mirror, err
}

func dispatch(ctx context.Context, hooks *webhook.Dispatcher, issue, edit int) error {
	event, err := payload.New(scope, edited{issue, edit, fmt.Sprintf("Issue %d as of edit %d", issue, edit)},
		payload.WithID(fmt.Sprintf("issue-%d-edit-%d", issue, edit)), payload.WithKey(fmt.Sprint(issue)))
	if err == nil {
		_, err = hooks.Dispatch(ctx, event)
	}
	return err
}
