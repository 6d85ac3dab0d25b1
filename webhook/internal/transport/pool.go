package transport

import (
	"net/http"
	"sync"
	"time"
)

// pool bounds the age of connections. A transport of net/http keeps a connection while it is
// used, so it would never follow a name to another address. A pool therefore replaces its
// transport after age. All connections are renewed together, which costs the same as renewing
// each of them separately.
type pool struct {
	make func() *http.Transport
	age  time.Duration // 0: no limit

	mu      sync.Mutex
	current *generation
}

// generation is a transport and the connections that it has opened.
type generation struct {
	*http.Transport
	pool    *pool // nil: the transport keeps no connections
	end     *time.Timer
	inUse   int // requests whose answers are not read yet
	retired bool
}

// acquire returns the generation for a request. The caller must release it.
func (p *pool) acquire() *generation {
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

// release ends a use of a generation. The last one of a retired generation closes its connections.
func (g *generation) release() {
	if g.pool == nil {
		return
	}
	g.pool.mu.Lock()
	g.inUse--
	last := g.retired && g.inUse == 0
	g.pool.mu.Unlock()
	if last {
		g.CloseIdleConnections()
		// HTTP/2 removes a stream from its connection shortly after the answer was read.
		time.AfterFunc(afterStream, g.CloseIdleConnections)
	}
}

const afterStream = time.Second

// retire ends a generation, or for nil the current one. Idle connections are closed at once, others
// after the answer of their request has been read.
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
