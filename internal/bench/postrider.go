package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// postrider is the library under test, used like by a host: profile Automation, every check and
// hook in place. Each endpoint has its own scope.
type postrider struct {
	hooks  *webhook.Dispatcher
	store  registry
	closed []func() error
	calls  *calls
	keys   int // number of keys of events
	sent   atomic.Int64
}

// calls counts the calls of a Store.
type calls struct {
	claims, claimed atomic.Int64 // claims, and their deliveries
	writes, written atomic.Int64 // settlements, and their outcomes
	looks           atomic.Int64
}

func (c *calls) claim(b webhook.Batch, err error) (webhook.Batch, error) {
	c.claims.Add(1)
	c.claimed.Add(int64(len(b.Deliveries)))
	return b, err
}

func (c *calls) write(ss []webhook.Settlement) {
	c.writes.Add(1)
	c.written.Add(int64(len(ss)))
}

// into adds the counts of a drain.
func (c *calls) into(f figures) {
	f[perClaim] = float64(c.claimed.Load()) / float64(max(1, c.claims.Load()))
	f[perWrite] = float64(c.written.Load()) / float64(max(1, c.writes.Load()))
}

type registry interface {
	webhook.Store
	webhook.Registry
}

func newPostrider(ctx context.Context, s setup) (*postrider, error) {
	p := &postrider{calls: new(calls), keys: s.Keys}
	if err := p.open(ctx, s.job); err != nil {
		p.close()
		return nil, err
	}
	profile := webhook.Automation()
	profile.Allow, profile.Form.MaxPerScope = allowlist.Public(), 0
	var err error
	p.hooks, err = webhook.New(p.store, profile, options(s))
	if err != nil {
		p.close()
		return nil, err
	}
	for i := range s.Endpoints {
		if err := p.register(ctx, s.job, scopeOf(i), i); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func options(s setup) *webhook.Options {
	o := &webhook.Options{Capacity: s.InFlight, PerLane: s.PerLane, Timeout: requestTimeout,
		Transport: plainTransport(s.job, s.InFlight), Drain: time.Millisecond,
		Observer: &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) {
			var err error
			if d.State != webhook.StateDelivered {
				err = fmt.Errorf("delivery ended as %s: %s", d.State, d.LastCode)
			}
			s.done(err)
		}}}
	if s.Part == "hold" || s.Part == "resume" {
		o.Timeout, o.Lease = resumeTimeout, resumeLease
	}
	return o
}

// plainTransport is Postrider's own transport without TLS and address guard: for https URLs
// net/http uses a connection of DialTLSContext as it is.
func plainTransport(j job, capacity int) *http.Transport {
	t := tunedTransport(j, capacity)
	t.DialTLSContext, t.DialContext = t.DialContext, func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("a request that is not https")
	}
	t.MaxIdleConns = 2 * capacity
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

func (p *postrider) open(ctx context.Context, j job) error {
	if j.Contender == onMemory {
		s, err := memstore.New(&memstore.Options{MaxDeliveries: 4 * queueLength}) // one scope may fill a quarter
		if err != nil {
			return err
		}
		p.store = countedMemory{s, p.calls}
		p.closed = append(p.closed, s.Close)
		return nil
	}
	dialect, driver, dsn := sqlstore.PostgreSQL, "pgx", j.DSN
	if j.Contender == onSQLite {
		dialect, driver = sqlstore.SQLite, "sqlite"
		dsn = "file:" + filepath.Join(j.Dir, "bench.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	p.closed = append(p.closed, db.Close)
	o := &sqlstore.Options{}
	if j.Part == "idle" {
		o.Notifier = silence{}
	}
	s, err := sqlstore.New(db, dialect, o)
	if err != nil {
		return err
	}
	p.store = countedSQL{s, p.calls}
	return s.Migrate(ctx)
}

// countedSQL and countedMemory count the calls of a Store and have all its capabilities.
type (
	countedSQL struct {
		*sqlstore.Store
		*calls
	}
	countedMemory struct {
		*memstore.Store
		*calls
	}
)

func (c countedSQL) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	c.looks.Add(1)
	return c.Store.Due(ctx, q)
}

func (c countedSQL) Claim(ctx context.Context, claim webhook.Claim) (webhook.Batch, error) {
	return c.claim(c.Store.Claim(ctx, claim))
}

func (c countedSQL) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	c.write(ss)
	return c.Store.Settle(ctx, ss)
}

func (c countedMemory) Claim(ctx context.Context, claim webhook.Claim) (webhook.Batch, error) {
	return c.claim(c.Store.Claim(ctx, claim))
}

func (c countedMemory) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	c.write(ss)
	return c.Store.Settle(ctx, ss)
}

// silence is a Notifier of a host without neighbours.
type silence struct{}

func (silence) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (silence) Notify(context.Context) error   { return nil }

func scopeOf(endpoint int) string { return fmt.Sprintf("tenant-%d", endpoint) }

// register adds a webhook to a scope.
func (p *postrider) register(ctx context.Context, j job, scope string, endpoint int) error {
	own := map[string]string{}
	for _, h := range headers[2:] {
		own[h[0]] = h[1]
	}
	w := webhook.Webhook{ID: fmt.Sprintf("wh_%026d", endpoint), Scope: scope, Name: "bench", Active: true, Headers: own,
		URL: "https://" + j.host(endpoint) + j.path(endpoint), Events: []string{"taskSuccess"}}
	if j.Keys > 0 {
		w.Order = webhook.OrderSkip
	}
	if j.Part == "resume" || j.Part == "hosts" {
		if _, err := p.store.Webhook(ctx, scope, w.ID); err == nil {
			return nil // another host has added it
		}
	}
	return p.store.Create(ctx, w, 0)
}

var taskSuccess = payload.TaskSuccess{ProcessID: "0b9d4f0e-7c55-4cf0-9d7e-2f5f4f1f6c11", Name: "Nightly cleanup",
	ActionTypes: []string{"archive", "notify"}, DeepLink: "https://app.example.com/runs/" + strings.Repeat("0123456789", 24) + "abcdefghijk"}

func (p *postrider) dispatch(ctx context.Context, evs ...event) error {
	list := make([]payload.Event, len(evs))
	for i, e := range evs {
		var err error
		opts := []payload.Option{payload.WithID(e.id)}
		if p.keys > 0 {
			opts = append(opts, payload.WithKey(fmt.Sprint(p.sent.Add(1)%int64(p.keys))))
		}
		if list[i], err = payload.New(scopeOf(e.endpoint), taskSuccess, opts...); err != nil {
			return err
		}
	}
	_, err := p.hooks.Dispatch(ctx, list...)
	return err
}

func (p *postrider) run(ctx context.Context) error { return p.hooks.Run(ctx) }

func (p *postrider) close() {
	for _, c := range p.closed {
		_ = c()
	}
}

// dispatchTo dispatches one event of a scope.
func (p *postrider) dispatchTo(ctx context.Context, scope, id string) error {
	e, err := payload.New(scope, taskSuccess, payload.WithID(id))
	if err != nil {
		return err
	}
	_, err = p.hooks.Dispatch(ctx, e)
	return err
}
