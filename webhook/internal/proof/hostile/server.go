// Package hostile has hostile receivers: a TLS server on a raw socket that aborts, hangs, floods or
// sends garbage at a chosen moment, a DNS server whose answers change, a listener to which no
// client may connect, and certificates that do not verify. It is for tests of this module; no other
// code imports it.
//
//	ca := hostile.NewAuthority(t)
//	s := hostile.New(t, hostile.Options{
//		Certificate: ca.Issue("hooks.example.com"),
//		Script:      hostile.Repeat(2, hostile.ResetBeforeHeaders()), // then 200
//	})
//
// A [Behavior] either replaces the TLS handshake and is used up by a connection, or answers a
// request and is used up by it. Everything runs on loopback addresses and ends with the test.
// 127.0.0.2 and its neighbours can stand for public addresses behind a prefix that the operator
// allowed.
package hostile

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Options configures a [Server].
type Options struct {
	// IP is the loopback address to listen on; default 127.0.0.1.
	IP string
	// Port is the port to listen on; default a free one.
	Port int
	// Listener replaces IP and Port; see [SamePort].
	Listener net.Listener
	// Certificate is sent to every client; see [Authority].
	Certificate tls.Certificate
	// Script has a behavior for each step.
	Script []Behavior
	// Then is the behavior after Script is used up; default 200.
	Then Behavior
}

// Behavior is one treatment of a connection or a request. The functions of this package make them.
type Behavior struct {
	// Name describes the behavior, for the names of subtests.
	Name string

	accept func(*link) // replaces the handshake
	answer func(*link) // runs after a request was read
	early  bool        // answer runs before the request's body is read
	reuse  func(*link) // runs when the next request on the connection begins
}

// Repeat returns n times b, for Options.Script.
func Repeat(n int, b Behavior) []Behavior { return slices.Repeat([]Behavior{b}, n) }

// Request is a received request.
type Request struct {
	Conn   int    // number of its connection, counting from 1
	Line   string // method, target and version, as sent
	Host   string
	Header http.Header
	// Body holds the exact bytes; nil for EarlyAnswer, which does not wait for it.
	Body []byte
	Time time.Time
}

// Server is a hostile receiver. Its methods are safe for concurrent use.
type Server struct {
	opts  Options
	tls   *tls.Config
	count *accepted
	lis   net.Listener
	done  chan struct{} // closed when Close begins
	once  sync.Once
	wg    sync.WaitGroup

	mu         sync.Mutex
	step       int
	handshakes int
	open       map[net.Conn]bool
	requests   []Request
	changed    chan struct{} // closed and replaced whenever requests grows
}

// New starts a server and closes it when the test ends.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	if o.Certificate.PrivateKey == nil {
		tb.Fatal("hostile: Options.Certificate is missing")
	}
	if o.Then.Name == "" {
		o.Then = Status(http.StatusOK)
	}
	if o.IP == "" {
		o.IP = "127.0.0.1"
	}
	lis := o.Listener
	if lis == nil {
		var err error
		if lis, err = net.Listen("tcp4", net.JoinHostPort(o.IP, strconv.Itoa(o.Port))); err != nil {
			tb.Fatalf("hostile: %v", err)
		}
	}
	s := &Server{
		opts: o, lis: lis, done: make(chan struct{}), open: map[net.Conn]bool{}, changed: make(chan struct{}),
		tls: &tls.Config{Certificates: []tls.Certificate{o.Certificate}, NextProtos: []string{"http/1.1"}},
	}
	s.count = newAccepted(lis.Addr().String())
	s.wg.Go(s.acceptLoop)
	tb.Cleanup(s.Close)
	return s
}

// Close aborts every connection and returns when no goroutine is left.
func (s *Server) Close() {
	s.once.Do(func() {
		s.mu.Lock()
		close(s.done)
		for c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		_ = s.lis.Close()
	})
	s.wg.Wait()
}

// Reset resets every open connection, like a server that restarts.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

// Addr is the address and port that the server listens on.
func (s *Server) Addr() string { return s.lis.Addr().String() }

// Port is the port of Addr.
func (s *Server) Port() int { return s.lis.Addr().(*net.TCPAddr).Port }

// Connections is the number of connections so far from any client, including those that wait to be
// accepted.
func (s *Server) Connections() int { return s.count.total() }

// Handshakes is the number of completed TLS handshakes. In TLS 1.3 a client checks the certificate
// after the server is done, so a client that refuses it may be counted here.
func (s *Server) Handshakes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handshakes
}

// Requests returns the requests so far, in the order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ErrClosed is the error of Wait after the server is closed.
var ErrClosed = errors.New("hostile: server is closed")

// Wait returns the requests so far as soon as there are n of them, or an error when ctx ends or the
// server is closed first.
func (s *Server) Wait(ctx context.Context, n int) ([]Request, error) {
	for {
		s.mu.Lock()
		all, changed := slices.Clone(s.requests), s.changed
		s.mu.Unlock()
		if len(all) >= n {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return all, ctx.Err()
		case <-s.done:
			return all, ErrClosed
		}
	}
}

func (s *Server) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	close(s.changed)
	s.changed = make(chan struct{})
}

// upcoming returns the next step without using it up.
func (s *Server) upcoming() Behavior {
	if s.step < len(s.opts.Script) {
		return s.opts.Script[s.step]
	}
	return s.opts.Then
}

// next uses up the next step if it is of the wanted kind.
func (s *Server) next(connection bool) (Behavior, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.upcoming()
	if (b.accept != nil) != connection {
		return Behavior{}, false
	}
	s.step++
	return b, true
}
