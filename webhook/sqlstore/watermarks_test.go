package sqlstore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestWatermarks: a lane is read from its watermark only after several full claims in a row, for a
// while, and until a row becomes due below.
func TestWatermarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p sqlstore.Watermarks
		drain := func(claims int) {
			for i := range claims {
				p.Claimed("a", int64(100+i), true, time.Millisecond)
			}
		}
		drain(3)
		if due, ok := p.From("a"); ok {
			t.Errorf("after 3 full claims it is read from %d", due)
		}
		drain(4)
		if due, ok := p.From("a"); !ok || due != 103 {
			t.Errorf("after 7 full claims it is read from %d, %t; want 103", due, ok)
		}
		if _, ok := p.From("b"); ok {
			t.Error("another lane has a place")
		}
		p.Pending(500)
		if _, ok := p.From("a"); !ok {
			t.Error("something due later drops the place")
		}
		p.Pending(103)
		if _, ok := p.From("a"); ok {
			t.Error("the place holds although something is due below")
		}
		drain(10)
		p.Claimed("a", 200, false, time.Millisecond)
		if _, ok := p.From("a"); ok {
			t.Error("the place holds after a claim that was not full")
		}
	})
}

// TestWatermarkLife: a watermark lives the longer the more a claim from the head costs.
func TestWatermarkLife(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ took, life time.Duration }{
		{time.Millisecond, 250 * time.Millisecond},
		{100 * time.Millisecond, 2 * time.Second},
		{time.Second, 5 * time.Second},
	} {
		t.Run(test.took.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var p sqlstore.Watermarks
				for due := range int64(4) {
					p.Claimed("a", 100+due, true, test.took)
				}
				time.Sleep(test.life)
				p.Claimed("a", 140, true, time.Minute) // from the watermark, whose life does not change
				if due, ok := p.From("a"); !ok || due != 140 {
					t.Errorf("after %v it is read from %d, %t; want 140", test.life, due, ok)
				}
				time.Sleep(time.Nanosecond)
				if _, ok := p.From("a"); ok {
					t.Errorf("the place holds for more than %v", test.life)
				}
				p.Claimed("a", 150, true, test.took) // from the head
				if due, ok := p.From("a"); !ok || due != 150 {
					t.Errorf("after it was read from its head it is read from %d, %t; want 150", due, ok)
				}
			})
		})
	}
}
