package webhook

import (
	"context"
	"fmt"
	"time"
)

// contain turns a panic in code of the host into an error. The panic's value is not
// kept: it may hold a secret.
func contain(what string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %s", ErrPanic, what)
	}
}

// Code of the host may end its goroutine by runtime.Goexit, as the FailNow of a test does. Unlike a
// panic that cannot be stopped: only deferred functions still run. So a goroutine of this package
// either calls such code by isolate, or does in deferred functions what must be done in any case.
// The second way costs nothing, and serves where deliveries pass: send, Dispatch, doSettle.

// isolate calls code of the host in a goroutine of its own. It reports whether the code returned, and
// neither panicked nor ended its goroutine.
func isolate(call func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		call()
		returned = true
	}()
	<-done
	return returned
}

// isolated is isolate for a call with an error.
func isolated(what string, call func() error) (err error) {
	if !isolate(func() { err = call() }) {
		return fmt.Errorf("%w: %s", ErrPanic, what)
	}
	return err
}

// isolatedUntil is isolated for a call of the Store with a result. A Store that ignores the end of ctx
// is abandoned storeGrace later: the error is errNoAnswer, and the goroutine ends with the call.
func isolatedUntil[T any](ctx context.Context, what string, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: fmt.Errorf("%w: %s", ErrPanic, what)}
		defer func() {
			_ = recover()
			done <- r
		}()
		value, err := call()
		r = result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	late := time.NewTimer(storeGrace)
	defer late.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-late.C:
		var none T
		return none, errNoAnswer
	}
}

// each calls f for the numbers from from to n-1. If a call ends the goroutine, a deferred function
// continues with the next number.
func each(from, n int, f func(int)) {
	i := from
	defer func() {
		if i < n {
			each(i+1, n, f)
		}
	}()
	for ; i < n; i++ {
		f(i)
	}
}
