package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// hostsPart measures several hosts over one PostgreSQL.
func hostsPart(ctx context.Context, l *lab) error {
	var jobs []job
	for _, n := range []int{1, 2, 4} {
		jobs = append(jobs, job{Part: "hosts", Contender: onPostgres, Hosts: n, InFlight: inFlight, PerLane: inFlight / 5, Deliveries: 20_000}) // with fewer, their start is most of it
	}
	found, err := l.interleave(ctx, pick(l, 1, 3), jobs)
	if err != nil {
		return err
	}
	l.shared = map[int]rounds{}
	for i, j := range jobs {
		l.shared[j.Hosts] = found[i]
	}
	t := &table{title: "Several hosts on one PostgreSQL",
		note: fmt.Sprintf("%d deliveries, 64 in flight for each host. The hosts share a process, each with a pool and a Store of its own; hosts, database and receiver share the machine's CPUs. \"Stored\" is the log that Dispatch writes, \"sent\" that of claim and settlement.",
			jobs[0].Deliveries),
		head: []string{"hosts", perSecond, sentCPU, loadCPU, storeCPU, perClaim, walStored, walSent, resumeRepeats, failures}}
	for i, j := range jobs {
		row := []string{fmt.Sprint(j.Hosts)}
		for _, name := range t.head[1:] {
			row = append(row, spread(found[i].values(name)))
		}
		t.add(row...)
	}
	t.print(l.out)
	fmt.Fprint(l.out, ceilings(found))
	return nil
}

// ceilings estimates the limits of a dedicated PostgreSQL from the medians of the largest number of
// hosts.
func ceilings(found []rounds) string {
	most := found[len(found)-1]
	cpu := (median(most.values(loadCPU)) + median(most.values(storeCPU))) / 10_000 // seconds for a delivery
	log := (median(most.values(walStored)) + median(most.values(walSent))) / 1000  // MB
	if cpu == 0 || log == 0 {
		return ""
	}
	return fmt.Sprintf("\nBy arithmetic from the last row: a delivery, stored, claimed and settled, takes %s ms of PostgreSQL's CPU and %s KB of its log. "+
		"Eight cores that do nothing else are full at %s deliveries a second, and the log grows by %s MB/s then; a disk that takes 100 MB/s of log is full at %s a second.\n",
		number(cpu*1000), number(log*1000), thousands(8/cpu), number(8/cpu*log), thousands(100/log))
}

// thousands rounds an estimate.
func thousands(x float64) string { return fmt.Sprintf("%.0f,000", max(x/1000, 1)) }

// hosts is a drain by several independent Dispatchers.
func hosts(ctx context.Context, j job) (figures, error) {
	t := newTally(j.Deliveries)
	all := make([]*postrider, j.Hosts)
	for i := range all {
		p, err := newPostrider(ctx, setup{j, t.done})
		if err != nil {
			return nil, err
		}
		defer p.close()
		all[i] = p
	}
	wal, err := walMeter(ctx, j.DSN)
	if err != nil {
		return nil, err
	}
	before := used(j.StorePID)
	if err := load(ctx, all[0], j); err != nil {
		return nil, err
	}
	f := figures{}
	used(j.StorePID).since(before, j.Deliveries, f)
	f[loadCPU] = f[storeCPU]
	stored, err1 := wal()
	err2 := analyze(ctx, j.DSN)
	_, err3 := wal()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, j.Hosts)
	before = used(j.StorePID)
	for _, p := range all {
		go func() { ended <- p.run(running) }()
	}
	select {
	case <-t.all:
	case err := <-ended:
		return nil, errors.Join(errors.New("stopped early"), err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	took := time.Since(before.at)
	f[perSecond], f[failures] = float64(j.Deliveries)/took.Seconds(), float64(t.failed.Load())
	sent, err := wal()
	stop()
	claims := int64(0)
	for _, p := range all {
		err = errors.Join(err, <-ended)
		claims += p.calls.claims.Load()
	}
	used(j.StorePID).since(before, j.Deliveries, f)
	n := float64(j.Deliveries)
	f[walStored], f[walSent], f[walBoth], f[perClaim] = stored/1000/n, sent/1000/n, (stored+sent)/1000/n, n/float64(claims)
	return f, err
}

// walMeter returns a function that returns the bytes that PostgreSQL has logged since the last
// call.
func walMeter(ctx context.Context, dsn string) (func() (float64, error), error) {
	position := func() (n float64, err error) {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return 0, err
		}
		err = conn.QueryRow(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8").Scan(&n)
		return n, errors.Join(err, conn.Close(ctx))
	}
	last, err := position()
	return func() (float64, error) {
		now, err := position()
		n := now - last
		last = now
		return n, err
	}, err
}
