package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
)

// report prints the outcomes, and returns an error unless every accepted event reached every
// webhook. leased are the deliveries that were pending when the host was killed.
func (c *cluster) report(ctx context.Context, killed time.Time, leased []webhook.Delivery) error {
	ds, err := c.field.All(ctx, webhook.Query{})
	if err != nil {
		return err
	}
	requests, _ := c.receiver.Requests()
	b := c.ledger.Audit(c.field.Hooks, ds, requests, 3+1) // the budget, and one kill
	for _, fault := range b.Faults {
		fmt.Println("WRONG:", fault)
	}
	again := c.resumed(killed, leased, ds, b)

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "\nhost\tevents accepted\tattempts sent\tshare")
	sent, total := c.shares()
	for i, p := range c.hosts {
		state := ""
		if i == 0 {
			state = " (killed)"
		}
		fmt.Fprintf(w, "%d%s\t%d\t%d\t%.0f %%\n", i+1, state, p.Count(hostproc.Accepted), sent[i], 100*float64(sent[i])/float64(max(1, total)))
	}
	_ = w.Flush()
	fmt.Printf("\ntime to resume: %d requests of the killed host were sent again, the last %.1f s after the kill (lease %v),\n"+
		"at most %.1f s after the lease had ended and what was older had been sent; others waited for up to %.1f s for their turn\n",
		again.n, again.last.Seconds(), lease, again.late.Seconds(), again.pace.Seconds())
	fmt.Printf("deliveries, one for each event and webhook:\n")
	w = tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "accepted %d\tdelivered %d\trequests %d\tduplicates %d\tlost %d\n", b.Accepted, b.Delivered, b.Requests, b.Repeats, b.Lost)
	_ = w.Flush()
	switch {
	case b.Lost > 0 || b.Delivered != b.Accepted || len(b.Faults) > 0:
		return fmt.Errorf("%d of %d deliveries lost, %d things wrong", b.Lost, b.Accepted, len(b.Faults))
	case again.n == 0:
		return errors.New("nothing that the killed host had on the wire was sent again")
	case again.late > time.Second+min(again.pace, timeout):
		return fmt.Errorf("the work of the killed host was left for %v after its lease had ended, want at most a second more than others waited, %v", again.late, again.pace)
	}
	return nil
}

// resumption describes how interrupted requests were sent again.
type resumption struct {
	n    int
	last time.Duration // after the kill
	late time.Duration // greatest delay after the first possible time
	pace time.Duration // greatest delay of all other deliveries
}

// resumed examines the requests that the kill interrupted. Each was due again when its lease ended
// by the database's clock, which is this machine's, and had its turn after older deliveries of its
// lane. On a busy machine that takes a while, as it does for all others.
func (c *cluster) resumed(killed time.Time, leased, ended []webhook.Delivery, b ledger.Balance) (r resumption) {
	ends := make(map[ledger.Key]time.Time) // of leases
	for _, d := range leased {
		ends[ledger.Of(d)] = d.Due
	}
	lanes := make(map[string][]turn)
	for _, d := range ended {
		k := ledger.Of(d)
		interrupted := d.Interrupted > 0 && !ends[k].IsZero()
		for _, q := range b.By[k] {
			t := turn{due: d.QueuedAt, sent: q.At}
			if interrupted && q.Sender != name(0) {
				t.due, t.again = ends[k], true
				interrupted = false
				r.n++
				r.last = max(r.last, q.At.Sub(killed))
			}
			lanes[d.WebhookID] = append(lanes[d.WebhookID], t)
		}
	}
	for _, lane := range lanes {
		slices.SortFunc(lane, func(a, b turn) int { return a.sent.Compare(b.sent) })
		for i, t := range lane {
			switch late := t.late(lane[:i]); {
			case t.again:
				r.late = max(r.late, late)
			case t.due.After(killed):
				r.pace = max(r.pace, late)
			}
		}
	}
	return r
}

// turn is a request in its lane.
type turn struct {
	due, sent time.Time
	again     bool // sent again after the kill
}

// late is how long the request was due without an older one being sent.
func (t turn) late(before []turn) time.Duration {
	from := t.due
	for _, o := range slices.Backward(before) {
		if !o.due.After(t.due) {
			if o.sent.After(from) {
				from = o.sent
			}
			break
		}
	}
	return t.sent.Sub(from)
}

// shares counts the requests of each host.
func (c *cluster) shares() (sent []int, total int) {
	sent = make([]int, len(c.hosts))
	requests, _ := c.receiver.Requests()
	for _, r := range requests {
		for i := range c.hosts {
			if r.Sender == name(i) {
				sent[i]++
			}
		}
	}
	return sent, len(requests)
}
