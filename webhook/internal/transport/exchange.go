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

// phase is how far a request has come. It only grows.
type phase = int32

const (
	started   phase = iota
	lookingUp       // the name of the target, or of the proxy
	dialling
	atProxy   // the proxy has accepted the connection
	shaking   // the TLS handshake with the target
	connected // the request goes out
)

// Exchange is a request on its way and its answer. It is the request's context, so what dials for
// the request finds it there; a dial may outlive the request that asked for it. Then it is the
// body of the answer.
type Exchange struct {
	context.Context
	message []byte
	sent    bytes.Reader // of message
	by      *generation
	io.ReadCloser
	closed bool

	conn     net.Conn // set by the goroutine that sends
	phase    atomic.Int32
	reused   atomic.Bool // the connection has carried another request
	answered atomic.Bool // the first byte of an answer has come
	trace    httptrace.ClientTrace
}

// Begin prepares an exchange that ends with ctx. The message is the body of the request; it must
// not change until the answer has been closed.
func Begin(ctx context.Context, message []byte) *Exchange {
	x := &Exchange{Context: ctx, message: message}
	x.trace.GotConn = func(c httptrace.GotConnInfo) {
		x.conn = c.Conn
		x.reused.Store(c.Reused)
		x.reach(connected)
	}
	x.trace.GotFirstResponseByte = func() { x.answered.Store(true) }
	return x
}

// Request returns a request with the exchange's context and message, for the caller to complete.
func (x *Exchange) Request() *http.Request {
	return x.load((&http.Request{}).WithContext(x.traced()))
}

func (x *Exchange) traced() context.Context { return httptrace.WithClientTrace(x, &x.trace) }

// load puts the message into a request.
func (x *Exchange) load(req *http.Request) *http.Request {
	req.Body = http.NoBody
	if len(x.message) > 0 {
		x.sent.Reset(x.message)
		// net/http knows this type. Of one it does not know it writes the header apart, which is
		// a system call and a packet more for each request.
		req.Body, req.ContentLength = io.NopCloser(&x.sent), int64(len(x.message))
	}
	return req
}

// Again returns the message once more, as the GetBody of a request does.
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

// reach tells how far the request has come. x may be nil.
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

// exchangeOf returns the request that a dial is for, nil where there is none.
func exchangeOf(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// Close ends the answer and with it the use of the connection.
func (x *Exchange) Close() error {
	err := x.ReadCloser.Close()
	if !x.closed {
		x.closed = true
		x.by.give()
	}
	return err
}

// diedUnanswered tells whether a request failed because its connection, which had been used
// before, was dead: the server had forgotten it. A server that takes too long, or resets a
// stream of HTTP/2 and lives on, is no dead connection.
func (x *Exchange) diedUnanswered(err error) bool {
	if !x.reused.Load() || x.answered.Load() {
		return false
	}
	if timedOut(err) && !errors.Is(err, syscall.ETIMEDOUT) { // which is an unanswered keep-alive probe
		return false
	}
	var stream streamError
	return !errors.As(err, &stream) || stream.Code == refusedStream
}

// streamError is the error of an HTTP/2 stream: those of net/http convert themselves to a type
// of this name and these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "transport: stream was reset" }

const refusedStream = 7 // RFC 9113 section 7: nothing was processed

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
