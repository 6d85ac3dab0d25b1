package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// event is one event for one endpoint.
type event struct {
	id       string
	endpoint int
}

// sender is a contender: events go in, requests go out.
type sender interface {
	// dispatch returns when the contender has accepted the events. Several may run at once.
	dispatch(ctx context.Context, evs ...event) error
	// run sends until ctx ends.
	run(ctx context.Context) error
	close()
}

// settler is a sender that reports a delivery's end before its store has it.
type settler interface {
	// settled returns when the store has every outcome.
	settled(ctx context.Context) error
}

// poll calls done every few milliseconds until it returns true.
func poll(ctx context.Context, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// setup holds the parameters of a contender.
type setup struct {
	job
	done func(err error) // called after every delivery, from any goroutine
}

// The contenders, in the order of the tables.
const (
	netHTTP     = "nethttp"
	rawBytes    = "raw bytes"
	fastHTTP    = "fasthttp"
	roundTrip   = "RoundTrip"
	retryable   = "go-retryablehttp"
	riverPlain  = "River, defaults"
	riverSame   = "River, as many workers"
	riverBest   = "River, 2,000 workers, 2 ms"
	asynqRedis  = "asynq on Redis"
	onMemory    = "Postrider, memory"
	onSQLite    = "Postrider, SQLite"
	onPostgres  = "Postrider, PostgreSQL"
	wide        = "Postrider, PostgreSQL, 512 slots"
	endpoints   = 10
	queueLength = 200_000
)

func newSender(ctx context.Context, s setup) (sender, error) {
	switch s.Contender {
	case netHTTP, roundTrip, retryable, fastHTTP, rawBytes:
		return newDirect(s)
	case riverPlain, riverSame, riverBest:
		return newRiver(ctx, s)
	case asynqRedis:
		return newAsynq(s)
	case onMemory, onSQLite, onPostgres, wide:
		return newPostrider(ctx, s)
	}
	return nil, fmt.Errorf("no contender %q", s.Contender)
}

func needsPostgres(contender string) bool {
	return strings.HasPrefix(contender, onPostgres) || strings.HasPrefix(contender, "River")
}

func (j job) host(endpoint int) string { return fmt.Sprintf("h%d.example.com", endpoint) }

// path is the path of an endpoint: the first Hanging ones never answer, nor do those of a crowd,
// some of them after "/_turn".
func (j job) path(endpoint int) string {
	switch {
	case j.Crowd == promptCrowd && endpoint >= j.Endpoints:
		return "/turn"
	case j.Crowd != noCrowd && endpoint >= j.Endpoints:
		return "/hang"
	}
	if endpoint < j.Hanging {
		return "/hang"
	}
	return "/hook"
}

// body is 430 bytes of JSON, like a task run's event.
var body = []byte(`{"trigger":"taskSuccess","processId":"0b9d4f0e-7c55-4cf0-9d7e-2f5f4f1f6c11","name":"Nightly cleanup",` +
	`"actionTypes":["archive","notify"],"deepLink":"https://app.example.com/runs/` + strings.Repeat("0123456789", 24) + `abcdefghijk"}`)

// headers are the five of every request, Content-Type and User-Agent among them.
var headers = [][2]string{
	{"Content-Type", "application/json"},
	{"User-Agent", "Postrider/1 (+https://github.com/postrider/postrider)"},
	{"X-Tenant", "acme"},
	{"X-Source", "scheduled-tasks"},
}

const idHeader = "Webhook-Id" // the fifth
