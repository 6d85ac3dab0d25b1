package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage holds the resources that this process and its store have used.
type usage struct {
	at         time.Time
	cpu, store time.Duration
	mem        runtime.MemStats
}

// used reads the counters. A storePID of 0 means that the store has no process.
func used(storePID int) usage {
	u := usage{at: time.Now(), cpu: ownCPU(), store: treeCPU(storePID)}
	runtime.ReadMemStats(&u.mem)
	return u
}

// since writes the cost of n deliveries from then to now into f.
func (now usage) since(then usage, n int, f figures) {
	per := 10_000 / float64(max(n, 1))
	f[sentCPU] = (now.cpu - then.cpu).Seconds() * per
	f[storeCPU] = (now.store - then.store).Seconds() * per
	f[allCPU] = f[sentCPU] + f[storeCPU]
	f[allocs] = float64(now.mem.Mallocs-then.mem.Mallocs) / float64(max(n, 1))
	f[allocBytes] = float64(now.mem.TotalAlloc-then.mem.TotalAlloc) / float64(max(n, 1))
	f[rss] = peakRSS()
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const clockTick = 10 * time.Millisecond // USER_HZ is 100 on every Linux

// treeCPU is the CPU time of a process, of its children, and of those that ended.
func treeCPU(pid int) (total time.Duration) {
	if pid == 0 {
		return 0
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended, and its parent counts it
		}
		line := string(b)
		fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:]) // from "state", the third of proc(5)
		if len(fields) < 15 {
			continue
		}
		number := func(i int) time.Duration {
			n, _ := strconv.Atoi(fields[i])
			return time.Duration(n) * clockTick
		}
		switch strconv.Itoa(pid) {
		case filepath.Base(filepath.Dir(name)):
			total += number(11) + number(12) + number(13) + number(14)
		case fields[1]:
			total += number(11) + number(12)
		}
	}
	return total
}

// forgetPeak makes peakRSS count from now.
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakRSS is the peak memory of this process, in MiB.
func peakRSS() float64 {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib / 1024
		}
	}
	return 0
}
