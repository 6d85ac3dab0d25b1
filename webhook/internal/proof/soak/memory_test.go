package main

import (
	"testing"
	"time"
)

func TestTrend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule                       string
		rss                        func(minute int) float64
		goroutines                 func(minute int) float64
		flatMemory, flatGoroutines bool
	}{
		{"constant", func(int) float64 { return 20 }, func(int) float64 { return 30 }, true, true},
		{"grows while it warms up", func(m int) float64 { return 20 + 30*float64(min(m, 10)) },
			func(m int) float64 { return 30 + 100*float64(min(m, 10)) }, true, true},
		{"a burst leaves its connections", func(int) float64 { return 20 }, func(m int) float64 { return 26 + 115*float64(m/30) }, true, true},
		{"a single peak", func(m int) float64 {
			if m == 35 {
				return 1000
			}
			return 20
		}, func(m int) float64 {
			if m == 35 {
				return 1000
			}
			return 30
		}, true, true},
		{"memory leaks", func(m int) float64 { return 20 + float64(m) }, func(int) float64 { return 30 }, false, true},
		{"goroutines leak", func(int) float64 { return 20 }, func(m int) float64 { return 30 + 12*float64(m) }, true, false},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.end = m.began.Add(40 * time.Minute)
			for minute := range 40 {
				m.samples[0] = append(m.samples[0], sample{m.began.Add(time.Duration(minute) * time.Minute), test.rss(minute), test.goroutines(minute)})
			}
			got, err := m.trend(0)
			if err != nil {
				t.Fatal(err)
			}
			if memory, goroutines := got.flat(); memory != test.flatMemory || goroutines != test.flatGoroutines {
				t.Errorf("memory flat: %t, goroutines flat: %t; want %t and %t: %+v", memory, goroutines, test.flatMemory, test.flatGoroutines, got)
			}
		})
	}
}
