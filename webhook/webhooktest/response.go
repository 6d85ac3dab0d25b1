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

// Response is the endpoint's answer to one request. The zero value is a 200
// without a body.
type Response struct {
	Status int // 200 to 999, default 200
	Header http.Header
	Body   string
	// RetryAfter adds the header Retry-After, in seconds, rounded up.
	RetryAfter time.Duration
	// Delay is the wait before the answer.
	Delay time.Duration
	// Hang sends no answer until the sender disconnects or the endpoint is closed.
	Hang bool
	// Reset resets the connection, with every other request on it, instead of
	// answering.
	Reset bool
}

func (r Response) clone() Response {
	r.Header = r.Header.Clone()
	return r
}

// Answer queues answers, one for each of the next requests that pass the
// checks. When the queue is empty, Options.Script answers, or 200. A request
// that fails a check does not use a queued answer, so that a script cannot hide
// a refusal of the real endpoint.
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

// respond sends the answer r. ctx ends when the sender disconnects.
func (e *Endpoint) respond(ctx context.Context, w http.ResponseWriter, r Response) {
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
		panic(http.ErrAbortHandler) // makes net/http end without an answer
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

// reset closes the connection with an RST: with a linger time of zero the kernel
// discards unsent data.
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
