package recovery_test

import (
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// TestResume: after kill -9, every delivery that the dead process had leased is sent again within a
// lease and a second, with the same identifier and body.
func TestResume(t *testing.T) {
	onDatabases(t, func(t *testing.T, d hostproc.Database) {
		const hooks, inFlight = 4, 4 // one in flight for each: no window has grown
		const lease = 13 * time.Second
		f, err := hostproc.Prepare(t.Context(), d, hooks)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		held := make(chan ledger.Key, 4*inFlight)
		var mu sync.Mutex
		answered := make(map[string]int)
		r := receiver.Start(f.Keys, func(r receiver.Request, gone <-chan struct{}) int {
			mu.Lock()
			answered[r.Webhook()]++
			proved := answered[r.Webhook()] > 3 // until then a webhook has few requests in flight
			mu.Unlock()
			if r.Sender == "dead" && proved {
				held <- ledger.Key{Webhook: r.Webhook(), Event: r.Event}
				<-gone
			}
			return 200
		})
		defer r.Close()
		books := ledger.New()
		start := func(name string, events int) *hostproc.Process {
			t.Helper()
			p, err := hostproc.Start(hostproc.Config{Database: d, Name: name, Addr: r.Addr(), Certificate: r.Certificate(),
				Timeout: 2900 * time.Millisecond, Lease: lease, Drain: time.Second, Capacity: inFlight, Events: events}, books.Note)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Kill)
			return p
		}
		dead := start("dead", 8)
		leased := make(map[ledger.Key]bool)
		for len(leased) < inFlight {
			select {
			case k := <-held:
				leased[k] = true
			case <-t.Context().Done():
				t.Fatal("the first host did not send")
			}
		}
		killed := time.Now()
		dead.Kill()
		start("heir", 2)
		if err := f.Drained(t.Context()); err != nil {
			t.Fatal(err)
		}
		ds, err := f.All(t.Context(), webhook.Query{})
		if err != nil {
			t.Fatal(err)
		}
		requests, _ := r.Requests()
		b := books.Audit(f.Hooks, ds, requests, 2)
		for _, fault := range b.Faults {
			t.Error(fault)
		}
		var last time.Duration
		for k := range leased {
			took, again := ledger.Since(killed, b.By[k])
			if last = max(last, took); !again {
				t.Errorf("event %s to %s was not sent again", k.Event, k.Webhook)
			}
		}
		if last > lease+time.Second+grace {
			t.Errorf("the last leased delivery was sent again after %v, want at most %v", last, lease+time.Second)
		}
		t.Logf("%d leased deliveries, the last was sent again after %v; lost %d", len(leased), last, b.Lost)
	})
}
