package main

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
)

// outage is row P9 on PostgreSQL: the server is stopped, and crashes, while a host works.
func outage(ctx context.Context, l *life) {
	l.underLoad(ctx, "P9", func(*hostproc.Process) { l.server.Down() }, func(*hostproc.Process) error { return l.server.Up(ctx) })
	l.underLoad(ctx, "P9", func(*hostproc.Process) { l.server.Kill() }, func(*hostproc.Process) error { return l.server.Up(ctx) })
	l.finish(ctx, l.config(4))
}

// lock is row P9 on SQLite: another process keeps the database locked for longer than any process
// waits.
func lock(ctx context.Context, l *life) {
	conn, err := l.field.DB.Conn(ctx)
	if err != nil {
		l.wrong("P9", "%v", err)
		return
	}
	defer conn.Close()
	l.field.Database = hostproc.SQLite(l.file(), 300*time.Millisecond)
	l.underLoad(ctx, "P9",
		func(*hostproc.Process) { _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE") },
		func(*hostproc.Process) error {
			_, rollback := conn.ExecContext(ctx, "ROLLBACK")
			return errors.Join(err, rollback)
		})
	l.finish(ctx, l.config(4))
}

// underLoad takes the database away from a working host until Dispatch has failed a few times, and
// gives it back. The host must go on without a restart.
func (l *life) underLoad(ctx context.Context, rule string, down func(*hostproc.Process), up func(*hostproc.Process) error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cfg := l.config(1 << 20)
	cfg.Pause = 20 * time.Millisecond
	p, _, err := l.start(cfg)
	if err == nil {
		err = p.Wait(ctx, hostproc.Accepted, 20)
	}
	if err != nil {
		l.wrong(rule, "%v", err)
		return
	}
	_, _, _, warnings := l.ledger.Counts()
	down(p)
	before, _ := l.receiver.Requests()
	refused := p.Wait(ctx, hostproc.Refused, 10)
	during, _ := l.receiver.Requests()
	_, _, _, after := l.ledger.Counts()
	if err := up(p); err != nil {
		l.wrong(rule, "%v", err)
	}
	if refused != nil {
		l.wrong(rule, "Dispatch did not say that the database is gone: %v", refused)
	}
	if n := len(during) - len(before); n > 2*cfg.Capacity {
		l.wrong(rule, "%d requests were made that could not be recorded beforehand", n)
	}
	if n := after - warnings; n > 50 {
		l.wrong(rule, "the log was flooded with %d lines", n)
	}
	if err := p.Wait(ctx, hostproc.Accepted, p.Count(hostproc.Accepted)+20); err != nil {
		l.wrong(rule, "Dispatch did not recover: %v", err)
	}
	now := time.Now()
	err = l.field.Until(ctx, webhook.Query{States: []webhook.State{webhook.StateDelivered}, Since: now}, "new events arrive",
		func(ds []webhook.Delivery) bool { return len(ds) > 0 })
	if err != nil {
		l.wrong(rule, "sending did not recover: %v", err)
	}
	l.did(rule)
	if err := p.Stop(); err != nil {
		l.wrong(rule, "a graceful stop ended with %v", err)
	}
}

// refuseSettle is row P10: the Store takes no outcomes for a while.
func refuseSettle(ctx context.Context, l *life) {
	cfg := l.config(10)
	cfg.FailSettle = 4
	b, _ := l.finish(ctx, cfg)
	l.did("P10")
	if b.Repeats > 0 {
		l.wrong("P10", "%d requests were repeated although the process lived", b.Repeats)
	}
}
