package main

import (
	"context"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// The moments at which a process is killed, beside the points of package hostproc.
const (
	onWire       hostproc.Point = "on the wire"
	randomMoment hostproc.Point = "random"
)

// death describes a kill.
type death struct {
	point hostproc.Point
	ids   []string // events of the first two points, deliveries otherwise
	wire  ledger.Key
	ends  time.Time // end of the lease of the delivery in flight
	made  int       // requests that had arrived
}

// kill is rows P1 to P5: a host that is killed again and again under load, at each point and at
// random times, and that finishes at last.
func kill(ctx context.Context, l *life) {
	points := []hostproc.Point{hostproc.BeforeCommit, hostproc.AfterCommit, onWire, hostproc.AfterAnswer,
		hostproc.BeforeSettle, hostproc.AfterSettle, randomMoment}
	if !l.world.hurry {
		points = append(points, randomMoment, randomMoment)
	}
	l.random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	var deaths []death
	for _, point := range points {
		d, err := l.dieAt(ctx, point)
		if err != nil {
			l.wrong("", "killing %s: %v", point, err)
			return
		}
		deaths = append(deaths, d)
	}
	b, ds := l.finish(ctx, l.config(8))
	byID := make(map[string]webhook.Delivery)
	events := make(map[string]bool)
	for _, d := range ds {
		byID[d.ID], events[d.EventID] = d, true
	}
	requests, _ := l.receiver.Requests()
	for _, d := range deaths {
		l.judge(d, byID, events, requests, b)
	}
}

// dieAt runs a process until the point, and kills it there.
func (l *life) dieAt(ctx context.Context, point hostproc.Point) (death, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cfg := l.config(16)
	wire := make(chan receiver.Request, 1)
	switch point {
	case hostproc.BeforeCommit, hostproc.AfterCommit:
		cfg.Point, cfg.After = point, 1+l.random.IntN(8)
	case hostproc.AfterAnswer:
		cfg.Point, cfg.After = point, 1+l.random.IntN(20)
	case hostproc.BeforeSettle, hostproc.AfterSettle:
		cfg.Point, cfg.After = point, 1+l.random.IntN(2)
	case onWire:
		l.answers(l.holding(1+l.random.IntN(20), wire))
		defer l.answers(l.busy)
	}
	wait := time.Duration(l.random.Int64N(int64(800 * time.Millisecond)))
	p, at, err := l.start(cfg)
	if err != nil {
		return death{}, err
	}
	d := death{point: point}
	switch point {
	case randomMoment:
		if err = p.Wait(ctx, hostproc.Ready, 1); err == nil {
			time.Sleep(wait)
		}
	default:
		select {
		case r := <-at:
			d.ids = r.IDs
		case r := <-wire:
			d.wire = ledger.Key{Webhook: r.Webhook(), Event: r.Event}
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	l.kill(p)
	all, _ := l.receiver.Requests()
	d.made = len(all)
	if err == nil && point == onWire {
		var left webhook.Delivery
		left, _, err = l.field.Store.Delivery(ctx, hostproc.Scope, webhook.DeliveryID(hostproc.Scope, d.wire.Event, d.wire.Webhook))
		d.ends = left.Due
	}
	return d, err
}

// holding never answers the n-th request from now.
func (l *life) holding(n int, held chan<- receiver.Request) receiver.Answer {
	turn := make(chan int, 1)
	turn <- n
	return func(r receiver.Request, gone <-chan struct{}) int {
		left := <-turn
		turn <- left - 1
		if left == 1 {
			held <- r
			<-gone
		}
		return l.busy(r, gone)
	}
}

// judgeLease checks whether and when the interrupted request was sent again. The time is that of
// the process which sends it, so that a busy machine counts as late and not as wrong.
func (l *life) judgeLease(d death, requests []receiver.Request) {
	for _, r := range requests {
		if (ledger.Key{Webhook: r.Webhook(), Event: r.Event}) != d.wire {
			continue
		}
		if early := d.ends.Add(-l.last.ClockOffset).Sub(r.At); early > 0 {
			l.wrong("P3", "event %s was sent again %v before its lease had ended", d.wire.Event, early)
		}
		if after := r.At.Sub(l.last.free(d.ends)); after > l.last.Lease { // a process sweeps once a lease
			l.late("P3", "event %s was sent again %v after its lease had ended for a process that was ready", d.wire.Event, after)
		}
		return
	}
	l.wrong("P3", "event %s was not sent again", d.wire.Event)
}

// judge checks that the consequences of a kill are those of its row of the matrix.
func (l *life) judge(d death, byID map[string]webhook.Delivery, events map[string]bool, requests []receiver.Request, b ledger.Balance) {
	after := make(map[ledger.Key]int) // requests after the kill
	for _, r := range requests[d.made:] {
		after[ledger.Key{Webhook: r.Webhook(), Event: r.Event}]++
	}
	switch d.point {
	case randomMoment:
		l.did("P1-P5")
	case hostproc.BeforeCommit:
		l.did("P1")
		for _, id := range d.ids {
			if events[id] {
				l.wrong("P1", "event %s exists, although its transaction was not committed", id)
			}
		}
	case hostproc.AfterCommit:
		l.did("P2")
		for _, id := range d.ids {
			if !events[id] {
				l.wrong("P2", "event %s is gone, although its transaction was committed", id)
			}
		}
	case onWire:
		l.did("P3")
		l.judgeLease(d, requests[d.made:])
	case hostproc.AfterAnswer, hostproc.BeforeSettle:
		l.did("P4")
		for _, id := range d.ids {
			if after[ledger.Of(byID[id])] == 0 {
				l.wrong("P4", "delivery %s was not sent again", id)
			}
		}
	case hostproc.AfterSettle:
		l.did("P5")
		for _, id := range d.ids {
			if n := after[ledger.Of(byID[id])]; n > 0 {
				l.wrong("P5", "delivery %s was sent again %d times", id, n)
			}
		}
	}
}
