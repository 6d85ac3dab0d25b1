package recovery_test

import (
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// wire is a proxy between one host and its database. The host's statements reach the database, even
// where their answers are lost.
type wire struct {
	t       *testing.T
	to      string
	listen  net.Listener
	lose    atomic.Int64 // counts down with each answer; at 0 the connection ends without it
	oneIn   atomic.Int64 // if not 0, one in so many answers is lost, at random
	away    atomic.Bool  // connections end, and none starts
	refused atomic.Int64 // connections that did not start

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// newWire starts a proxy before a database and returns the database behind the proxy.
func newWire(t *testing.T, d hostproc.Database) (*wire, hostproc.Database) {
	t.Helper()
	u, err := url.Parse(d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, to: u.Host, listen: l, conns: make(map[net.Conn]bool)}
	w.lose.Store(-1)
	var served sync.WaitGroup
	served.Go(func() { w.serve(&served) })
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		served.Wait()
	})
	u.Host = l.Addr().String()
	return w, hostproc.PostgreSQL(u.String())
}

func (w *wire) serve(served *sync.WaitGroup) {
	for {
		host, err := w.listen.Accept()
		if err != nil {
			return
		}
		database, err := net.Dial("tcp", w.to)
		if err != nil || w.away.Load() {
			w.refused.Add(1)
			_ = host.Close()
			if err == nil {
				_ = database.Close()
			}
			continue
		}
		w.mu.Lock()
		w.conns[host], w.conns[database] = true, true
		w.mu.Unlock()
		served.Go(func() { w.carry(database, host, false) })
		served.Go(func() { w.carry(host, database, true) })
	}
}

// carry copies from one side until it ends, and then ends both.
func (w *wire) carry(to, from net.Conn, answers bool) {
	defer func() {
		_, _ = to.Close(), from.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, to)
		delete(w.conns, from)
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if answers && w.loses() {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// loses decides whether the next answer is lost.
func (w *wire) loses() bool {
	if w.lose.Load() > 0 && w.lose.Add(-1) == 0 {
		return true
	}
	n := w.oneIn.Load()
	return n > 0 && rand.Int64N(n) == 0
}

// cut ends every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

// interrupt disconnects the database, or reconnects it.
func (w *wire) interrupt(away bool) {
	w.away.Store(away)
	w.cut()
}

// wired opens the Store of a host behind a proxy.
func wired(t *testing.T) (*wire, *sqlstore.Store, hostproc.Database) {
	t.Helper()
	direct := newDatabase(t, sqlstore.PostgreSQL)
	w, d := newWire(t, direct)
	return w, openStore(t, d).(bubbleStore).Store, direct
}
