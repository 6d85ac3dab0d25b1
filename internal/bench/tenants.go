package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Crowds are the behaviour of other tenants during a measurement of healthy ones.
const (
	noCrowd     = ""
	oneCrowd    = "200 hanging webhooks of one tenant"
	manyCrowd   = "50 tenants with four hanging webhooks each"
	promptCrowd = "100 prompt tenants that begin to hang together"
)

// crowdEvery is the time between two events of a crowd's tenant.
const crowdEvery = 250 * time.Millisecond

// crowd returns the number of tenants of a crowd, and of webhooks of each.
func crowd(name string) (tenants, webhooks int) {
	switch name {
	case oneCrowd:
		return 1, 200
	case manyCrowd:
		return 50, 4
	case promptCrowd:
		return 100, 1
	}
	return 0, 0
}

// tenantsPart measures how tenants whose endpoints hang slow down the others.
func tenantsPart(ctx context.Context, l *lab) error {
	var jobs []job
	for _, c := range []string{onMemory, onPostgres} {
		for _, name := range []string{noCrowd, oneCrowd, manyCrowd, promptCrowd} {
			jobs = append(jobs, job{Part: "tenants", Contender: c, InFlight: inFlight, Endpoints: endpoints, Crowd: name, Rate: 200, Seconds: pick(l, 3.0, 4.0)})
		}
	}
	n := pick(l, 1, 3)
	found, err := l.interleave(ctx, n, jobs)
	if err != nil {
		return err
	}
	l.crowded = map[string]map[string]rounds{}
	t := &table{title: "Tenants", note: "200 events/s of ten healthy tenants, beside a crowd of others that get an event every 250 ms; the times are from Dispatch to receipt.",
		head: []string{"sender", "beside", promptShare, latency50, latency99}}
	for i, j := range jobs {
		if l.crowded[j.Contender] == nil {
			l.crowded[j.Contender] = map[string]rounds{}
		}
		l.crowded[j.Contender][j.Crowd] = found[i]
		beside := j.Crowd
		if beside == noCrowd {
			beside = "nobody"
		}
		t.add(j.Contender, beside, spread(found[i].values(promptShare)), spread(found[i].values(latency50)), spread(found[i].values(latency99)))
	}
	t.print(l.out)
	return nil
}

// tenants dispatches events of healthy tenants at a steady rate beside a crowd. The receiver
// measures how long they took.
func tenants(ctx context.Context, j job) (figures, error) {
	p, err := newPostrider(ctx, setup{j, func(error) {}})
	if err != nil {
		return nil, err
	}
	defer p.close()
	n, webhooks := crowd(j.Crowd)
	for i := range n * webhooks {
		if err := p.register(ctx, j, crowdScope(i/webhooks), j.Endpoints+i); err != nil {
			return nil, err
		}
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(running) }()
	time.Sleep(300 * time.Millisecond) // after the first look

	dispatching, enough := context.WithCancel(ctx)
	defer enough()
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() { p.crowdIn(dispatching, crowdScope(i), time.Duration(i)*crowdEvery/time.Duration(n)) })
	}
	warm, counted := j.events()
	f := figures{failures: 0}
	var mu sync.Mutex
	began := time.Now()
	for i := range warm + counted {
		if wait := time.Duration(i)*time.Second/time.Duration(j.Rate) - time.Since(began); wait > 0 {
			time.Sleep(wait)
		}
		name := eventID
		if i < warm {
			name = warmID
		} else if i == warm && j.Crowd == promptCrowd {
			if err := turn(j); err != nil {
				return nil, err
			}
		}
		calls.Go(func() {
			if p.dispatch(ctx, event{name(i), i % j.Endpoints}) != nil {
				mu.Lock()
				f[failures]++
				mu.Unlock()
			}
		})
	}
	enough()
	calls.Wait()
	select {
	case <-time.After(settleDown):
	case err := <-ended:
		return nil, errors.Join(errors.New("stopped early"), err)
	}
	stop()
	return f, <-ended
}

func crowdScope(i int) string { return fmt.Sprintf("crowd-%d", i) }

// crowdIn dispatches a tenant's events until ctx ends. An error after that is no failure.
func (p *postrider) crowdIn(ctx context.Context, scope string, after time.Duration) {
	wait := time.NewTimer(after)
	defer wait.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
			_ = p.dispatchTo(ctx, scope, fmt.Sprintf("crowd_%s_%d", scope, n))
			wait.Reset(crowdEvery)
		}
	}
}

// turn makes a prompt crowd's endpoints hang.
func turn(j job) error {
	resp, err := http.Get("http://" + j.Receiver + "/_turn")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
