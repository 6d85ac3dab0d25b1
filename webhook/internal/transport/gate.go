package transport

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// gateWidth is the number of connections that are opened to an address at a time. In the soak of
	// docs/reliability.md, on two processors, sixteen were too many.
	gateWidth = 4
	// gateTime is the time after which a connection that is being opened lets the next one begin, so
	// that a few dead machines behind an address do not hold up requests for the others.
	gateTime = time.Second
)

// gate bounds how many connections to an address are opened at a time. A transport of net/http opens
// one for each request that finds none free, although the first one to be ready carries all of them
// with HTTP/2. Where hundreds of handshakes share few processors none is ready in time, all requests
// time out, and their repetitions open as many again: the process would not recover by itself.
type gate struct {
	mu    sync.Mutex
	doors map[string]*door // by address; an unused door is removed
}

// door is the gate of one address.
type door struct {
	inside  int
	waiting []chan struct{} // closed for the one that may enter
}

// errNotNeeded ends a dial whose request has found another connection or is over. Nothing reads it.
var errNotNeeded = &Error{Kind: Connect}

// around returns a dialer that waits at the gate. A connection stays inside until its TLS handshake is
// over.
func (g *gate) around(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		x := exchangeOf(ctx)
		if x == nil {
			return dial(ctx, network, address)
		}
		before := x.connections.Load()
		if err := g.enter(ctx, address); err != nil {
			return nil, err
		}
		e := &entered{gate: g, address: address}
		g.mu.Lock() // leave may run before AfterFunc returns
		e.timer = time.AfterFunc(gateTime, e.leave)
		g.mu.Unlock()
		if x.connections.Load() != before || x.Err() != nil {
			e.leave()
			return nil, errNotNeeded
		}
		conn, err := dial(ctx, network, address)
		if err != nil || !x.secure {
			e.leave()
			return conn, err
		}
		e.Conn = conn
		return e, nil
	}
}

// enter waits for a place inside. The caller of a successful enter must call leave.
func (g *gate) enter(ctx context.Context, address string) error {
	g.mu.Lock()
	d := g.doors[address]
	if d == nil {
		d = new(door)
		g.doors[address] = d
	}
	if d.inside < gateWidth {
		d.inside++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	d.waiting = append(d.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(d.waiting, turn); i >= 0 {
		d.waiting = slices.Delete(d.waiting, i, i+1)
	} else {
		g.leave(address) // its turn had come
	}
	return ctx.Err()
}

// leave gives a place to the next one. The caller holds g.mu.
func (g *gate) leave(address string) {
	d := g.doors[address]
	if len(d.waiting) > 0 {
		close(d.waiting[0])
		d.waiting = d.waiting[1:]
		return
	}
	if d.inside--; d.inside == 0 {
		delete(g.doors, address)
	}
}

// entered is a connection that is being opened, and the connection itself.
type entered struct {
	net.Conn
	gate    *gate
	address string
	timer   *time.Timer
	left    sync.Once
	writes  int // a tls.Conn makes one at a time
}

func (e *entered) leave() {
	e.left.Do(func() {
		e.gate.mu.Lock()
		defer e.gate.mu.Unlock()
		e.timer.Stop()
		e.gate.leave(e.address)
	})
}

// Write leaves the gate with the first write behind the two of a handshake.
func (e *entered) Write(b []byte) (int, error) {
	if e.writes++; e.writes == 3 {
		e.leave()
	}
	return e.Conn.Write(b)
}

// Close leaves the gate where the handshake has failed.
func (e *entered) Close() error {
	e.leave()
	return e.Conn.Close()
}
