package main

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// The hosts' settings. A lease must exceed the timeout by more than ten seconds.
const (
	timeout = 5 * time.Second
	lease   = timeout + 10500*time.Millisecond
	drain   = 2 * time.Second
	// lockWait is how long a process waits for a locked SQLite database. It is long because the
	// lock is rarely free on a busy machine, and a refused event would move the points at which a
	// process is stopped.
	lockWait = time.Minute
	// patience bounds conditions that take seconds, even on a busy machine.
	patience = 3 * time.Minute
	// hold is a timeout that no attempt reaches on a busy machine: a life that takes longer than
	// patience has failed by then.
	hold = 2 * patience
)

var slots = []retry.Slot{
	{Min: 200 * time.Millisecond, Max: 400 * time.Millisecond}, {Min: 200 * time.Millisecond, Max: 400 * time.Millisecond},
	{Min: 200 * time.Millisecond, Max: 400 * time.Millisecond}, {Min: 200 * time.Millisecond, Max: 400 * time.Millisecond},
	{Min: 200 * time.Millisecond, Max: 400 * time.Millisecond}, {Min: 200 * time.Millisecond, Max: 400 * time.Millisecond},
}

// world is the state that lives share.
type world struct {
	dir     string
	profile string
	server  *pgtest.Server
	books   *books
	verbose bool
	hurry   bool // shorter: fewer deliveries, and a turned clock instead of waiting for leases
	slots   chan struct{}
	names   atomic.Int64
}

// life is the life of a host with its database and its receiver. The host may have several
// processes, one after the other or at once.
type life struct {
	world    *world
	label    string // scenario and run
	database string
	random   *rand.Rand
	server   *pgtest.Server // the server of its database
	field    *hostproc.Field
	receiver *receiver.Receiver
	ledger   *ledger.Ledger
	answer   atomic.Pointer[receiver.Answer]
	last     successor
	births   int
	kills    int
	cuts     int // requests that were interrupted without a kill
}

// successor is the last process of a life, which sends the deliveries that the others left.
type successor struct {
	ready time.Time // a time when it had looked at the Store
	hostproc.Config
}

// free is the time when the process could have a delivery: it was ready, and the lease had ended by
// its clock.
func (s *successor) free(leaseEnds time.Time) time.Time {
	if ends := leaseEnds.Add(-s.ClockOffset); ends.After(s.ready) {
		return ends
	}
	return s.ready
}

// live runs a life from an empty database to the audit.
func (w *world) live(ctx context.Context, s scenario, database string, n int, random *rand.Rand) {
	began := time.Now()
	l := &life{world: w, label: fmt.Sprintf("%s %d on %s", s.name, n, database), database: database, random: random, server: w.server, ledger: ledger.New()}
	if err := l.begin(ctx, s); err != nil {
		l.wrong("", "%v", err)
		return
	}
	defer l.field.Close()
	defer l.receiver.Close()
	if s.own {
		defer l.server.Stop()
	}
	s.run(ctx, l)
	if w.verbose {
		fmt.Printf("%-24s %5.1fs  %d kills\n", l.label, time.Since(began).Seconds(), l.kills)
	}
}

func (l *life) begin(ctx context.Context, s scenario) error {
	id := l.world.names.Add(1)
	db := hostproc.SQLite(filepath.Join(l.world.dir, fmt.Sprintf("%d.db", id)), lockWait)
	if l.database == postgres {
		if s.own {
			var err error
			if l.server, err = pgtest.Start(ctx); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("life%d", id)
		admin, err := sql.Open("pgx", l.server.DSN("postgres"))
		if err != nil {
			return err
		}
		defer admin.Close()
		if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
			return err
		}
		db = hostproc.PostgreSQL(l.server.DSN(name))
	}
	return l.prepare(ctx, db)
}

func (l *life) prepare(ctx context.Context, db hostproc.Database) error {
	var err error
	if l.field, err = hostproc.PrepareFor(ctx, l.world.profile, db, 2); err != nil {
		return err
	}
	l.receiver = receiver.StartReader(hostproc.NewReader(l.field.Profile, l.field.Keys), func(r receiver.Request, gone <-chan struct{}) int { return (*l.answer.Load())(r, gone) })
	l.answers(l.busy)
	return nil
}

// retries reports whether the profile has retries.
func (l *life) retries() bool { return l.world.profile != hostproc.Connect }

// most is the greatest number of requests of a delivery.
func (l *life) most() int {
	n := 1 + l.kills + l.cuts
	if l.retries() {
		n += len(slots)
	}
	return n
}

