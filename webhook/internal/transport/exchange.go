package transport

import (
	"context"
	"errors"
	"io"
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

// exchange watches one request. It is the request's context, so what dials for the request finds
// it there; a dial may outlive the request that asked for it. Then it is the body of the answer.
type exchange struct {
	context.Context
	by *generation
	io.ReadCloser
	closed   bool
	phase    atomic.Int32
	reused   atomic.Bool // the connection has carried another request
	answered atomic.Bool // the first byte of an answer has come
	trace    httptrace.ClientTrace
}

type exchangeKey struct{}

func newExchange(ctx context.Context, by *generation) *exchange {
	x := &exchange{Context: ctx, by: by}
	x.trace.GotConn = func(c httptrace.GotConnInfo) {
		x.reused.Store(c.Reused)
		x.reach(connected)
	}
	x.trace.GotFirstResponseByte = func() { x.answered.Store(true) }
	return x
}

// Value implements [context.Context].
func (x *exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

func (x *exchange) traced() context.Context { return httptrace.WithClientTrace(x, &x.trace) }

// reach tells how far the request has come. x may be nil.
func (x *exchange) reach(p phase) {
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
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Close ends the answer and with it the use of the connection.
func (x *exchange) Close() error {
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
func (x *exchange) diedUnanswered(err error) bool {
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
