package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
)

// phase is the progress of a request. It never decreases.
type phase = int32

const (
	started   phase = iota
	lookingUp       // the name of the target, or of the proxy
	dialling
	atProxy   // the proxy has accepted the connection
	shaking   // the TLS handshake with the target
	connected // the request is sent
)

// Exchange is a request and its answer. It is the request's context, where dialers find it; a dial
// may outlive its request. After the answer it is the body of the answer.
type Exchange struct {
	context.Context
	message []byte
	sent    bytes.Reader // of message
	by      *generation
	io.ReadCloser
	closed bool
	limit  *limit // nil without Limit
	own    limit

	conn        net.Conn // set by the sending goroutine
	secure      bool     // the request goes over TLS
	phase       atomic.Int32
	reused      atomic.Bool  // the connection has carried another request
	connections atomic.Int32 // that the exchange has got
	answered    atomic.Bool  // the first byte of an answer has arrived
	trace       httptrace.ClientTrace
}

// Begin prepares an exchange that ends with ctx. The message is the body of the request; it must
// not change until the answer has been closed.
func Begin(ctx context.Context, message []byte) *Exchange {
	x := &Exchange{Context: ctx, message: message}
	x.trace.GotConn = func(c httptrace.GotConnInfo) {
		x.conn = c.Conn
		x.connections.Add(1)
		x.reused.Store(c.Reused)
		x.reach(connected)
	}
	x.trace.GotFirstResponseByte = func() { x.answered.Store(true) }
	return x
}

func (x *Exchange) wroteRequest(httptrace.WroteRequestInfo) {
	if x.limit.header > 0 {
		x.limit.reset(x.limit.header, false)
	}
}

// Request returns a request with the exchange's context and message, for the caller to complete.
func (x *Exchange) Request() *http.Request {
	return x.setBody((&http.Request{}).WithContext(x.traced()))
}

func (x *Exchange) traced() context.Context { return httptrace.WithClientTrace(x, &x.trace) }

// setBody sets the message as the body of a request.
func (x *Exchange) setBody(req *http.Request) *http.Request {
	req.Body = http.NoBody
	if len(x.message) > 0 {
		x.sent.Reset(x.message)
		// net/http recognises this type. For other types it writes the header separately, which
		// costs one more system call and packet for each request.
		req.Body, req.ContentLength = io.NopCloser(&x.sent), int64(len(x.message))
	}
	return req
}

// again returns an exchange with the same message within the same limit.
func (x *Exchange) again() *Exchange {
	again := Begin(x.Context, x.message)
	if again.limit = x.limit; x.limit != nil {
		again.trace.WroteRequest = again.wroteRequest
	}
	return again
}

// Again returns the message again, as the GetBody of a request does.
func (x *Exchange) Again() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(x.message)), nil
}

type exchangeKey struct{}

// Value implements [context.Context].
func (x *Exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

// reach records the progress of the request. x may be nil.
func (x *Exchange) reach(p phase) {
	if x == nil {
		return
	}
	for {
		was := x.phase.Load()
		if was >= p || x.phase.CompareAndSwap(was, p) {
			return
		}
	}
}

// exchangeOf returns the Exchange of a dial, or nil for a dial without one.
func exchangeOf(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// Close ends the answer and the use of the connection.
func (x *Exchange) Close() error {
	err := x.ReadCloser.Close()
	if !x.closed {
		x.closed = true
		x.by.release()
	}
	return err
}

// diedUnanswered reports whether a request failed because its reused connection was dead: the
// server had forgotten it. A slow server is no dead connection, and neither is a server that resets
// a stream of HTTP/2 and keeps the connection.
func (x *Exchange) diedUnanswered(err error) bool {
	if !x.reused.Load() || x.answered.Load() {
		return false
	}
	if timedOut(err) && !errors.Is(err, syscall.ETIMEDOUT) { // ETIMEDOUT is an unanswered keep-alive probe
		return false
	}
	var stream streamError
	return !errors.As(err, &stream) || stream.Code == refusedStream
}

// streamError is the error of an HTTP/2 stream. The errors of net/http convert themselves to a
// type with this name and these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "transport: stream was reset" }

const refusedStream = 7 // RFC 9113 section 7: the server has not processed the request

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
