package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/postrider/postrider/examples/internal/hostproc"
	"github.com/postrider/postrider/examples/internal/ledger"
	"github.com/postrider/postrider/webhook"
)

// report prints how everything ended, and returns an error unless every accepted event
// reached every webhook. leased is what was pending when the host was killed.
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
	orphans, resumed := c.resumed(killed, leased, ds, b)

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
	fmt.Printf("\ntime to resume: %d requests of the killed host were sent again, the last %.1f s after the kill (lease %v)\n", orphans, resumed.Seconds(), lease)
	fmt.Printf("deliveries, one for each event and webhook:\n")
	w = tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "accepted %d\tdelivered %d\trequests %d\tduplicates %d\tlost %d\n", b.Accepted, b.Delivered, b.Requests, b.Repeats, b.Lost)
	_ = w.Flush()
	switch {
	case b.Lost > 0 || b.Delivered != b.Accepted || len(b.Faults) > 0:
		return fmt.Errorf("%d of %d deliveries lost, %d things wrong", b.Lost, b.Accepted, len(b.Faults))
	case orphans > 0 && resumed > lease+time.Second:
		return fmt.Errorf("the work of the killed host was resumed after %v, want at most a lease and a second", resumed)
	}
	return nil
}

// resumed returns how many deliveries were interrupted by the kill and when the last of
// them was sent again.
func (c *cluster) resumed(killed time.Time, leased, ended []webhook.Delivery, b ledger.Balance) (n int, last time.Duration) {
	interrupted := make(map[string]bool)
	for _, d := range ended {
		interrupted[d.ID] = d.Interrupted > 0
	}
	for _, d := range leased {
		if !interrupted[d.ID] {
			continue
		}
		n++
		if took, ok := ledger.Since(killed, b.By[ledger.Of(d)]); ok {
			last = max(last, took)
		}
	}
	return n, last
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