// answers sets the receiver's answer from now on.
func (l *life) answers(a receiver.Answer) { l.answer.Store(&a) }

// busy is a receiver that refuses the first one or two requests of some deliveries, where the
// profile has retries.
func (l *life) busy(r receiver.Request, _ <-chan struct{}) int {
	h := fnv.New32a()
	h.Write([]byte(r.Path + r.Event))
	if l.retries() && r.N <= max(0, int(h.Sum32()%8)-5) {
		return 503
	}
	return 200
}

// config is the configuration of the next process, which dispatches so many events.
func (l *life) config(events int) hostproc.Config {
	l.births++
	cfg := hostproc.Config{
		Profile: l.field.Profile, Database: l.field.Database, Name: fmt.Sprintf("p%d", l.births), Addr: l.receiver.Addr(), Certificate: l.receiver.Certificate(),
		Timeout: timeout, Lease: lease, Drain: drain, Poll: 500 * time.Millisecond, Capacity: 16, PerLane: 8, Slots: slots,
		Events: events, Pause: 5 * time.Millisecond,
	}
	if l.world.hurry {
		cfg.Timeout, cfg.Lease = hold, hold+lease
	}
	return cfg
}

// dispatch stores events, ID-1 and so on, for the next process.
func (l *life) dispatch(ctx context.Context, rule, id string, n int) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%d", id, i+1)
	}
	l.ledger.Note(hostproc.Report{Kind: hostproc.Trying, IDs: ids})
	if err := l.field.Dispatch(ctx, ids...); err != nil {
		l.wrong(rule, "%v", err)
		return
	}
	l.ledger.Note(hostproc.Report{Kind: hostproc.Accepted, IDs: ids})
}

// start starts a process. at receives the report when the process stops at its point.
func (l *life) start(cfg hostproc.Config) (p *hostproc.Process, at <-chan hostproc.Report, err error) {
	stopped := make(chan hostproc.Report, 1)
	p, err = hostproc.Start(cfg, func(r hostproc.Report) {
		l.ledger.Note(r)
		if r.Kind == hostproc.At {
			stopped <- r
		}
	})
	return p, stopped, err
}

func (l *life) kill(p *hostproc.Process) {
	l.kills++
	p.Kill()
}

// outwait starts a process after the leases of earlier ones have ended; in a hurry it turns the
// clock instead.
func (l *life) outwait(cfg *hostproc.Config) {
	if l.world.hurry {
		cfg.ClockOffset = cfg.Lease + time.Second
		l.receiver.SetClock(cfg.ClockOffset)
	}
}

// finish lets a last process dispatch some events and send everything that is pending, stops it,
// and audits.
func (l *life) finish(ctx context.Context, cfg hostproc.Config) (ledger.Balance, []webhook.Delivery) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l.outwait(&cfg)
	p, _, err := l.start(cfg)
	if err != nil {
		l.wrong("", "%v", err)
		return ledger.Balance{}, nil
	}
	err = p.Wait(ctx, hostproc.Ready, 1)
	l.last = successor{time.Now(), cfg}
	if err == nil {
		err = p.Wait(ctx, hostproc.Loaded, 1)
	}
	if err == nil {
		err = l.field.Drained(ctx)
	}
	if err != nil {
		l.wrong("", "%v", err)
	}
	if err := p.Stop(); err != nil {
		l.wrong("", "a graceful stop ended with %v", err)
	}
	return l.audit(ctx)
}

// audit compares the accepted events, the stored deliveries and the requests.
func (l *life) audit(ctx context.Context) (ledger.Balance, []webhook.Delivery) {
	ds, err := l.field.All(ctx, webhook.Query{})
	if err != nil {
		l.wrong("", "%v", err)
	}
	requests, _ := l.receiver.Requests()
	b := l.ledger.Audit(l.field.Hooks, ds, requests, l.most())
	for _, fault := range b.Faults {
		l.wrong("", "%s", fault)
	}
	l.world.books.add(l.database, b, l.kills)
	return b, ds
}

// did counts a test of a row of the fault matrix.
func (l *life) did(rule string) { l.world.books.did(rule, l.database) }

// late reports an event that came later than it should on an idle machine.
func (l *life) late(rule, format string, args ...any) {
	l.world.books.late(rule, l.database, l.label+": "+fmt.Sprintf(format, args...))
}

// wrong reports a fault.
func (l *life) wrong(rule, format string, args ...any) {
	l.world.books.wrong(rule, l.database, l.label+": "+fmt.Sprintf(format, args...))
}
