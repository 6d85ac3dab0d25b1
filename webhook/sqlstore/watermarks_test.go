package sqlstore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestWatermarks: a lane is read from its watermark only after many full claims in a row, for a
// while, and until a row becomes due below.
func TestWatermarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p sqlstore.Watermarks
		drain := func(claims int) {
			for i := range claims {
				p.Claimed("a", int64(100+i), true)
			}
		}
		drain(31)
		if due, ok := p.From("a"); ok {
			t.Errorf("after 31 full claims it is read from %d", due)
		}
		drain(32)
		if due, ok := p.From("a"); !ok || due != 131 {
			t.Errorf("after 63 full claims it is read from %d, %t; want 131", due, ok)
		}
		if _, ok := p.From("b"); ok {
			t.Error("another lane has a place")
		}
		p.Pending(500)
		if _, ok := p.From("a"); !ok {
			t.Error("something due later drops the place")
		}
		time.Sleep(5*time.Second + 1)
		if _, ok := p.From("a"); ok {
			t.Error("the place holds for more than 5 s")
		}
		p.Claimed("a", 140, true) // read from its head
		if due, ok := p.From("a"); !ok || due != 140 {
			t.Errorf("after it was read from its head it is read from %d, %t; want 140", due, ok)
		}
		p.Pending(140)
		if _, ok := p.From("a"); ok {
			t.Error("the place holds although something is due below")
		}
		drain(40)
		p.Claimed("a", 200, false)
		if _, ok := p.From("a"); ok {
			t.Error("the place holds after a claim that was not full")
		}
	})
}
