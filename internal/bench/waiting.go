package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const idleSeconds = 60

// resumeDeliveries fill every lane several times over.
const resumeDeliveries = 200

// resumePart starts the measurements that mostly wait. They run in the background of the following
// parts; l.finish waits for them.
func resumePart(ctx context.Context, l *lab) error {
	var waiting sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	found := map[string]rounds{}
	for _, c := range []string{onSQLite, onPostgres} {
		j := job{Contender: c, InFlight: inFlight, Endpoints: endpoints, Hanging: endpoints, Deliveries: resumeDeliveries}
		clean, err := l.prepare(ctx, &j)
		if err != nil {
			return err
		}
		waiting.Go(func() {
			defer clean()
			f, err := killed(ctx, j)
			mu.Lock()
			defer mu.Unlock()
			found[c] = rounds{f}
			errs = append(errs, err)
		})
	}
	j := job{Part: "idle", Contender: onPostgres, Receiver: l.receiver.addr, InFlight: inFlight, Endpoints: endpoints, Seconds: idleSeconds}
	clean, err := l.prepare(ctx, &j)
	if err != nil {
		return err
	}
	waiting.Go(func() {
		defer clean()
		f, err := l.idle(ctx, j)
		mu.Lock()
		defer mu.Unlock()
		l.idled = rounds{f}
		errs = append(errs, err)
	})
	l.finish = func() error {
		waiting.Wait()
		l.resumed = found
		l.printWaiting()
		return errors.Join(errs...)
	}
	return nil
}

func (l *lab) printWaiting() {
	t := &table{title: "Resume after kill -9", head: []string{"store", "lease s", resumeAfter, resumeRepeats, failures},
		note: fmt.Sprintf("%d deliveries, as many as the limits allow in flight to endpoints that hang; killed, started again at once; until the last is delivered.", resumeDeliveries)}
	for _, c := range []string{onSQLite, onPostgres} {
		r := l.resumed[c]
		t.add(c, number(resumeLease.Seconds()), spread(r.values(resumeAfter)), spread(r.values(resumeRepeats)), spread(r.values(failures)))
	}
	t.print(l.out)
	t = &table{title: "Idle", note: "PostgreSQL with a Notifier, nothing to do.", head: []string{"what", "measured"}}
	for _, name := range []string{idleLooks, idleQueries, idleCPU} {
		t.add(name, spread(l.idled.values(name)))
	}
	t.print(l.out)
}

// idle measures a minute without deliveries, and the work of the database.
func (l *lab) idle(ctx context.Context, j job) (figures, error) {
	p, err := j.start(ctx)
	if err != nil {
		return nil, err
	}
	time.Sleep(20 * time.Second) // the server publishes the work of the start after 10 s
	before, err1 := l.postgres.transactions(ctx, j.DSN)
	began := time.Now()
	f, err2 := p.wait()
	minutes := time.Since(began).Minutes()
	after, err3 := l.postgres.transactions(ctx, j.DSN)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	f[idleQueries] = (after - before) / minutes
	return f, nil
}

// killed starts deliveries that hang, kills the process, and starts another.
func killed(ctx context.Context, j job) (figures, error) {
	r, err := startReceiver(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.stop() }()
	j.Receiver = r.addr
	j.Part = "hold"
	first, err := j.start(ctx)
	if err != nil {
		return nil, err
	}
	held := endpoints * 4 // Postrider's default for one endpoint
	if !within(ctx, time.Minute, func() bool { s, err := r.stats(); return err == nil && s.Hung >= held }) {
		return nil, errors.Join(errors.New("bench: the process to be killed sent nothing"), first.kill())
	}
	if err := first.kill(); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := r.release(); err != nil {
		return nil, err
	}
	j.Part = "resume"
	second, err := j.start(ctx)
	if err != nil {
		return nil, err
	}
	f, err := second.wait()
	if err != nil {
		return nil, err
	}
	s, err := r.stats()
	f[resumeAfter] = time.Since(began).Seconds()
	f[resumeRepeats] = float64(s.Hung - j.Deliveries)
	return f, err
}
