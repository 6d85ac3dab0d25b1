package sqlstore

import (
	"sync"
	"time"
)

// outlook is what the latest look learned besides what is due. It is what upkeep needs to
// know, so that an idle Store asks the database once for each look and for nothing else.
type outlook struct {
	mu    sync.Mutex
	quiet bool  // the latest look found nothing due, waiting or leased
	empty int64 // the time of the latest look, if nothing at all was pending then; else 0
	owed  bool  // a sweep was left out since all lanes were gone through

	at   time.Time     // when that was last asked
	took time.Duration // and how long it took

	clock int64     // the database's time, 0 if not known
	read  time.Time // when it was read
}

const (
	// What a look tells is good until the next one, which an idle host makes after a
	// minute at the latest, unless it was told otherwise.
	outlookAge = 65 * time.Second
	// A look that took longer does not tell the time: nobody knows when in between it was
	// read.
	clockTook = 100 * time.Millisecond
)

// asks reports whether the next look is to find out whether anything is pending. It has
// to read what was due long ago too, so it is left to looks that will hardly find anything,
// and to a hundredth of the time.
func (o *outlook) asks() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.quiet && (o.took < cheap || time.Since(o.at) > 100*o.took)
}

// asked notes how long a look took that asked.
func (o *outlook) asked(took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at, o.took = time.Now(), took
}

// note takes down what a look at that time saw. It reports whether a sweep was left out that
// is needed now. Rows that were committed long after they became due are not found by
// time, and while nothing was pending no sweep looked for them.
func (o *outlook) note(now int64, v view) (sweep bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch quiet := v.quiet(); {
	case quiet && !v.leases: // as before, as far as it went
	case quiet && v.asked && !v.old:
		o.empty = now
	case quiet && !v.asked:
		o.quiet = true
	default:
		o.quiet, o.empty = quiet, 0
		sweep, o.owed = o.owed, false
	}
	return sweep
}

// rest reports whether a sweep at that time has nothing to do, because nothing is pending
// but what the next look finds.
func (o *outlook) rest(now int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	rest := o.empty != 0 && now >= o.empty && now-o.empty <= outlookAge.Microseconds()
	o.owed = rest
	return rest
}

// forget is for a look that failed.
func (o *outlook) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.quiet, o.empty = false, 0
}

// tell notes the database's time, which a statement that began then has just read.
func (o *outlook) tell(clock int64, began time.Time) {
	read := time.Now()
	if read.Sub(began) > clockTook {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clock, o.read = clock, read
}

// now is the database's time, where a look has told it not long ago.
func (o *outlook) now() (t time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	age := time.Since(o.read)
	if o.clock == 0 || age > outlookAge {
		return t, false
	}
	return fromMicros(o.clock).Add(age), true
}
