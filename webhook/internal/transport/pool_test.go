package transport

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Rule: a generation of connections lasts for its age, without an age for ever, and its last request
// releases it.
func TestPool(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		age  time.Duration
		want int
	}{"five minutes": {5 * time.Minute, 12}, "no limit": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				made := 0
				p := pool{age: tt.age, make: func() *http.Transport { made++; return &http.Transport{} }}
				held := p.acquire()
				for range 3600 {
					p.acquire().release()
					time.Sleep(time.Second)
				}
				if made != tt.want {
					t.Errorf("%d generations in an hour, want %d", made, tt.want)
				}
				if held.retired != (tt.age > 0) || held.inUse != 1 {
					t.Errorf("the first one: %+v", held)
				}
				held.release()
				p.retire(nil)
				p.retire(nil)
				if p.acquire().retired {
					t.Error("a generation that has ended was handed out")
				}
			})
		})
	}
}
