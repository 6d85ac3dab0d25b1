package matrix

import "sync"

// gate orders the faults: first those whose memory is measured, which is that of the whole process,
// one at a time; then those that keep the processor busy, a few at a time; at last those that wait
// for a timeout, all at once. Parallel tests would be slower: as many run at once as there are
// processors, but waiting needs none.
type gate struct {
	left  [3]sync.WaitGroup // faults of a turn that have not ended
	slots [2]chan struct{}  // of the turns that are limited
}

// turn is the fault's place in that order.
func (f fault) turn() int {
	switch {
	case f.heavy:
		return 0
	case f.hangs:
		return 2
	}
	return 1
}

func (g *gate) expect(rows []row) {
	g.slots = [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 4)}
	for _, r := range rows {
		for _, f := range r.faults {
			g.left[f.turn()].Add(1)
		}
	}
}

// forget announces that a row will not be run.
func (g *gate) forget(r row) {
	for _, f := range r.faults {
		g.left[f.turn()].Done()
	}
}

// pass runs play when the fault's turn has come. A test that is given up ends play's goroutine too.
func (g *gate) pass(f fault, play func()) {
	turn := f.turn()
	defer g.left[turn].Done()
	for earlier := range turn {
		g.left[earlier].Wait()
	}
	if turn < len(g.slots) {
		g.slots[turn] <- struct{}{}
		defer func() { <-g.slots[turn] }()
	}
	play()
}
