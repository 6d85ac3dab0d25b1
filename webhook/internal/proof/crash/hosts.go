package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// gracefulStop is row P7: of two requests in flight, one is answered while the host drains, the
// other is interrupted.
func gracefulStop(ctx context.Context, l *life) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	held := make(chan receiver.Request, 2)
	release := make(chan struct{})
	l.answers(func(r receiver.Request, gone <-chan struct{}) int {
		held <- r
		if r.Webhook() == l.field.Hooks[0] {
			<-release
			return 200
		}
		<-gone
		return 200
	})
	cfg := l.config(1)
	cfg.Timeout, cfg.Lease, cfg.Drain = 20*timeout, 20*timeout+lease, drain
	p, _, err := l.start(cfg)
	if err != nil {
		l.wrong("P7", "%v", err)
		return
	}
	stopped := make(chan error, 1)
	for range 2 {
		select {
		case <-held:
		case <-ctx.Done():
			l.wrong("P7", "%v", ctx.Err())
			l.kill(p)
			return
		}
	}
	l.cuts++
	go func() { stopped <- p.Stop() }()
	close(release)
	if err := <-stopped; err != nil {
		l.wrong("P7", "a graceful stop ended with %v", err)
	}
	l.did("P7")
	ds, err := l.field.All(ctx, webhook.Query{})
	if err != nil || len(ds) != 2 {
		l.wrong("P7", "%d deliveries are stored, %v", len(ds), err)
	}
	for _, d := range ds {
		switch {
		case d.WebhookID == l.field.Hooks[0] && d.State != webhook.StateDelivered:
			l.wrong("P7", "the request that was answered in time is %v", d.State)
		case d.WebhookID == l.field.Hooks[1] && (d.State != webhook.StatePending || d.Held || d.Tries != 0 || d.Interrupted != 0):
			l.wrong("P7", "the request that was cut off is %v, held %t, %d tries, %d interruptions", d.State, d.Held, d.Tries, d.Interrupted)
		}
	}
	l.answers(l.busy)
	l.finish(ctx, l.config(2))
}

// freeze is row P8: a process is frozen while it sends, beyond the end of its lease. A second
// process takes over. The first one continues and must not overwrite the outcome.
func freeze(ctx context.Context, l *life) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	held := make(chan receiver.Request, 2)
	wake := make(chan struct{})
	l.answers(func(r receiver.Request, gone <-chan struct{}) int {
		if r.N == 1 && r.Event == "p1-1" {
			held <- r
			<-wake
			return 503
		}
		return l.busy(r, gone)
	})
	first, _, err := l.start(l.config(1))
	if err != nil {
		l.wrong("P8", "%v", err)
		return
	}
	defer first.Kill()
	for range l.field.Hooks {
		select {
		case <-held:
		case <-ctx.Done():
			l.wrong("P8", "%v", ctx.Err())
			return
		}
	}
	if err := l.freezeUnlocked(ctx, first); err != nil {
		l.wrong("P8", "%v", err)
		return
	}
	l.cuts++
	cfg := l.config(20)
	l.outwait(&cfg)
	second, _, err := l.start(cfg)
	if err != nil {
		l.wrong("P8", "%v", err)
		return
	}
	err = second.Wait(ctx, hostproc.Loaded, 1)
	if err == nil {
		err = l.field.Drained(ctx)
	}
	if err != nil {
		l.wrong("P8", "%v", err)
	}
	before, _ := l.field.All(ctx, webhook.Query{})
	close(wake)
	if err := first.Signal(syscall.SIGCONT); err != nil {
		l.wrong("P8", "%v", err)
	}
	if err := first.Wait(ctx, hostproc.Lost, len(l.field.Hooks)); err != nil {
		l.wrong("P8", "the old process was not told that its leases are lost: %v", err)
	}
	for _, p := range []*hostproc.Process{first, second} {
		if err := p.Stop(); err != nil {
			l.wrong("P8", "%v", err)
		}
	}
	l.did("P8")
	_, after := l.audit(ctx)
	state := make(map[string]webhook.Delivery)
	for _, d := range before {
		state[d.ID] = d
	}
	for _, d := range after {
		was := state[d.ID]
		if was.State != d.State || was.Lease != d.Lease || was.Tries != d.Tries {
			l.wrong("P8", "the old process changed event %s: lease %d, %d tries before, lease %d, %d tries after", d.EventID, was.Lease, was.Tries, d.Lease, d.Tries)
		}
		if n := len(l.receiver.Of(d.WebhookID, d.EventID)); d.EventID != "p1-1" && n > d.Tries+d.Interrupted {
			l.wrong("P8", "event %s was sent %d times, %d tries and %d interruptions: two processes sent one attempt", d.EventID, n, d.Tries, d.Interrupted)
		}
	}
}

// freezeUnlocked freezes a process while it holds no lock of the database, because a frozen lock
// would block every other process.
func (l *life) freezeUnlocked(ctx context.Context, p *hostproc.Process) error {
	for {
		if err := p.Freeze(); err != nil {
			return err
		}
		err := l.unlocked(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := p.Signal(syscall.SIGCONT); err != nil {
			return err
		}
		time.Sleep(time.Duration(l.random.Int64N(int64(50 * time.Millisecond))))
	}
}

func (l *life) unlocked(ctx context.Context) (err error) {
	c, err := l.field.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if l.database == sqlite { // SQLite does not wait for the lock of a frozen process
		if err := busyTimeout(ctx, c, time.Second); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, busyTimeout(context.WithoutCancel(ctx), c, lockWait)) }()
	}
	tx, err := c.BeginTx(ctx, nil) // on SQLite this takes the lock
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	if l.database == postgres {
		_, err = tx.ExecContext(ctx, "SELECT 1 FROM postrider_delivery FOR UPDATE NOWAIT")
	}
	return err
}

func busyTimeout(ctx context.Context, c *sql.Conn, wait time.Duration) error {
	_, err := c.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait.Milliseconds()))
	return err
}
