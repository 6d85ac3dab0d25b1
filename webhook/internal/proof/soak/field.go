package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

const (
	tenants   = 50
	perTenant = 4
	hostile   = 20
	// Every tenth webhook is hostile, so no tenant has more than one of them.
	hostileStep = tenants * perTenant / hostile
)

// The hosts' settings. A lease must exceed the timeout by more than ten seconds.
const (
	capacity = 64
	// atRisk bounds the repeats of a kill: four times capacity of outcomes that are not stored yet,
	// and at most 16 times capacity of requests in flight.
	atRisk   = (4 + 16) * capacity
	timeout  = time.Second
	lease    = 12 * time.Second
	maxAfter = 20 * time.Second
	maxAge   = 2 * time.Minute
)

var slots = []retry.Slot{
	{Min: 500 * time.Millisecond, Max: time.Second},
	{Min: time.Second, Max: 2 * time.Second},
	{Min: 4 * time.Second, Max: 8 * time.Second},
}

// profile is the profile of the hosts: Standard Webhooks with short retries. Deliveries of an
// unreachable webhook end after maxAge.
func profile() webhook.Profile {
	p := webhook.Standard()
	p.Retry = retry.Policy{Slots: slots, MaxAfter: maxAfter}
	p.MaxAge = maxAge
	return p
}

// hook is a webhook. The behaviour of a healthy one is empty.
type hook struct {
	ID, Scope, Secret string
	Behaviour         behaviour
}

// field is the hosts' database with its webhooks.
type field struct {
	db     *sql.DB
	store  *sqlstore.Store
	hooks  []hook
	scopes map[string][]hook
	// The canaries are part of every secret and of every URL's path.
	secretCanary, pathCanary string
}

func tenant(i int) string { return fmt.Sprintf("tenant%d", i) }

// prepare makes the tables and the webhooks.
func prepare(ctx context.Context, dsn string) (*field, error) {
	f := &field{scopes: make(map[string][]hook), pathCanary: rand.Text()}
	start := make([]byte, 12) // 16 characters of base64 without a remainder
	_, _ = rand.Read(start)
	f.secretCanary = base64.StdEncoding.EncodeToString(start)
	var err error
	if f.db, err = sql.Open("pgx", dsn); err != nil {
		return nil, err
	}
	f.db.SetMaxOpenConns(4)
	f.db.SetMaxIdleConns(4)
	if f.store, err = sqlstore.New(f.db, sqlstore.PostgreSQL, nil); err != nil {
		return nil, err
	}
	if err := f.store.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := f.db.ExecContext(ctx, `CREATE TABLE tasks (id text PRIMARY KEY)`); err != nil {
		return nil, err
	}
	if _, err := webhook.New(f.store, profile(), nil); err != nil { // the Store keeps the profile's name
		return nil, err
	}
	for i := range tenants * perTenant {
		if err := f.add(ctx, i, start); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *field) add(ctx context.Context, i int, start []byte) error {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret[copy(secret, start):])
	h := hook{ID: fmt.Sprintf("hook%d", i), Scope: tenant(i / perTenant), Secret: "whsec_" + base64.StdEncoding.EncodeToString(secret)}
	host := healthyHost
	if i%hostileStep == 0 {
		h.Behaviour = behaviours[i/hostileStep%len(behaviours)]
		host = hostileHost
		if h.Behaviour == closed {
			host = closedHost
		}
	}
	w := webhook.Webhook{
		ID: h.ID, Scope: h.Scope, Name: "Ops", URL: "https://" + host + "/" + f.pathCanary + "/" + h.ID, Events: []string{"taskSuccess"},
		Active: true, Secrets: []webhook.Secret{webhook.NewSecret(h.Secret)}, CreatedAt: time.Now(),
	}
	f.hooks = append(f.hooks, h)
	f.scopes[h.Scope] = append(f.scopes[h.Scope], h)
	return f.store.Create(ctx, w, 0)
}

// each calls fn for every delivery that matches q.
func (f *field) each(ctx context.Context, q webhook.Query, fn func(webhook.Delivery) error) error {
	q.Limit = 500
	for scope := range f.scopes {
		q.Scope, q.Cursor = scope, ""
		for {
			page, next, err := f.store.Deliveries(ctx, q)
			if err != nil {
				return err
			}
			for _, d := range page {
				if err := fn(d); err != nil {
					return err
				}
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
	}
	return nil
}
