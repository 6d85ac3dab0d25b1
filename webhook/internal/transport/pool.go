package transport

import (
	"net/http"
	"sync"
	"time"
)

// pool bounds the age of connections. A transport of net/http keeps a connection for as long as
// it is used, so a name that has moved to another address would never be followed. A pool
// therefore uses a transport for age and then makes another one. All connections are renewed
// at once, which costs what opening each of them in turn would.
type pool struct {
	make func() *http.Transport
	age  time.Duration // 0: no limit

	mu      sync.Mutex
	current *generation
}

// generation is a transport and the connections that it has opened.
type generation struct {
	*http.Transport
	pool    *pool // nil: it keeps no connections
	end     *time.Timer
	inUse   int // requests whose answer has not been read yet
	retired bool
}

// take returns the generation for a request. It must be given back.
func (p *pool) take() *generation {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.current
	if g == nil {
		g = &generation{Transport: p.make(), pool: p}
		if p.age > 0 {
			g.end = time.AfterFunc(p.age, func() { p.retire(g) })
		}
		p.current = g
	}
	g.inUse++
	return g
}

// give ends the use of a generation. The last request of a retired one closes what is left.
func (g *generation) give() {
	if g.pool == nil {
		return
	}
	g.pool.mu.Lock()
	g.inUse--
	last := g.retired && g.inUse == 0
	g.pool.mu.Unlock()
	if last {
		g.CloseIdleConnections()
		// HTTP/2 takes a stream off its connection a moment after the answer was read.
		time.AfterFunc(afterStream, g.CloseIdleConnections)
	}
}

const afterStream = time.Second

// retire ends a generation, the current one for nil: idle connections are closed, those with a
// request in flight once its answer has been read.
func (p *pool) retire(g *generation) {
	p.mu.Lock()
	if g == nil {
		g = p.current
	}
	if g == nil || g.retired {
		p.mu.Unlock()
		return
	}
	if p.current == g {
		p.current = nil
	}
	g.retired = true
	p.mu.Unlock()
	if g.end != nil {
		g.end.Stop()
	}
	g.CloseIdleConnections()
}
