package main

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// warmUp is the start of a host's life, which is not measured.
const warmUp = 5 * time.Second

// memory holds the samples of the hosts. It is safe for concurrent use.
type memory struct {
	mu      sync.Mutex
	began   time.Time
	end     time.Time // of the load
	samples [hosts][]sample
	failed  error
}

type sample struct {
	at              time.Time
	rss, goroutines float64 // in MiB; a number
}

func newMemory() *memory { return &memory{began: time.Now()} }

// sample reads the memory of a process, its resident set size, see proc(5).
func (m *memory) sample(place int, age time.Duration, pid, goroutines int) {
	var size, resident int64
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err == nil {
		_, err = fmt.Sscan(string(text), &size, &resident)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case os.IsNotExist(err) || resident == 0 && err == nil:
		// it has just been killed
	case err != nil:
		m.failed = err
	case age >= warmUp:
		m.samples[place] = append(m.samples[place], sample{time.Now(), float64(resident*int64(os.Getpagesize())) / (1 << 20), float64(goroutines)})
	}
}

// latest are the sums of the hosts' latest samples.
func (m *memory) latest() (rss, goroutines float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range m.samples {
		if len(list) > 0 {
			rss += list[len(list)-1].rss
			goroutines += list[len(list)-1].goroutines
		}
	}
	return rss, goroutines
}

// trend compares the second and the last quarter of the load; pools and caches fill in the first
// one.
type trend struct {
	rss, rssEnd        float64
	routines, routsEnd float64
}

func (m *memory) trend(place int) (trend, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return trend{}, m.failed
	}
	length := m.end.Sub(m.began)
	quarter := func(n time.Duration, of func(sample) float64) float64 {
		from, to := m.began.Add(n*length/4), m.began.Add((n+1)*length/4)
		var list []float64
		for _, one := range m.samples[place] {
			if !one.at.Before(from) && one.at.Before(to) {
				list = append(list, of(one))
			}
		}
		return median(list)
	}
	rss := func(s sample) float64 { return s.rss }
	goroutines := func(s sample) float64 { return s.goroutines }
	return trend{rss: quarter(1, rss), rssEnd: quarter(3, rss),
		routines: quarter(1, goroutines), routsEnd: quarter(3, goroutines)}, nil
}

// flat reports growth of more than a tenth and the noise of the garbage collector or of requests.
func (t trend) flat() (memory, goroutines bool) {
	return t.rssEnd <= 1.1*t.rss+8, t.routsEnd <= 1.1*t.routines+perBurst
}

// perBurst are the goroutines of a burst, as after a restart of the database: one for each of
// capacity requests and two for each connection, which is kept for a while.
const perBurst = 3 * capacity

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
