package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverQueue is River with a worker that makes a request, as a team with River would write it.
type riverQueue struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

// riverArgs is the job.
type riverArgs struct {
	ID       string `json:"id"`
	Endpoint int    `json:"endpoint"`
	Body     []byte `json:"body"`
}

// Kind implements river.JobArgs.
func (riverArgs) Kind() string { return "webhook" }

type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	post func(context.Context, event) error
	done func(error)
}

// Work implements river.Worker.
func (w *riverWorker) Work(ctx context.Context, j *river.Job[riverArgs]) error {
	err := w.post(ctx, event{j.Args.ID, j.Args.Endpoint})
	w.done(err)
	return err
}

func newRiver(ctx context.Context, s setup) (*riverQueue, error) {
	workers := river.NewWorkers()
	most := 100 // from River's own examples
	config := &river.Config{Workers: workers, MaxAttempts: 1,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	switch s.Contender {
	case riverSame:
		most = s.InFlight
		config.FetchCooldown, config.FetchPollInterval = 2*time.Millisecond, 2*time.Millisecond
	case riverBest:
		most = 2000
		config.FetchCooldown, config.FetchPollInterval = 2*time.Millisecond, 2*time.Millisecond
	}
	config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: most}}
	c := &http.Client{Transport: tunedTransport(s.job, most), Timeout: requestTimeout}
	river.AddWorker(workers, &riverWorker{post: viaClient(s.job, c), done: s.done})

	poolConfig, err := pgxpool.ParseConfig(s.DSN)
	if err != nil {
		return nil, err
	}
	poolConfig.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, err
	}
	driver := riverpgxv5.New(pool)
	q := &riverQueue{pool: pool}
	migrator, err := rivermigrate.New(driver, nil)
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err == nil {
		q.client, err = river.NewClient(driver, config)
	}
	if err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func (q *riverQueue) dispatch(ctx context.Context, evs ...event) error {
	if len(evs) == 1 {
		_, err := q.client.Insert(ctx, riverArgs{evs[0].id, evs[0].endpoint, body}, nil)
		return err
	}
	many := make([]river.InsertManyParams, len(evs))
	for i, e := range evs {
		many[i].Args = riverArgs{e.id, e.endpoint, body}
	}
	_, err := q.client.InsertManyFast(ctx, many)
	return err
}

func (q *riverQueue) run(ctx context.Context) error {
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if q.client.Stop(stopping) == nil { // stores the completed ones
		return nil
	}
	return q.client.StopAndCancel(context.WithoutCancel(ctx))
}

// settled implements settler: River stores completions some time after the worker has ended, many
// at once.
func (q *riverQueue) settled(ctx context.Context) error {
	return poll(ctx, func() (done bool, err error) {
		err = q.pool.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM river_job WHERE state IN ('available', 'running'))").Scan(&done)
		return done, err
	})
}

func (q *riverQueue) close() { q.pool.Close() }
