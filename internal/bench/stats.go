package main

import (
	"fmt"
	"slices"
)

// The names of figures.
const (
	perSecond         = "deliveries/s"
	sentCPU           = "sender CPU s per 10,000"
	storeCPU          = "store CPU s per 10,000"
	allCPU            = "sender + store CPU s per 10,000"
	allocs            = "allocations per delivery"
	allocBytes        = "bytes per delivery"
	rss               = "RSS MiB"
	latency50         = "p50 ms"
	latency99         = "p99 ms"
	promptShare       = "healthy within 1 s, %"
	failures          = "errors"
	fanAccepted       = "Dispatch ms"
	fanTook           = "last outcome ms"
	pendingMB         = "MB per 10,000 pending"
	pendingGoroutines = "goroutines per pending"
	webhooksMB        = "MB per 10,000 webhooks"
	idleLooks         = "looks per minute"
	idleQueries       = "transactions per minute"
	idleCPU           = "CPU ms per minute"
	resumeAfter       = "s after the kill"
	resumeRepeats     = "requests repeated"
	perClaim          = "deliveries per claim"
	perWrite          = "outcomes per write"
	loadCPU           = "store CPU s per 10,000, storing"
	walStored         = "log stored, KB per delivery"
	walSent           = "log sent, KB per delivery"
	walBoth           = "log, KB per delivery"
)

// rounds are the figures of one contender in one situation, one entry for each round, nil for a
// round in which it failed.
type rounds []figures

// values returns a figure's values, where it was measured.
func (r rounds) values(name string) (out []float64) {
	for _, f := range r {
		if v, ok := f[name]; ok {
			out = append(out, v)
		}
	}
	return out
}

// beyond returns the differences to others in the same rounds.
func (r rounds) beyond(to rounds, name string) (out []float64) {
	for i, f := range r[:min(len(r), len(to))] {
		v, ok := f[name]
		if base, known := to[i][name]; ok && known {
			out = append(out, v-base)
		}
	}
	return out
}

// ratios returns the ratios to another contender in the same rounds.
func (r rounds) ratios(to rounds, name string) (out []float64) {
	for i, f := range r {
		if i >= len(to) {
			break
		}
		v, ok := f[name]
		base, known := to[i][name]
		if ok && known && base != 0 {
			out = append(out, v/base)
		}
	}
	return out
}

// median returns 0 for an empty slice. It does not change its argument.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Clone(xs)
	slices.Sort(xs)
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}

// spread is the median with the least and the greatest, in the format of tables: one number where
// they are equal.
func spread(xs []float64) string {
	if len(xs) == 0 {
		return "-"
	}
	if number(slices.Min(xs)) == number(slices.Max(xs)) {
		return number(median(xs))
	}
	return fmt.Sprintf("%s (%s-%s)", number(median(xs)), number(slices.Min(xs)), number(slices.Max(xs)))
}

// number formats x with three significant digits, or all before the point.
func number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x >= 100 || x <= -100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10 || x <= -10:
		return fmt.Sprintf("%.1f", x)
	case x >= 0.01 || x <= -0.01:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.2g", x)
}
