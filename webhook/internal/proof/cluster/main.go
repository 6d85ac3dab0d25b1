// Command cluster runs three copies of a host over one PostgreSQL and kills one of them during its
// work: the others finish it.
//
//	go run ./webhook/internal/proof/cluster
//
// It starts a PostgreSQL server from the programs on this machine, in a temporary folder, and
// removes it afterwards. The exit code is 0 when every accepted event was delivered, and the
// requests that the killed host had in flight were sent again as soon as their leases had ended and
// their turn had come.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

const (
	hosts    = 3
	webhooks = 12
	timeout  = 2 * time.Second
	lease    = 12500 * time.Millisecond // must exceed the timeout by more than ten seconds
	patience = 3 * time.Minute
	midway   = 8 // requests in flight when the host is killed
)

func main() {
	hostproc.Main()
	events := flag.Int("events", 200, "how many events each host dispatches")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *events); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// cluster is the state that the hosts share.
type cluster struct {
	field    *hostproc.Field
	receiver *receiver.Receiver
	ledger   *ledger.Ledger
	hosts    []*hostproc.Process
	dying    atomic.Bool
	hung     chan struct{} // a request of the host that will be killed
}

// answer is the receiver's answer.
func (c *cluster) answer(r receiver.Request, gone <-chan struct{}) int {
	if c.dying.Load() && r.Sender == name(0) {
		c.hung <- struct{}{}
		<-gone
	}
	time.Sleep(20 * time.Millisecond) // simulates work
	return 200
}

func run(ctx context.Context, events int) error {
	if events < 10 {
		return errors.New("-events must be at least 10")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	server, err := pgtest.Start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	c := &cluster{ledger: ledger.New(), hung: make(chan struct{}, 1000)}
	if c.field, err = hostproc.Prepare(ctx, hostproc.PostgreSQL(server.DSN("postgres")), webhooks); err != nil {
		return err
	}
	defer c.field.Close()
	c.receiver = receiver.Start(c.field.Keys, c.answer)
	defer c.receiver.Close()
	fmt.Printf("%8.3fs  PostgreSQL with %d webhooks is up, starting %d hosts\n", time.Since(began).Seconds(), webhooks, hosts)
	for i := range hosts {
		p, err := hostproc.Start(c.config(i, events), c.ledger.Note)
		if err != nil {
			return err
		}
		defer p.Kill()
		c.hosts = append(c.hosts, p)
	}
	victim := c.hosts[0]
	if err := victim.Wait(ctx, hostproc.Accepted, events/2); err != nil {
		return err
	}
	c.dying.Store(true) // from now on its requests hang, so that it is killed while it sends
	for range midway {
		select {
		case <-c.hung:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	killed := time.Now()
	victim.Kill()
	fmt.Printf("%8.3fs  host 1 was killed with SIGKILL after %d of its %d events, with %d requests on the wire\n", time.Since(began).Seconds(), victim.Count(hostproc.Accepted), events, midway)
	leased, err := c.field.All(ctx, webhook.Query{States: []webhook.State{webhook.StatePending}})
	if err != nil {
		return err
	}
	for _, p := range c.hosts[1:] {
		if err := p.Wait(ctx, hostproc.Loaded, 1); err != nil {
			return err
		}
	}
	drained := c.field.Drained(ctx)
	fmt.Printf("%8.3fs  nothing is pending any more\n", time.Since(began).Seconds())
	for _, p := range c.hosts[1:] {
		if err := p.Stop(); err != nil {
			return err
		}
	}
	return errors.Join(drained, c.report(ctx, killed, leased))
}

func name(i int) string { return fmt.Sprintf("host%d", i+1) }

func (c *cluster) config(i, events int) hostproc.Config {
	return hostproc.Config{
		Database: c.field.Database, Name: name(i), Addr: c.receiver.Addr(), Certificate: c.receiver.Certificate(),
		Timeout: timeout, Lease: lease, Drain: timeout, Capacity: 16, PerLane: 2, Channel: "postrider",
		Slots:  []retry.Slot{{Min: time.Second, Max: 2 * time.Second}, {Min: time.Second, Max: 2 * time.Second}},
		Events: events, Pause: 10 * time.Millisecond,
	}
}
