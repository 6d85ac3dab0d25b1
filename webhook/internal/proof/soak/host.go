package main

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/examples/pgnotify"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// hostConfig is the configuration of a host.
type hostConfig struct {
	Name, DSN   string
	Addrs       map[string]string // addresses of the receiver's names
	Certificate []byte
	Interval    time.Duration // between two events
	Scopes      int
}

// report is a host's message to its parent.
type report struct {
	Kind       kind
	ID, Scope  string       `json:",omitempty"` // of an event
	Sum        uint64       `json:",omitempty"` // of its body
	Hook       string       `json:",omitempty"`
	Code       webhook.Code `json:",omitempty"`
	Goroutines int          `json:",omitempty"`
	Text       string       `json:",omitempty"`
}

type kind string

const (
	trying    kind = "trying"    // about to dispatch
	accepted  kind = "accepted"  // Dispatch, or the commit behind DispatchTx, returned nil
	refused   kind = "refused"   // it returned an error
	loaded    kind = "loaded"    // no more events will come
	vitals    kind = "vitals"    // how many goroutines there are
	attempt   kind = "attempt"   // one ended
	logged    kind = "logged"    // a line of a careless application's log
	overtaken kind = "overtaken" // another host had taken a delivery over
)

// host is the application.
type host struct {
	cfg   hostConfig
	db    *sql.DB
	store *sqlstore.Store
	hooks *webhook.Dispatcher

	mu  sync.Mutex // guards out
	out *json.Encoder
}

// report sends a message to the parent, which reads it even if this process is killed next.
func (h *host) report(r report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.out.Encode(r)
}

// hostMain runs the host.
func hostMain(in *json.Decoder, out *json.Encoder) error {
	h := &host{out: out}
	if err := in.Decode(&h.cfg); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	load, quiet := context.WithCancel(ctx)
	defer quiet()
	go func() {
		var message struct{}
		if in.Decode(&message) == nil {
			quiet() // the parent has had enough events
		}
		_ = in.Decode(&message)
		if ctx.Err() == nil {
			os.Exit(2) // the parent is gone
		}
	}()
	pool, err := h.open(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	var work sync.WaitGroup
	var ran error
	work.Go(func() { ran = h.hooks.Run(ctx) })
	work.Go(func() { h.vitals(ctx) })
	work.Go(func() { h.load(load); h.report(report{Kind: loaded}) })
	work.Wait()
	return errors.Join(ran, h.db.Close())
}

func (h *host) open(ctx context.Context) (*pgxpool.Pool, error) {
	var err error
	if h.db, err = sql.Open("pgx", h.cfg.DSN); err != nil {
		return nil, err
	}
	h.db.SetMaxOpenConns(8)
	h.db.SetMaxIdleConns(8)
	pool, err := pgxpool.New(ctx, h.cfg.DSN)
	if err != nil {
		return nil, err
	}
	if h.store, err = sqlstore.New(h.db, sqlstore.PostgreSQL, &sqlstore.Options{Notifier: pgnotify.New(pool, "soak")}); err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(h.cfg.Certificate)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	p := profile()
	p.Prepare.Header = func(w webhook.Webhook, d webhook.Delivery, header http.Header) {
		header.Set(senderHeader, h.cfg.Name)
		if d.Tries > 0 {
			h.report(report{Kind: logged, Text: fmt.Sprintf("again: %+v", w)})
		}
	}
	h.hooks, err = webhook.New(h.store, p, &webhook.Options{
		Capacity: capacity, Timeout: timeout, Lease: lease, Drain: 2 * timeout,
		Breaker: webhook.Breaker{Open: 5 * time.Second, MaxOpen: 20 * time.Second},
		RootCAs: roots, DialContext: h.dial,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observer: &webhook.Observer{
			Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) {
				h.report(report{Kind: attempt, Hook: d.WebhookID, Code: a.Code, Text: fmt.Sprintf("%+v %+v", d.ID, a)})
			},
			Attention: func(_ context.Context, w webhook.Webhook, code webhook.Code, _ *webhook.Attempt) {
				h.report(report{Kind: logged, Text: fmt.Sprintf("%q %+v", code, w)})
			},
			Lost: func(_ context.Context, d webhook.Delivery) { h.report(report{Kind: overtaken, ID: d.EventID}) },
		},
	})
	return pool, err
}

// dial connects to the receiver, which listens on loopback addresses.
func (h *host) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, h.cfg.Addrs[strings.TrimSuffix(name, ".")])
}

// vitals reports the number of goroutines every second.
func (h *host) vitals(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.report(report{Kind: vitals, Goroutines: runtime.NumGoroutine()})
		case <-ctx.Done():
			return
		}
	}
}

// load is the host's work: tasks that end at a steady rate.
func (h *host) load(ctx context.Context) {
	tick := time.NewTicker(h.cfg.Interval)
	defer tick.Stop()
	room := make(chan struct{}, 8) // bounds the tasks while a database hangs
	var tasks sync.WaitGroup
	defer tasks.Wait()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		room <- struct{}{}
		tasks.Go(func() { h.task(context.WithoutCancel(ctx), n); <-room })
	}
}

// task ends a task. Half of them are written into a table of the host, in one transaction with the
// deliveries.
func (h *host) task(ctx context.Context, n int) {
	id := fmt.Sprintf("%s-%d", h.cfg.Name, n)
	event, err := payload.New(tenant(n*7%h.cfg.Scopes), payload.TaskSuccess{
		ProcessID: id, Name: "Nightly", ActionTypes: []string{"deactivate"}, DeepLink: "https://example.com/tasks/" + id,
	}, payload.WithID(id), payload.WithAnyProcessID())
	h.report(report{Kind: trying, ID: id, Scope: event.Scope, Sum: checksum(event.Body)})
	if err == nil && n%2 == 0 {
		err = h.inTransaction(ctx, id, event)
	} else if err == nil {
		_, err = h.hooks.Dispatch(ctx, event)
	}
	if err != nil {
		h.report(report{Kind: refused, ID: id, Text: err.Error()})
		return
	}
	h.report(report{Kind: accepted, ID: id})
}

func (h *host) inTransaction(ctx context.Context, id string, event payload.Event) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // no effect after Commit
	if _, err := tx.ExecContext(ctx, `INSERT INTO tasks (id) VALUES ($1)`, id); err != nil {
		return err
	}
	if _, err := h.hooks.DispatchTx(ctx, h.store.Tx(tx), event); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	h.hooks.Wake()
	return nil
}
