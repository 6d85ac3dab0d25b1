package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/hibiken/asynq"
)

// asynqQueue is asynq with a handler that makes a request.
type asynqQueue struct {
	setup
	client    *asynq.Client
	server    *asynq.Server
	inspector *asynq.Inspector
}

func newAsynq(s setup) (*asynqQueue, error) {
	redis := asynq.RedisClientOpt{Addr: s.Redis, PoolSize: 2 * s.InFlight}
	return &asynqQueue{setup: s, client: asynq.NewClient(redis), inspector: asynq.NewInspector(redis),
		server: asynq.NewServer(redis, asynq.Config{Concurrency: s.InFlight, LogLevel: asynq.FatalLevel,
			TaskCheckInterval: 2 * time.Millisecond, // like River's fastest setting; the default is a second
			ShutdownTimeout:   time.Millisecond})}, nil
}

func (q *asynqQueue) dispatch(ctx context.Context, evs ...event) error {
	for _, e := range evs {
		b, err := json.Marshal(riverArgs{e.id, e.endpoint, body})
		if err != nil {
			return err
		}
		if _, err := q.client.EnqueueContext(ctx, asynq.NewTask("webhook", b), asynq.MaxRetry(0)); err != nil {
			return err
		}
	}
	return nil
}

func (q *asynqQueue) run(ctx context.Context) error {
	post := viaClient(q.job, &http.Client{Transport: tunedTransport(q.job, q.InFlight), Timeout: requestTimeout})
	err := q.server.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		var args riverArgs
		err := json.Unmarshal(t.Payload(), &args)
		if err == nil {
			err = post(ctx, event{args.ID, args.Endpoint})
		}
		q.done(err)
		return err
	}))
	if err != nil {
		return err
	}
	<-ctx.Done()
	q.server.Shutdown()
	return nil
}

// settled implements settler.
func (q *asynqQueue) settled(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		info, err := q.inspector.GetQueueInfo("default")
		return err == nil && info.Active+info.Pending == 0, err
	})
}

func (q *asynqQueue) close() {
	_ = q.client.Close()
	_ = q.inspector.Close()
}
