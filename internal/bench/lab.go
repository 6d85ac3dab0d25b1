package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// allContenders in the order of the tables.
var allContenders = []string{netHTTP, rawBytes, fastHTTP, roundTrip, retryable, onMemory, onSQLite, onPostgres, wide,
	riverBest, riverSame, riverPlain, asynqRedis}

// inMemory are the contenders without a store.
var inMemory = []string{netHTTP, rawBytes, fastHTTP, roundTrip, retryable, onMemory}

// lab holds the programs, the options and the results of measurements.
type lab struct {
	quick    bool
	out      io.Writer // for tables
	profiles string    // folder for profiles of the drains; empty for none
	senders  []string  // prefixes of the contenders that take part; empty for all
	rounds   int       // in place of each part's own number; 0 for that
	root     string    // of the repository
	receiver *receiver
	postgres *postgres
	redis    *redisServer // nil where Redis is not installed

	drained   map[int]map[string]rounds // by requests in flight
	queued    map[string]rounds         // drain of a large backlog
	opened    map[string]rounds
	neighbour map[string]map[int]rounds    // by contender and how many hang
	crowded   map[string]map[string]rounds // by contender and crowd
	shared    map[int]rounds               // by hosts
	memory    rounds
	idled     rounds
	resumed   map[string]rounds
	finish    func() error // waits for a part's background work; may be nil
	micro     []result
	claims    []result
}

func newLab(ctx context.Context, quick bool) (_ *lab, err error) {
	l := &lab{quick: quick, out: os.Stdout, drained: map[int]map[string]rounds{}}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/postrider/postrider").Output()
	if err != nil {
		return nil, fmt.Errorf("bench: where the repository is: %w", err)
	}
	l.root = strings.TrimSpace(string(dir))
	if l.receiver, err = startReceiver(ctx); err != nil {
		return nil, err
	}
	if l.redis, err = startRedis(ctx); err != nil {
		return nil, err
	}
	l.postgres, err = startPostgres(ctx)
	return l, err
}

func (l *lab) close() {
	if l.postgres != nil {
		l.postgres.stop()
	}
	if l.redis != nil {
		l.redis.stop()
	}
	if l.receiver != nil {
		_ = l.receiver.stop()
	}
}

// wait waits for the background work of a part.
func (l *lab) wait() error {
	if l.finish == nil {
		return nil
	}
	finish := l.finish
	l.finish = nil
	return finish()
}

// machine describes the machine.
func (l *lab) machine(ctx context.Context) string {
	load, _ := os.ReadFile("/proc/loadavg")
	before, _, _ := strings.Cut(string(load), " ")
	redis := "asynq did not take part: there is no redis-server"
	if l.redis != nil {
		redis = l.redis.version()
	}
	return fmt.Sprintf("%d CPUs, load %s at the start, %s, PostgreSQL %s, %s, %s/%s. Receiver, sender and store share the machine.",
		runtime.NumCPU(), before, runtime.Version(), l.postgres.version(ctx), redis, runtime.GOOS, runtime.GOARCH)
}

// run makes one measurement: it prepares the job's resources, and adds the receiver's figures.
func (l *lab) run(ctx context.Context, j job) (figures, error) {
	j.Receiver = l.receiver.addr
	if j.Endpoints == 0 {
		j.Endpoints = endpoints
	}
	if err := l.receiver.reset(); err != nil {
		return nil, err
	}
	clean, err := l.prepare(ctx, &j)
	if err != nil {
		return nil, err
	}
	defer clean()
	p, err := j.start(ctx)
	if err != nil {
		return nil, err
	}
	f, err := p.wait()
	if err != nil {
		return nil, err
	}
	if j.Part != "openloop" && j.Part != "hosts" && j.Part != "tenants" {
		return f, nil
	}
	seen, err := l.receiver.stats()
	if err != nil {
		return nil, err
	}
	if j.Part == "hosts" {
		f[resumeRepeats] = float64(seen.Healthy - j.Deliveries)
		return f, nil
	}
	f[latency50], f[latency99] = ms(seen.P50), ms(seen.P99)
	warm, n := j.events()
	f[promptShare] = 100 * float64(seen.Prompt) / float64(j.healthy(warm, warm+n))
	return f, nil
}

// prepare makes the databases and folders of a job, and returns a function that removes them.
func (l *lab) prepare(ctx context.Context, j *job) (clean func(), err error) {
	if j.Dir, err = os.MkdirTemp("", "postrider-bench-"); err != nil {
		return nil, err
	}
	clean = func() { _ = os.RemoveAll(j.Dir) }
	if needsPostgres(j.Contender) {
		dsn, drop, err := l.postgres.fresh(ctx)
		if err != nil {
			clean()
			return nil, err
		}
		dir := j.Dir
		j.DSN, j.StorePID = dsn, l.postgres.pid()
		return func() { drop(); _ = os.RemoveAll(dir) }, nil
	}
	if j.Contender == asynqRedis {
		j.Redis, j.StorePID = l.redis.addr, l.redis.cmd.Process.Pid
		return clean, l.redis.empty()
	}
	return clean, nil
}

// interleave runs every job once in each round, in random order. A contender that fails in a round
// is reported on standard error and has no figures there.
func (l *lab) interleave(ctx context.Context, n int, jobs []job) ([]rounds, error) {
	if l.rounds > 0 {
		n = l.rounds
	}
	out := make([]rounds, len(jobs))
	for i := range out {
		out[i] = make(rounds, n)
	}
	for round := range n {
		for _, i := range rand.Perm(len(jobs)) {
			if !l.takesPart(jobs[i].Contender) {
				continue
			}
			began := time.Now()
			f, err := l.run(ctx, jobs[i])
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "%d/%d %s %s, %d in flight, %d hang: %.1f s\n", round+1, n, jobs[i].Part, jobs[i].Contender,
				jobs[i].InFlight, jobs[i].Hanging, time.Since(began).Seconds())
			out[i][round] = f
		}
	}
	return out, nil
}

func (l *lab) takesPart(contender string) bool {
	return len(l.senders) == 0 || slices.ContainsFunc(l.senders, func(s string) bool { return strings.HasPrefix(contender, s) })
}

// pick returns the smaller size for a quick run.
func pick[T any](l *lab, quick, full T) T {
	if l.quick {
		return quick
	}
	return full
}

// contenders returns those of some that can run here.
func (l *lab) contenders(some ...string) (out []string) {
	for _, c := range some {
		if c != asynqRedis || l.redis != nil {
			out = append(out, c)
		}
	}
	return out
}
