package webhook

import "sync"

// workers are the goroutines of an engine. While Run is under way, a goroutine whose work is done
// waits for more, because a goroutine whose stack has already grown is cheaper than a new one.
type workers struct {
	mu      sync.Mutex
	most    int           // that may wait; 0 outside of Run
	waiting []chan func() // one for each goroutine that waits, with room for one function
}

// run calls a function in a goroutine. It does not wait.
func (p *workers) run(w func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.waiting) - 1
	if last < 0 {
		go p.work(w)
		return
	}
	p.waiting[last] <- w // the one that began to wait last has the largest stack
	p.waiting = p.waiting[:last]
}

func (p *workers) work(w func()) {
	var more chan func()
	for w != nil {
		w()
		if more == nil {
			more = make(chan func(), 1)
		}
		w = p.wait(more)
	}
}

// wait returns the next function, or nil when the goroutine must end.
func (p *workers) wait(more chan func()) func() {
	if !p.enlist(more) {
		return nil
	}
	return <-more
}

// enlist reports whether a goroutine may wait.
func (p *workers) enlist(more chan func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= p.most {
		return false
	}
	p.waiting = append(p.waiting, more)
	return true
}

// keep lets at most most goroutines wait. Those that wait then end if most is 0.
func (p *workers) keep(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
	if most > 0 {
		return
	}
	for _, more := range p.waiting {
		close(more)
	}
	p.waiting = nil
}
