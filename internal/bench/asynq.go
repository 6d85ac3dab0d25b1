package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/hibiken/asynq"
)

// asynqQueue is asynq with a handler that makes a request.
type asynqQueue struct {
	setup
	client *asynq.Client
	server *asynq.Server
}

func newAsynq(s setup) (*asynqQueue, error) {
	redis := asynq.RedisClientOpt{Addr: s.Redis, PoolSize: 2 * s.InFlight}
	return &asynqQueue{setup: s, client: asynq.NewClient(redis),
		server: asynq.NewServer(redis, asynq.Config{Concurrency: s.InFlight, LogLevel: asynq.FatalLevel,
			TaskCheckInterval: 100 * time.Millisecond, ShutdownTimeout: time.Millisecond})}, nil
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

func (q *asynqQueue) close() { _ = q.client.Close() }

// redisServer is a throw-away Redis.
type redisServer struct {
	addr string
	dir  string
	cmd  *exec.Cmd
}

// startRedis returns nil where redis-server is not installed.
func startRedis(ctx context.Context) (*redisServer, error) {
	bin, err := exec.LookPath("redis-server")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &redisServer{addr: net.JoinHostPort("127.0.0.1", port)}
	if r.dir, err = os.MkdirTemp("", "postrider-redis-"); err != nil {
		return nil, err
	}
	r.cmd = exec.CommandContext(ctx, bin, "--bind", "127.0.0.1", "--port", port, "--appendonly", "yes", "--appendfsync", "everysec", "--dir", r.dir)
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			return r, c.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.stop()
	return nil, errors.New("redis-server did not start")
}

func (r *redisServer) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	_ = os.RemoveAll(r.dir)
}
