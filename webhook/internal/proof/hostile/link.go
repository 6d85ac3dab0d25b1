package hostile

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// link is one connection. TLS is nil until the handshake.
type link struct {
	s     *Server
	n     int // counts from 1
	raw   *net.TCPConn
	tls   *tls.Conn
	in    *bufio.Reader
	close bool // end the connection after the answer
}

func (s *Server) acceptLoop() {
	for n := 1; ; {
		c, err := s.lis.Accept()
		if err != nil {
			return // closed
		}
		if s.count.isProbe(c) {
			continue
		}
		l := &link{s: s, n: n, raw: c.(*net.TCPConn)}
		n++
		if !s.track(c) {
			continue
		}
		// The step is chosen here, not in the goroutine, so that connections use up the script in
		// the order in which they were made.
		b, instead := s.next(true)
		s.wg.Go(func() {
			defer s.untrack(c)
			if instead {
				b.accept(l)
				return
			}
			l.serve()
		})
	}
}

func (s *Server) track(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		_ = c.Close()
		return false
	default:
		s.open[c] = true
		return true
	}
}

func (s *Server) untrack(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	_ = c.Close()
}

// serve shakes hands and answers requests until the connection ends.
func (l *link) serve() {
	l.tls = tls.Server(l.raw, l.s.tls)
	if l.tls.Handshake() != nil {
		return
	}
	l.s.mu.Lock()
	l.s.handshakes++
	l.s.mu.Unlock()
	l.in = bufio.NewReader(l.tls)
	var last Behavior
	for !l.close {
		if _, err := l.in.Peek(1); err != nil {
			return
		}
		if last.reuse != nil {
			last.reuse(l)
			return
		}
		r, err := http.ReadRequest(l.in)
		if err != nil {
			return
		}
		b, ok := l.s.next(false)
		if !ok { // the next step is for a new connection
			return
		}
		if !l.receive(r, b.early) {
			return
		}
		l.s.mu.Lock()
		l.close = l.s.upcoming().accept != nil // so that the client makes a new one
		l.s.mu.Unlock()
		b.answer(l)
		if b.early {
			_, _ = io.Copy(io.Discard, r.Body) // closing with unread bytes would reset the answer away
		}
		last = b
	}
}

// receive reads the body and records the request. It reports whether the
// request was complete.
func (l *link) receive(r *http.Request, early bool) bool {
	var body []byte
	if !early {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return false
		}
	}
	l.s.record(Request{
		Conn: l.n, Line: r.Method + " " + r.RequestURI + " " + r.Proto,
		Host: r.Host, Header: r.Header, Body: body, Time: time.Now(),
	})
	return true
}

// write sends text and reports whether the client still reads.
func (l *link) write(format string, args ...any) bool {
	_, err := fmt.Fprintf(l.tls, format, args...)
	return err == nil
}

// drip sends text over and over, byte by byte, until the client leaves or the server is closed.
func (l *link) drip(every time.Duration, text string) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(text) {
		select {
		case <-tick.C:
		case <-l.s.done:
			return
		}
		if !l.write("%s", text[i:i+1]) {
			return
		}
	}
}

// flood sends text over and over as fast as the client reads.
func (l *link) flood(text string) {
	for l.write("%s", text) {
	}
}

// hang waits until the client leaves or the server is closed.
func (l *link) hang() {
	l.close = true
	if l.tls != nil {
		_, _ = io.Copy(io.Discard, l.in)
		return
	}
	_, _ = io.Copy(io.Discard, l.raw)
}

// reset ends the connection with an RST: with a linger time of zero the kernel drops unsent bytes.
func (l *link) reset() {
	l.close = true
	_ = l.raw.SetLinger(0)
	_ = l.raw.Close()
}
