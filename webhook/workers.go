package webhook

import "sync"

// workers are the goroutines of an engine. While Run is under way, a goroutine whose work is done
// waits for more, because a goroutine whose stack has already grown is cheaper than a new one.
type workers struct {
	mu      sync.Mutex
	most    int           // that may wait; 0 outside of Run
	waiting []chan func() // one for each goroutine that waits, with room for one function
	asleep  sync.WaitGroup
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
	var next chan func()
	for w != nil {
		w()
		if next = p.enlist(next); next == nil {
			return
		}
		w = <-next // nil once Run ends
		p.asleep.Done()
	}
}

// enlist returns the channel on which a goroutine waits, nil if it must end. next is its channel
// after an earlier call.
func (p *workers) enlist(next chan func()) chan func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= p.most {
		return nil
	}
	if next == nil {
		next = make(chan func(), 1)
	}
	p.waiting = append(p.waiting, next)
	p.asleep.Add(1)
	return next
}

// keep lets at most most goroutines wait, more than 0.
func (p *workers) keep(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
}

// end ends the goroutines that wait, and those that work once their work is done. It returns when
// none waits any more.
func (p *workers) end() {
	p.mu.Lock()
	for _, next := range p.waiting {
		close(next)
	}
	p.most, p.waiting = 0, nil
	p.mu.Unlock()
	p.asleep.Wait()
}
