package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"
)

const loadBatch = 500

// tally counts the finished deliveries of a contender.
type tally struct {
	ended, failed atomic.Int64
	want          int64
	all           chan struct{} // closed when want have ended
}

func newTally(want int) *tally { return &tally{want: int64(want), all: make(chan struct{})} }

func (t *tally) done(err error) {
	if err != nil {
		t.failed.Add(1)
	}
	if t.ended.Add(1) == t.want {
		close(t.all)
	}
}

// drain measures the throughput and the cost of sending a backlog. The backlog is stored before the
// clock starts; the clock stops when the last outcome is stored, in the contender's own store.
func drain(ctx context.Context, j job) (figures, error) {
	t := newTally(j.Deliveries)
	s, err := newSender(ctx, setup{j, t.done})
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := load(ctx, s, j); err != nil {
		return nil, err
	}
	if j.DSN != "" {
		if err := analyze(ctx, j.DSN); err != nil {
			return nil, err
		}
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	runtime.GC()
	forgetPeak()
	ended := make(chan error, 1)
	profiled, err := profile(j)
	if err != nil {
		return nil, err
	}
	before := used(j.StorePID)
	go func() { ended <- s.run(running) }()
	select {
	case <-t.all:
	case err := <-ended:
		return nil, errors.Join(errors.New("stopped early"), err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if late, ok := s.(settler); ok {
		if err := late.settled(ctx); err != nil {
			return nil, err
		}
	}
	took := time.Since(before.at)
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	f := figures{perSecond: float64(j.Deliveries) / took.Seconds(), failures: float64(t.failed.Load())}
	used(j.StorePID).since(before, j.Deliveries, f)
	if p, ok := s.(*postrider); ok {
		p.calls.into(f)
	}
	return f, profiled()
}

// profile starts profiles of CPU time and allocations, and returns a function that writes them.
func profile(j job) (written func() error, err error) {
	if j.Profile == "" {
		return func() error { return nil }, nil
	}
	name := filepath.Join(j.Profile, strings.ReplaceAll(strings.ReplaceAll(j.Contender, ",", ""), " ", "-"))
	cpu, err := os.Create(name + ".cpu")
	if err != nil {
		return nil, err
	}
	mem, err := os.Create(name + ".allocs")
	if err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(cpu.Close(), pprof.Lookup("allocs").WriteTo(mem, 0), mem.Close())
	}, pprof.StartCPUProfile(cpu)
}

// load stores a job's deliveries.
func load(ctx context.Context, s sender, j job) error {
	batch := make([]event, 0, loadBatch)
	for i := range j.Deliveries {
		batch = append(batch, event{eventID(i), i % j.Endpoints})
		if len(batch) == loadBatch || i == j.Deliveries-1 {
			if err := s.dispatch(ctx, batch...); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}
