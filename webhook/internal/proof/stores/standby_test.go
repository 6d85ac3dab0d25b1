package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// endpoint counts the requests of each event, for all receivers.
type endpoint struct {
	mu   sync.Mutex
	seen map[string]int
}

// RoundTrip implements [http.RoundTripper].
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[r.Header.Get("Webhook-Id")]++
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func (e *endpoint) requests(event string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen[event]
}

// hostOver makes a Dispatcher over a Store, with an endpoint for all of its webhooks.
func hostOver(t *testing.T, s webhook.Store, to http.RoundTripper) *webhook.Dispatcher {
	t.Helper()
	d, err := webhook.New(s, webhook.Automation(), &webhook.Options{Transport: to, Poll: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dispatch(ctx context.Context, d *webhook.Dispatcher, id string) error {
	e, err := payload.New("acme", payload.TaskSuccess{ProcessID: id, Name: "Nightly", DeepLink: "https://example.com/"}, payload.WithAnyProcessID(), payload.WithID(id))
	if err == nil {
		_, err = d.Dispatch(ctx, e)
	}
	return err
}

// TestPromotedStandby: a standby refuses writes, with an error that says so and in Status. When the
// primary dies and the standby is promoted, the same Dispatcher continues. An accepted event
// arrives; a refused one never does, unless the error was ErrUnknown.
func TestPromotedStandby(t *testing.T) {
	t.Parallel()
	server.Server(t) // skips without PostgreSQL
	ctx := t.Context()
	primary, err := pgtest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Stop)
	made := database{sqlstore.PostgreSQL, "pgx", primary.DSN("postgres")}
	seed := made.migrated(t, nil)
	hooks, err := hostOver(t, seed, nil).Manager()
	if err != nil {
		t.Fatal(err)
	}
	w := webhook.Webhook{Scope: "acme", Name: "one", URL: "https://api-private.atlassian.com/automation/webhooks/jira/a/one", Active: true, Events: []string{"taskSuccess"},
		Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef0123456789abcdef01234567")}}
	if _, err := hooks.Add(ctx, w); err != nil {
		t.Fatal(err)
	}
	standby, err := primary.Standby(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)

	reader := database{sqlstore.PostgreSQL, "pgx", standby.DSN("postgres")}.store(t, nil)
	to := &endpoint{seen: make(map[string]int)}
	stuck := hostOver(t, reader, to)
	for name, err := range map[string]error{"Migrate": reader.Migrate(ctx), "Dispatch": dispatch(ctx, stuck, "stuck")} {
		if !errors.Is(err, sqlstore.ErrSetting) || errors.Is(err, webhook.ErrUnknown) || !strings.Contains(err.Error(), "target_session_attrs=read-write") {
			t.Errorf("%s on a standby: %v, want an error that says what to do and that nothing was stored", name, err)
		}
	}
	if err := stuck.Status().StoreError; !errors.Is(err, sqlstore.ErrSetting) {
		t.Errorf("Status on a standby: %v", err)
	}

	dsn := fmt.Sprintf("postgres://postgres@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write", primary.Address(), standby.Address())
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	store, err := sqlstore.New(db, sqlstore.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := hostOver(t, store, to)
	running, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- d.Run(running) }()
	var accepted, refused []string
	event := 0
	send := func() error {
		event++
		id := fmt.Sprintf("event-%d", event)
		err := dispatch(ctx, d, id)
		switch {
		case err == nil:
			accepted = append(accepted, id)
		case !errors.Is(err, webhook.ErrUnknown):
			refused = append(refused, id)
		}
		return err
	}
	for range 50 {
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	primary.Kill()
	for n := 0; n < 5; n++ {
		if err := send(); err == nil {
			t.Fatal("an event was accepted while no server takes writes")
		}
	}
	if d.Status().StoreError == nil {
		t.Error("Status does not say that the Store is away")
	}
	if err := standby.Promote(ctx); err != nil {
		t.Fatal(err)
	}
	before := len(accepted)
	until(t, "50 events are accepted after the promotion", func() bool {
		for len(accepted) < before+50 {
			if err := send(); err != nil {
				return false
			}
		}
		return true
	})
	until(t, "nothing is pending", func() bool {
		ds, _, err := store.Deliveries(ctx, webhook.Query{Scope: "acme", States: []webhook.State{webhook.StatePending}})
		return err == nil && len(ds) == 0 && d.Status().StoreError == nil
	})
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	for _, id := range accepted {
		if to.requests(id) == 0 {
			t.Errorf("%s was accepted and did not arrive", id)
		}
	}
	for _, id := range refused {
		if n := to.requests(id); n > 0 {
			t.Errorf("%s was refused and arrived %d times", id, n)
		}
	}
	if err := dispatch(ctx, stuck, "free"); err != nil {
		t.Errorf("a pool with sessions from before the promotion: %v", err)
	}
	t.Logf("%d accepted, %d refused, %d not known; Dispatch failed until the promotion", len(accepted), len(refused), event-len(accepted)-len(refused))
}
