package limiter_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/limiter"
)

// BenchmarkEnter measures Enter and leave without Reserve and Close,
// because the dispatcher reserves in batches.
func BenchmarkEnter(b *testing.B) {
	for _, bc := range []struct {
		name string
		opts *limiter.Options
		keys []string
	}{
		{"no key", nil, nil},
		{"one key", nil, []string{"webhook-1"}},
		{"two keys", nil, []string{"webhook-1", "tenant-7"}},
		{"one key with a rate", &limiter.Options{Rate: 1e6, Burst: 1e6}, []string{"webhook-1"}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			l := newLimiter(b, bc.opts)
			g := reserve(b, l, limiter.DefaultTotal)
			used := 0
			for b.Loop() {
				if used == limiter.DefaultTotal {
					b.StopTimer()
					g, used = reserve(b, l, limiter.DefaultTotal), 0
					b.StartTimer()
				}
				leave, ok := g.Enter(bc.keys...)
				if !ok {
					b.Fatal("Enter was refused")
				}
				leave()
				used++
			}
		})
	}
}

// BenchmarkReserve measures a whole grant: reserved, used up and closed.
func BenchmarkReserve(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			l := newLimiter(b, nil)
			for b.Loop() {
				g, err := l.Reserve(context.Background(), n)
				if err != nil {
					b.Fatal(err)
				}
				for range g.N() {
					leave, _ := g.Enter("webhook-1")
					leave()
				}
				g.Close()
			}
		})
	}
}

func BenchmarkRoom(b *testing.B) {
	for _, paused := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprintf("%d paused", paused), func(b *testing.B) {
			b.ReportAllocs()
			l := newLimiter(b, nil)
			for i := range paused {
				l.Pause(fmt.Sprint("webhook-", i), time.Now().Add(time.Hour))
			}
			for b.Loop() {
				l.Room(time.Now())
			}
		})
	}
}
