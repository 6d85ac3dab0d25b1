package hostproc

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/examples/pgnotify"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
	"github.com/postrider/postrider/webhook/sqlstore"
)

const argument = "run-host-process"

// Main runs the host. It returns at once in any other process.
func Main() {
	if len(os.Args) != 2 || os.Args[1] != argument {
		return
	}
	h := &host{out: json.NewEncoder(os.Stdout)}
	if err := h.main(); err != nil {
		h.report(Broken, err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// host is the application.
type host struct {
	cfg   Config
	db    *sql.DB
	store *store
	hooks *webhook.Dispatcher

	mu    sync.Mutex // guards out
	out   *json.Encoder
	stops atomic.Int64
}

// report sends a message to the parent, which reads it even if this process is killed next.
func (h *host) report(k Kind, text string, ids ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.out.Encode(Report{Kind: k, IDs: ids, Text: text})
}

// point stops for good at the point where the host is to be killed.
func (h *host) point(p Point, ids ...string) {
	if p != h.cfg.Point || len(ids) == 0 || h.stops.Add(1) != int64(max(1, h.cfg.After)) {
		return
	}
	h.report(At, string(p), ids...)
	select {}
}

func (h *host) main() error {
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&h.cfg); err != nil {
		return err
	}
	go func() { // a host ends with its parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	signal.Ignore(syscall.SIGXFSZ) // a file that may not grow is an error of the database
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := h.open(ctx); err != nil {
		return err
	}
	ran := make(chan error, 1)
	h.report(Ready, "")
	go func() { ran <- h.hooks.Run(ctx) }()
	h.readClock(ctx)
	h.load(ctx)
	h.report(Loaded, "")
	err := <-ran
	return errors.Join(err, h.db.Close())
}

// readClock waits until Run has read a clock that is far off. Deliveries that DispatchTx stores
// before, at this process's time, are found by the next full sweep, a lease later.
func (h *host) readClock(ctx context.Context) {
	for h.cfg.ClockOffset != 0 && h.hooks.Status().LastAnswer.IsZero() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

func (h *host) open(ctx context.Context) error {
	var err error
	if h.db, err = h.cfg.Database.Open(); err != nil {
		return err
	}
	o := &sqlstore.Options{}
	if h.cfg.Channel != "" {
		pool, err := pgxpool.New(ctx, h.cfg.Database.DSN)
		if err != nil {
			return err
		}
		o.Notifier = pgnotify.New(pool, h.cfg.Channel)
	}
	inner, err := sqlstore.New(h.db, h.cfg.Database.Dialect, o)
	if err != nil {
		return err
	}
	if err := inner.Migrate(ctx); err != nil {
		return err
	}
	h.store = &store{Store: inner, host: h}
	h.store.failures.Store(int64(h.cfg.FailSettle))
	certificate, err := x509.ParseCertificate(h.cfg.Certificate)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	profile := NewProfile(h.cfg.Profile, h.cfg.Slots)
	own := profile.Prepare.Header
	profile.Prepare.Header = func(w webhook.Webhook, d webhook.Delivery, header http.Header) {
		if own != nil {
			own(w, d, header)
		}
		header.Set(receiver.SenderHeader, h.cfg.Name)
	}
	h.hooks, err = webhook.New(h.store, profile, &webhook.Options{
		Timeout: h.cfg.Timeout, Lease: h.cfg.Lease, Drain: h.cfg.Drain, Poll: h.cfg.Poll,
		Capacity: h.cfg.Capacity, PerLane: h.cfg.PerLane,
		Breaker: webhook.Breaker{Failures: -1}, // a pause after failures would only take time here
		RootCAs: roots,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, h.cfg.Addr)
		},
		Logger: slog.New(slog.NewTextHandler(logged{h}, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Observer: &webhook.Observer{
			Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) {
				if a.Status != 0 {
					h.point(AfterAnswer, d.ID)
				}
			},
			Lost: func(_ context.Context, d webhook.Delivery) { h.report(Lost, "", d.ID) },
		},
	})
	return err
}

// logged reports lines of the log.
type logged struct{ h *host }

func (l logged) Write(line []byte) (int, error) {
	l.h.report(Logged, strings.TrimSpace(string(line)))
	return len(line), nil
}

// load is the host's work: tasks that end, in several goroutines.
func (h *host) load(ctx context.Context) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1))
				if n > h.cfg.Events {
					return
				}
				h.task(ctx, n)
				time.Sleep(h.cfg.Pause)
			}
		})
	}
	workers.Wait()
}

// task ends a task. Half of them are written into a table of the host, in one transaction with the
// deliveries.
func (h *host) task(ctx context.Context, n int) {
	id := fmt.Sprintf("%s-%d", h.cfg.Name, n)
	event, err := NewEvent(h.cfg.Profile, id, h.cfg.Pad)
	h.report(Trying, "", id)
	if err == nil && n%2 == 0 {
		err = h.inTransaction(ctx, id, event)
	} else if err == nil {
		_, err = h.hooks.Dispatch(ctx, event)
	}
	if err != nil {
		h.report(Refused, err.Error(), id)
		return
	}
	h.report(Accepted, "", id)
}

func (h *host) inTransaction(ctx context.Context, id string, event payload.Event) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // no effect after Commit
	if _, err := tx.ExecContext(ctx, `INSERT INTO tasks (id) VALUES ($1)`, id); err != nil {
		return err
	}
	if _, err := h.hooks.DispatchTx(ctx, h.store.Tx(tx), event); err != nil {
		return err
	}
	h.point(BeforeCommit, id)
	if err := tx.Commit(); err != nil {
		return err
	}
	h.point(AfterCommit, id)
	h.hooks.Wake()
	return nil
}

// store is the host's Store, with the points at which it can be stopped.
type store struct {
	*sqlstore.Store
	host     *host
	failures atomic.Int64
}

var errSettle = errors.New("the database refuses")

// Settle implements [webhook.Store].
func (s *store) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	var ended []string
	for _, one := range ss {
		if one.State == webhook.StateDelivered {
			ended = append(ended, one.ID)
		}
	}
	s.host.point(BeforeSettle, ended...)
	if s.failures.Add(-1) >= 0 {
		return nil, errSettle
	}
	lost, err := s.Store.Settle(ctx, ss)
	if err == nil && len(lost) == 0 {
		s.host.point(AfterSettle, ended...)
	}
	return lost, err
}

// Now implements [webhook.Clock].
func (s *store) Now(ctx context.Context) (webhook.Reading, error) {
	r, err := s.Store.Now(ctx)
	r.Store = r.Store.Add(s.host.cfg.ClockOffset)
	return r, err
}
