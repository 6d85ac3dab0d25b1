// Command soak runs three hosts on one PostgreSQL for a long time under bad conditions, and counts
// the results:
//
//	go run ./webhook/internal/proof/soak -for 30m
//
// 200 webhooks of 50 tenants receive events at a steady rate. Twenty of them hang, refuse, reset or
// answer without end. Two of the hosts are killed with SIGKILL again and again, and the database is
// restarted, every other time like a crash. The third host lives throughout, so that its memory
// shows leaks.
//
// The program starts PostgreSQL from the programs on this machine, in a temporary folder, and
// removes it afterwards. It runs on Linux. The exit code is 0 only if every check at the end holds:
// no accepted delivery of a healthy webhook is lost, nothing is sent twice but requests in flight
// at a kill, and memory and goroutines stay flat.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/postrider/postrider/examples/pgtest"
)

const (
	hosts     = 3
	survivor  = hosts - 1 // the host that is never killed
	shortest  = 30 * time.Second
	patience  = 2 * time.Minute // until everything accepted has arrived, at the end
	tellEvery = 10 * time.Second
)

func main() {
	child()
	last := flag.Duration("for", 30*time.Minute, "how long events are dispatched")
	rate := flag.Int("rate", 50, "events per second of all hosts together; each goes to four webhooks")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments of kills and restarts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *last, *rate, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak is one run.
type soak struct {
	began  time.Time
	server *pgtest.Server
	field  *field
	book   *book
	memory *memory
	config hostConfig // of every host, except for its name

	mu       sync.Mutex // guards the fields below
	lives    [hosts]*life
	births   int
	kills    int
	restarts int
}

func run(ctx context.Context, last time.Duration, rate int, seed uint64) error {
	if last < shortest || rate < hosts {
		return fmt.Errorf("-for must be at least %v and -rate at least %d", shortest, hosts)
	}
	server, err := pgtest.Start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	s := &soak{began: time.Now(), server: server, memory: newMemory()}
	if s.field, err = prepare(ctx, server.DSN("postgres")); err != nil {
		return err
	}
	defer s.field.db.Close()
	s.book = newBook(s.field)
	receiver, err := s.startReceiver(ctx)
	if err != nil {
		return err
	}
	defer receiver.kill()
	s.config.DSN, s.config.Scopes, s.config.Interval = server.DSN("postgres"), tenants, hosts*time.Second/time.Duration(rate)
	defer func() {
		for _, l := range s.lives {
			if l != nil {
				l.process.kill()
			}
		}
	}()
	for i := range hosts {
		if err := s.birth(i); err != nil {
			return err
		}
	}
	fmt.Printf("%d hosts, %d webhooks of which %d are hostile, %d events/s for %v, seed %d\n", hosts, len(s.field.hooks), hostile, rate, last, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	if err := s.trouble(ctx, last, random); err != nil {
		return err
	}
	loaded := time.Since(s.began)
	s.quiet()
	settled := s.arrived(ctx)
	s.memory.end = s.began.Add(last)
	if err := errors.Join(ctx.Err(), s.stop()); err != nil {
		return errors.Join(err, settled)
	}
	result, err := s.audit(ctx)
	if err != nil {
		return err
	}
	if settled != nil {
		result.faults = append(result.faults, settled.Error())
	}
	return s.report(os.Stdout, result, loaded)
}

// trouble kills and restarts until the time is over, and prints the progress.
func (s *soak) trouble(ctx context.Context, last time.Duration, random *rand.Rand) error {
	over, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	var work sync.WaitGroup
	var killing, restarting error
	kills, restarts := rand.New(rand.NewPCG(random.Uint64(), 1)), rand.New(rand.NewPCG(random.Uint64(), 2))
	work.Go(func() { killing = s.killing(over, min(12*time.Second, last/8), kills) })
	work.Go(func() { restarting = s.restarting(ctx, over, min(30*time.Second, last/6), restarts) })
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for over.Err() == nil {
		select {
		case <-tick.C:
			s.printProgress()
		case <-over.Done():
		}
	}
	work.Wait()
	return errors.Join(ctx.Err(), killing, restarting)
}

// printProgress prints a line with the state of the run.
func (s *soak) printProgress() {
	c := s.book.counts()
	s.mu.Lock()
	kills, restarts := s.kills, s.restarts
	s.mu.Unlock()
	rss, goroutines := s.memory.latest()
	fmt.Printf("%6.0fs  accepted %d  refused %d  requests %d  on the way %d  repeats %d  kills %d  database restarts %d  memory %.0f MiB  goroutines %.0f\n",
		time.Since(s.began).Seconds(), c.accepted, c.refused, c.requests, c.open, c.repeats, kills, restarts, rss, goroutines)
}
