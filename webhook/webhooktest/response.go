package webhooktest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Response is how the endpoint answers one request. The zero value is a 200
// with no body.
type Response struct {
	Status int // 200 to 999, default 200
	Header http.Header
	Body   string
	// RetryAfter adds the header of that name, in seconds, rounded up.
	RetryAfter time.Duration
	// Delay passes before anything else happens.
	Delay time.Duration
	// Hang keeps the sender waiting until it gives up or the endpoint is closed.
	Hang bool
	// Reset breaks the connection off instead of answering, and with it every
	// other request on it.
	Reset bool
}

func (r Response) clone() Response {
	r.Header = r.Header.Clone()
	return r
}

// Answer queues answers, one for each of the next requests that pass the
// checks. Once the queue is empty, Options.Script answers, or 200. A request
// that does not pass uses none up: a script cannot hide what the real endpoint
// would refuse.
func (e *Endpoint) Answer(rs ...Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range rs {
		e.queue = append(e.queue, r.clone())
	}
}

// next returns the answer to r, which passed the checks.
func (e *Endpoint) next(r Request) Response {
	e.mu.Lock()
	if len(e.queue) > 0 {
		first := e.queue[0]
		e.queue = slices.Delete(e.queue, 0, 1)
		e.mu.Unlock()
		return first
	}
	e.mu.Unlock()
	if e.opts.Script == nil {
		return Response{}
	}
	return e.opts.Script(r.N, r.clone()).clone()
}

// connKey is the context key of a request's connection.
type connKey struct{}

// play does what r says. ctx ends when the sender goes away.
func (e *Endpoint) play(ctx context.Context, w http.ResponseWriter, r Response) {
	if r.Delay > 0 {
		timer := time.NewTimer(r.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			panic(http.ErrAbortHandler)
		case <-e.closing.Done():
			panic(http.ErrAbortHandler)
		}
	}
	if r.Hang {
		select {
		case <-ctx.Done():
		case <-e.closing.Done():
		}
		panic(http.ErrAbortHandler) // net/http's way to end without an answer
	}
	if r.Reset {
		reset(ctx)
		panic(http.ErrAbortHandler)
	}
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	if r.RetryAfter > 0 {
		seconds := (r.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	w.WriteHeader(r.Status)
	_, _ = strings.NewReader(r.Body).WriteTo(w)
}

// reset closes the connection with an RST: a linger time of zero makes the
// kernel throw away what is unsent.
func reset(ctx context.Context) {
	c, ok := ctx.Value(connKey{}).(*tls.Conn)
	if !ok {
		return
	}
	if tcp, ok := c.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
}
