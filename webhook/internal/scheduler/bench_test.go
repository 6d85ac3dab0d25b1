package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// benched returns a running Scheduler of a usual size.
func benched() (*scheduler.Scheduler, time.Time) {
	s := scheduler.New(scheduler.Config{
		Capacity: 64, MaxInFlight: 1024, PerLane: 4, SlowAfter: 50 * time.Millisecond, Lease: time.Minute, Poll: 5 * time.Second,
		Breaker: scheduler.Breaker{Failures: 5, Open: time.Minute, MaxOpen: time.Hour}, MaxPause: time.Hour, Notifier: true,
	})
	s.Step(epoch, scheduler.Started{}, nil)
	s.Step(epoch, scheduler.Listed{}, nil)
	return s, epoch
}

// BenchmarkHandOff measures the events of one delivery: Offered, Enqueued, Attempted, and its
// part of a Settled for 64. The Job is made before the measurement.
func BenchmarkHandOff(b *testing.B) {
	for _, lanes := range []int{1, 100} {
		b.Run(fmt.Sprint(lanes, " lanes"), func(b *testing.B) { handOff(b, lanes, 0) })
	}
	b.Run("beside 10,000 blocked lanes", func(b *testing.B) { handOff(b, 100, 10_000) })
}

func handOff(b *testing.B, lanes, blocked int) {
	s, now := benched()
	todo := make([]scheduler.Command, 0, 64)
	if blocked > 0 {
		var found []scheduler.Lane
		var bad []scheduler.Health
		for i := range blocked {
			l := slot(i)
			found = append(found, l)
			bad = append(bad, scheduler.Health{Scope: l.Scope, WebhookID: l.WebhookID, Failures: 9, OpenUntil: now.Add(30 * time.Minute)})
		}
		s.Step(now, scheduler.HealthRead{All: bad}, nil)
		s.Step(now, scheduler.Found{Lanes: found}, nil)
	}
	ids := make([]scheduler.Lane, lanes)
	for i := range ids {
		ids[i] = lane(fmt.Sprint("t", i), fmt.Sprint("t", i))
	}
	jobs := make([]scheduler.Job, 1024)
	one, added := make([]*scheduler.Job, 1), []bool{true}
	var gathered []*scheduler.Job
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		j := &jobs[i%len(jobs)]
		*j = scheduler.Job{ID: "d", Lane: ids[i%lanes], Due: now, Until: now.Add(time.Minute), Size: 1024, Timeout: 10 * time.Second, Read: now}
		one[0] = j
		todo = s.Step(now, scheduler.Offered{Jobs: one}, todo[:0])
		todo = s.Step(now, scheduler.Enqueued{Jobs: one, Added: added}, todo[:0])
		if !j.InFlight() {
			b.Fatalf("delivery %d is not sent: %+v", i, s.Counts())
		}
		j.Result = scheduler.Result{Delivered: true, Counts: true, Start: now, End: now}
		todo = s.Step(now, scheduler.Attempted{Job: j}, todo[:0])
		for _, c := range todo {
			if w, ok := c.(scheduler.Settle); ok {
				gathered = w.Jobs
			}
		}
		if len(gathered) > 0 && i%64 == 63 {
			todo = s.Step(now, scheduler.Settled{Jobs: gathered}, todo[:0])
			gathered = nil
			for _, c := range todo {
				if w, ok := c.(scheduler.Settle); ok {
					gathered = w.Jobs
				}
			}
		}
		now = now.Add(100 * time.Microsecond)
	}
}

// BenchmarkClaimed measures the events of one delivery of a backlog that is claimed 64 at a time.
func BenchmarkClaimed(b *testing.B) {
	s, now := benched()
	todo := make([]scheduler.Command, 0, 256)
	var lanes []scheduler.Lane
	for i := range 200 {
		lanes = append(lanes, slot(i))
	}
	todo = s.Step(now, scheduler.Found{Lanes: lanes}, todo[:0])
	jobs := make([]scheduler.Job, 8192)
	n, sent := 0, 0
	queue := append([]scheduler.Command(nil), todo...)
	b.ReportAllocs()
	b.ResetTimer()
	for sent < b.N {
		if len(queue) == 0 {
			b.Fatalf("no progress: %+v", s.Counts())
		}
		c := queue[0]
		queue = queue[1:]
		switch c := c.(type) {
		case scheduler.Claim:
			var leased []*scheduler.Job
			for _, a := range c.Lanes {
				for range a.Most {
					j := &jobs[n%len(jobs)]
					n++
					*j = scheduler.Job{ID: "d", Lane: a.Lane, Due: now, Until: now.Add(time.Minute), Size: 1024, Timeout: 10 * time.Second, Read: now}
					leased = append(leased, j)
				}
			}
			todo = s.Step(now, scheduler.Leased{Jobs: leased}, todo[:0])
		case scheduler.Send:
			sent++
			c.Job.Result = scheduler.Result{Delivered: true, Counts: true, Start: now, End: now}
			todo = s.Step(now, scheduler.Attempted(c), todo[:0])
		case scheduler.Settle:
			todo = s.Step(now, scheduler.Settled{Jobs: c.Jobs}, todo[:0])
		case scheduler.Look:
			todo = s.Step(now, scheduler.Listed{Lanes: lanes}, todo[:0])
		default:
			continue
		}
		if queue = append(queue, todo...); len(queue) == 0 {
			todo = s.Step(now, scheduler.Ticked{}, todo[:0])
			queue = append(queue, todo...)
		}
		now = now.Add(20 * time.Microsecond)
	}
}
