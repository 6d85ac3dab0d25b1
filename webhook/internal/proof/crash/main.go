// Command crash proves that no accepted event is lost: it starts real host processes over SQLite
// and PostgreSQL, kills them at random times and at chosen points, takes their database away, fills
// their disk and turns their clock, and compares the accepted events with the requests.
//
//	go run ./webhook/internal/proof/crash                    # 5 runs on both databases, under a minute
//	go run ./webhook/internal/proof/crash -runs 50           # a few minutes
//	go run ./webhook/internal/proof/crash -db sqlite -seed 7 # repeat the choices of a run
//	go run ./webhook/internal/proof/crash -profile jira      # another profile than Standard
//
// TestProcessMatrix makes one run of it on SQLite for each profile.
//
// It ends with a table. The exit code is 0 when nothing was lost and nothing was wrong. PostgreSQL
// is started from the programs on this machine and removed afterwards.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
)

func main() {
	hostproc.Main()
	runs := flag.Int("runs", 5, "how many lives of a host are full of kills, on each database")
	seed := flag.Uint64("seed", 0, "decides what is killed when; 0 picks one and prints it")
	db := flag.String("db", "both", "sqlite, postgres or both")
	profile := flag.String("profile", hostproc.Standard, strings.Join(hostproc.Profiles(), ", "))
	parallel := flag.Int("parallel", 10, "how many lives go on at once")
	verbose := flag.Bool("v", false, "tell of each life")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *seed == 0 {
		*seed = rand.Uint64N(1e6) + 1
	}
	fmt.Printf("crash: -runs %d -seed %d -db %s -profile %s\n", *runs, *seed, *db, *profile)
	err := run(ctx, *profile, *runs, *seed, *db, *parallel, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// scenario is a life of a host, or of several.
type scenario struct {
	name string
	run  func(context.Context, *life)
	each bool   // once for each of -runs
	only string // the only database, empty for both
	own  bool   // needs a PostgreSQL server of its own
}

var scenarios = []scenario{
	{name: "clock", run: clock}, // takes the longest
	{name: "kill", run: kill, each: true},
	{name: "kill-loop", run: killLoop},
	{name: "stop", run: gracefulStop},
	{name: "freeze", run: freeze},
	{name: "outage", run: outage, only: postgres, own: true},
	{name: "lock", run: lock, only: sqlite},
	{name: "refuse", run: refuseSettle},
	{name: "disk", run: diskFull, only: sqlite},
	{name: "edit", run: edit},
	{name: "corrupt", run: corrupt},
	{name: "pile", run: pile},
}

const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

func run(ctx context.Context, profile string, runs int, seed uint64, db string, parallel int, verbose bool) error {
	var on []string
	switch db {
	case "both":
		on = []string{sqlite, postgres}
	case sqlite, postgres:
		on = []string{db}
	default:
		return fmt.Errorf("-db %q: use sqlite, postgres or both", db)
	}
	if !slices.Contains(hostproc.Profiles(), profile) {
		return fmt.Errorf("-profile %q: use %s", profile, strings.Join(hostproc.Profiles(), ", "))
	}
	if runs < 1 || parallel < 1 {
		return errors.New("-runs and -parallel must be at least 1")
	}
	dir, err := os.MkdirTemp("", "postrider-crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &world{dir: dir, profile: profile, books: newBooks(on), verbose: verbose, slots: make(chan struct{}, parallel)}
	if strings.Contains(strings.Join(on, " "), postgres) {
		w.server, err = pgtest.Start(ctx)
		switch {
		case errors.Is(err, pgtest.ErrMissing) && db == "both" && os.Getenv("CI") == "":
			fmt.Fprintf(os.Stderr, "\n*** NOT TESTED ON POSTGRESQL ***\n%v\n\n", err)
			on = []string{sqlite}
			w.books = newBooks(on)
		case err != nil:
			return err
		default:
			defer w.server.Stop()
		}
	}
	began := time.Now()
	w.play(ctx, on, runs, seed)
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.books.print(os.Stdout, time.Since(began))
}

// play runs all lives.
func (w *world) play(ctx context.Context, databases []string, runs int, seed uint64) {
	var lives sync.WaitGroup
	for n := range runs {
		for i, s := range scenarios {
			for _, database := range databases {
				if n > 0 && !s.each || s.only != "" && s.only != database || s.name == "disk" && !canFill {
					continue
				}
				choice := rand.New(rand.NewPCG(seed, uint64(n)<<16|uint64(i)<<8|uint64(len(database))))
				w.slots <- struct{}{}
				lives.Go(func() {
					defer func() { <-w.slots }()
					w.live(ctx, s, database, n+1, choice)
				})
			}
		}
	}
	lives.Wait()
}
