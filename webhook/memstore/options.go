package memstore

import (
	"cmp"
	"fmt"
)

// Options sets the bounds of a [Store]. Nil, or a zero field, means the default.
//
// One scope may fill a quarter of each bound, or 1,000 (1 MiB of MaxBytes) where that is
// more, so that no tenant takes the space of all others. History beyond its scope's share
// is forgotten first.
type Options struct {
	// MaxDeliveries is how many deliveries may be pending; default 100,000, of which one
	// scope may have 25,000.
	MaxDeliveries int
	// KeepEnded is how many ended deliveries are kept beside the pending ones; default 10,000. Beyond it
	// the events that ended first are forgotten, each with all its deliveries. An event that still has a
	// pending delivery stays, so that it is not accepted a second time; its ended deliveries beyond
	// KeepEnded use space of MaxDeliveries.
	KeepEnded int
	// MaxBytes bounds the bodies, variables and snippets of all deliveries together;
	// default 512 MiB. Here too history is forgotten where new work needs space.
	MaxBytes int64
	// MaxMarks is how many marks are remembered that have not expired; default 100,000.
	MaxMarks int
}

// attemptsKept is how many of a delivery's attempts the history keeps, the latest. The
// longest retry schedule in use has ten; redelivering by hand adds to them.
const attemptsKept = 50

// share returns how much of a bound one scope may fill.
func share(of int) int { return min(of, max(of/4, 1000)) }

// byteShare returns how much of MaxBytes the pending deliveries of one scope may fill.
func byteShare(of int64) int64 { return min(of, max(of/4, 1<<20)) }

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	out.MaxDeliveries = cmp.Or(out.MaxDeliveries, 100_000)
	out.KeepEnded = cmp.Or(out.KeepEnded, 10_000)
	out.MaxBytes = cmp.Or(out.MaxBytes, 512<<20)
	out.MaxMarks = cmp.Or(out.MaxMarks, 100_000)
	return out
}

// check refuses impossible values. o has its defaults.
func (o Options) check() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxDeliveries", int64(o.MaxDeliveries)}, {"KeepEnded", int64(o.KeepEnded)},
		{"MaxBytes", o.MaxBytes}, {"MaxMarks", int64(o.MaxMarks)},
	} {
		if f.value < 1 {
			return fmt.Errorf("memstore: invalid Options: %s %d must be at least 1, or 0 for the default", f.name, f.value)
		}
	}
	return nil
}
