package webhook_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/postrider/postrider/webhook"
)

// goroutine returns the number of the calling goroutine, which the runtime never gives twice.
func goroutine() string {
	var buf [64]byte
	return strings.Fields(string(buf[:runtime.Stack(buf[:], false)]))[1]
}

// Rule: while Run is under way a goroutine whose work is done does the next work.
func TestWorkers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		most       int
		together   int // functions that run at the same time, before the last one
		wantReused bool
	}{
		{"outside of Run a goroutine ends with its work", 0, 1, false},
		{"in Run it waits for more", 1, 1, true},
		{"one of several does the next work", 2, 3, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var p webhook.Workers
				if tt.most > 0 {
					p.Keep(tt.most)
				}
				defer p.End()
				before := make(chan string, tt.together)
				end := make(chan struct{})
				for range tt.together {
					p.Run(func() { <-end; before <- goroutine() })
				}
				close(end)
				synctest.Wait()
				close(before)
				var last string
				p.Run(func() { last = goroutine() })
				synctest.Wait()
				reused := false
				for g := range before {
					reused = reused || g == last
				}
				if reused != tt.wantReused {
					t.Errorf("reused is %v, want %v", reused, tt.wantReused)
				}
			})
		})
	}
}

// Rule: no more goroutines wait than were permitted, and none after the end of Run. A bubble of
// synctest does not end while a goroutine waits.
func TestWorkersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p webhook.Workers
		p.Keep(2)
		begun, end := make(chan string, 5), make(chan struct{})
		for range 5 {
			p.Run(func() { begun <- goroutine(); <-end })
		}
		close(end)
		synctest.Wait()
		first := map[string]bool{}
		for range 5 {
			first[<-begun] = true
		}
		end = make(chan struct{})
		for range 5 {
			p.Run(func() { begun <- goroutine(); <-end })
		}
		synctest.Wait()
		reused := 0
		for range 5 {
			if first[<-begun] {
				reused++
			}
		}
		if reused != 2 {
			t.Errorf("%d goroutines did work again, want the 2 that may wait", reused)
		}
		p.End()
		close(end) // work that outlasts Run: its goroutines do not wait
	})
}
