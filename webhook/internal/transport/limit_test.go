package transport

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"
)

// Rule: the earliest of the bounds ends an exchange as a deadline does.
func TestLimit(t *testing.T) {
	t.Parallel()
	const whole, header = 30 * time.Second, 15 * time.Second
	wrote := func(x *Exchange) { x.trace.WroteRequest(httptrace.WroteRequestInfo{}) }
	for _, tt := range []struct {
		name   string
		header time.Duration
		phases func(x *Exchange)
		want   time.Duration
	}{
		{"the whole, while nothing happens", header, func(*Exchange) {}, 30 * time.Second},
		{"the wait for the header, once the request is written", header, func(x *Exchange) { time.Sleep(time.Second); wrote(x) }, 16 * time.Second},
		{"no wait for the header without a bound", 0, wrote, 30 * time.Second},
		{"the whole, before the end of that wait", header, func(x *Exchange) { time.Sleep(20 * time.Second); wrote(x) }, 30 * time.Second},
		{"the body, after the header", header, func(x *Exchange) { wrote(x); x.trace.GotFirstResponseByte(); x.Within(5 * time.Second) }, 5 * time.Second},
		{"an answer before the request was written entirely", header, func(x *Exchange) { x.trace.GotFirstResponseByte(); x.Within(20 * time.Second); wrote(x) }, 20 * time.Second},
		{"the wait for the header, whose first byte came before the request was written entirely", header, func(x *Exchange) { x.trace.GotFirstResponseByte(); wrote(x) }, 15 * time.Second},
		{"the second request of the exchange", header, func(x *Exchange) { time.Sleep(20 * time.Second); wrote(x.again()) }, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				x := Begin(t.Context(), nil)
				x.Limit(whole, tt.header)
				defer x.End()
				child, cancel := context.WithCancelCause(x)
				defer cancel(nil)
				if at, ok := child.Deadline(); !ok || !at.Equal(began.Add(whole)) {
					t.Errorf("the deadline is %v from the start, want %v", at.Sub(began), whole)
				}
				tt.phases(x)
				<-child.Done()
				if took := time.Since(began); took != tt.want {
					t.Errorf("it ended after %v, want %v", took, tt.want)
				}
				if err := x.Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Err is %v, want that of a deadline", err)
				}
				if err := context.Cause(child); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the cause is %v, want that of a deadline", err)
				}
			})
		})
	}
}

// Rule: the end of the caller's context is no deadline, and End frees the timer.
func TestLimitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		x := Begin(ctx, nil)
		x.Limit(time.Minute, time.Second)
		stop()
		if err := x.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("Err is %v, want that of the caller's context", err)
		}
		x.End()
		x.trace.WroteRequest(httptrace.WroteRequestInfo{}) // net/http may report it after the exchange
		time.Sleep(2 * time.Minute)
		if err := x.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("after End and its time Err is %v", err)
		}
	})
}

// Rule: where the limit ends what is derived from an exchange, that too has timed out.
func TestLimitOfDerived(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ends func(x *Exchange) error
		want Error
	}{
		"a look-up": {func(x *Exchange) error {
			silent := func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
			tr := New(Options{Dial: 10 * time.Second, Resolver: &net.Resolver{PreferGo: true, Dial: silent}})
			tr.names.asked.known, tr.names.asked.at = true, time.Now() // name servers answer others
			return tr.Lookup(x, "hooks.example.com")
		}, Error{DNS, DNSTimeout}},
		"the request for a token": {func(x *Exchange) error {
			ctx, cancel := context.WithTimeout(x, 10*time.Second)
			defer cancel()
			token := Begin(ctx, nil)
			token.reach(connected)
			<-token.Done()
			return token.Failure(token.Err()) // HTTP/2 returns the context's error
		}, Error{Timeout, NoAnswer}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				x := Begin(t.Context(), nil)
				x.Limit(time.Second, 0)
				defer x.End()
				var got *Error
				if err := tt.ends(x); !errors.As(err, &got) || *got != tt.want {
					t.Errorf("%v, want %v", err, tt.want)
				}
			})
		})
	}
}
