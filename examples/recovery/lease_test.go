package recovery_test

import (
	"testing"
	"time"
)

// TestLeasesOfOthers: a host that goes to sleep knows when the leases of others end, so that it
// takes over what they leave behind, also where the database takes long to tell.
func TestLeasesOfOthers(t *testing.T) {
	onPairs(t, func(t *testing.T, p *pair) {
		began := time.Now()
		p.base = began
		p.count.slow = func() { time.Sleep(400 * time.Millisecond) }
		p.claimNow() // goes through all lanes
		p.claimNow() // no lease is alive
		id := p.late(0)
		time.Sleep(1100 * time.Millisecond)
		c := p.claimBy(p.other)
		if len(c.Deliveries) != 1 || c.Deliveries[0].ID != id {
			t.Fatalf("the other host claimed %d deliveries, want 1", len(c.Deliveries))
		}
		ends := c.Deliveries[0].Due
		time.Sleep(100 * time.Millisecond)
		if b := p.claimNow(); len(b.Deliveries) != 0 || !b.Next.Equal(ends) {
			t.Errorf("with %d claimed, Next is %v after the beginning, want the end of the other host's lease, %v", len(b.Deliveries), b.Next.Sub(began), ends.Sub(began))
		}
	})
}
